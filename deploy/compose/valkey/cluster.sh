#!/bin/sh
# Makes one cluster of the three nodes, or brings them together again where their addresses have changed.
# Repeatable; ends when each node has the others where they are now, and says that all slots are served.
set -eu
nodes='valkey valkey-2 valkey-3'
export REDISCLI_AUTH="operator $VALKEY_PASSWORD"
ask() { # NODE COMMAND...
    node=$1
    shift
    valkey-cli -h "$node" --user operator --no-auth-warning "$@"
}
address() { getent hosts "$1" | cut -d ' ' -f 1; }
# Whether what a node says of all nodes has another one of them, where it is now.
has() { # SAID NODE
    case $1 in *"$(ask "$2" cluster myid) $(address "$2"):6379@"*) ;; *) return 1 ;; esac
}
complete() {
    for each in $nodes; do
        known=$(ask "$each" cluster nodes)
        # What a node that has just started says of the state is what it was before it ended.
        case $known in *disconnected* | *fail* | *handshake*) return 1 ;; esac
        for other in $nodes; do
            has "$known" "$other" || return 1
        done
        case $(ask "$each" cluster info) in
        *cluster_state:ok*cluster_slots_ok:16384*cluster_known_nodes:3*) ;;
        *) return 1 ;;
        esac
    done
}

until complete; do
    first=0
    for each in $nodes; do
        # A third of the slots each; a node that has some keeps them.
        last=$((first + 5461))
        [ "$last" -lt 16384 ] || last=16383
        case $(ask "$each" cluster nodes | grep myself) in
        *connected) ask "$each" cluster addslotsrange "$first" "$last" ;; # no slots behind that word
        esac
        first=$((last + 1))
    done
    for each in $nodes; do
        known=$(ask "$each" cluster nodes)
        for other in $nodes; do
            # Whom it knows it does not meet again: each time they would begin their connection anew.
            [ "$each" = "$other" ] || has "$known" "$other" ||
                ask "$each" cluster meet "$(address "$other")" 6379
        done
    done
    sleep 2
done
echo 'the cluster is complete'
