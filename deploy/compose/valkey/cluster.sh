#!/bin/sh
# Makes one cluster of the three nodes, or brings them together again where their addresses have changed.
# Repeatable; ends when every node says that all slots are served.
set -eu
nodes='valkey valkey-2 valkey-3'
export REDISCLI_AUTH="operator $VALKEY_PASSWORD"
ask() { # NODE COMMAND...
    node=$1
    shift
    valkey-cli -h "$node" --user operator --no-auth-warning "$@"
}
address() { getent hosts "$1" | cut -d ' ' -f 1; }
complete() {
    for node in $nodes; do
        said=$(ask "$node" cluster info)
        case $said in *cluster_state:ok*cluster_slots_ok:16384*cluster_known_nodes:3*) ;; *) return 1 ;; esac
    done
}

until complete; do
    first=0
    for node in $nodes; do
        # A third of the slots each; a node that has some keeps them.
        last=$((first + 5461))
        [ "$last" -lt 16384 ] || last=16383
        case $(ask "$node" cluster info) in
        *cluster_slots_assigned:0*) ask "$node" cluster addslotsrange "$first" "$last" ;;
        esac
        first=$((last + 1))
        [ "$node" = valkey ] || ask valkey cluster meet "$(address "$node")" 6379
    done
    sleep 1
done
echo 'the cluster is complete'
