#!/bin/sh
# Becomes valkey-server, with one user for Milepost: what docs/redis-commands.md names and nothing else. The
# password stays out of files and process lists: only its hash is written, to memory.
set -eu
umask 077
sha256() { printf %s "$1" | sha256sum | cut -d ' ' -f 1; }
acl=/tmp/users.acl
{
    echo 'user default off'
    rights=
    [ "${VALKEY_CLUSTER:-no}" = no ] || rights=' +cluster|slots'
    sed "s/>PASSWORD/#$(sha256 "$VALKEY_PASSWORD")/; s/\$/$rights/" /etc/milepost/milepost.acl
    # Who makes the cluster, once (cluster.sh); without a cluster there is nobody of that kind.
    [ "${VALKEY_CLUSTER:-no}" = no ] || echo "user operator on #$(sha256 "operator $VALKEY_PASSWORD") ~* &* +@all"
} >"$acl"
set -- --maxmemory "$VALKEY_MAXMEMORY"
if [ "${VALKEY_CLUSTER:-no}" != no ]; then
    mkdir -p /data/cluster
    set -- "$@" --dir /data/cluster --cluster-enabled yes
fi
unset VALKEY_PASSWORD
exec valkey-server /etc/milepost/valkey.conf "$@"
