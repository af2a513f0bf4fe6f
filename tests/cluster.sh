#!/bin/sh
# Three relays on this machine that serve as one, with two NATS servers, a PostgreSQL server, and HAProxy in front where it is installed. All of
# it lives in a temporary folder and ends with Ctrl-C. Usage: tests/cluster.sh RELAYD RELAYCTL [first port, 9000]
set -eu

relayd=$1
relayctl=$2
port=${3:-9000}
nats=nats://127.0.0.1:$((port + 10)),nats://127.0.0.1:$((port + 11))
nodes="a b c"

find_program() {
    PATH="$PATH:/usr/sbin:/sbin" command -v "$1" || ls /usr/lib/postgresql/*/bin/"$1" 2>/dev/null | tail -1
}

nats_server=$(find_program nats-server)
initdb=$(find_program initdb)
postgres=$(find_program postgres)
haproxy=$(find_program haproxy)
if [ -z "$nats_server" ] || [ -z "$initdb" ] || [ -z "$postgres" ]; then
    echo "nats-server and PostgreSQL are needed; tests/install-servers.sh installs them." >&2
    exit 1
fi

folder=$(mktemp -d "${TMPDIR:-/tmp}/relay-cluster.XXXXXX")
started=""

stop() {
    trap - INT TERM EXIT
    # The last that was started first: relays say goodbye while NATS is there.
    for one in $started; do
        kill -s "${one%:*}" "${one#*:}" 2>/dev/null || true
        wait "${one#*:}" 2>/dev/null || true
    done
    rm -rf "$folder"
}
trap stop EXIT
trap 'exit 0' INT
trap 'exit 143' TERM

# start LOG SIGNAL COMMAND...: the signal ends it in good order
start() {
    log=$1
    signal=$2
    shift 2
    # In a session of its own, so that Ctrl-C ends one after the other.
    setsid "$@" >"$folder/$log.log" 2>&1 &
    started="$signal:$! $started"
}

# wait_for WHAT COMMAND...
wait_for() {
    what=$1
    shift
    tries=0
    until "$@" >/dev/null 2>&1; do
        tries=$((tries + 1))
        if [ $tries -gt 300 ]; then
            echo "$what does not start:" >&2
            cat "$folder/$what.log" >&2
            exit 1
        fi
        sleep 0.2
    done
}

# PostgreSQL refuses root.
as=""
if [ "$(id -u)" -eq 0 ]; then
    as="setpriv --reuid=65534 --regid=65534 --clear-groups"
    chmod 711 "$folder"
fi
mkdir -m 700 "$folder/pg"
[ -z "$as" ] || chown 65534 "$folder/pg"
# shellcheck disable=SC2086 # several words
$as "$initdb" -D "$folder/pg/data" -U postgres -A trust -E UTF8 --locale=C --no-sync >"$folder/initdb.log"
# shellcheck disable=SC2086 # several words
start postgres INT $as "$postgres" -D "$folder/pg/data" -c listen_addresses= -c unix_socket_directories="$folder/pg" -c shared_buffers=32MB
for number in 0 1; do
    start nats$number TERM "$nats_server" -n nats$number -a 127.0.0.1 -p $((port + 10 + number)) --cluster_name relay \
        --cluster nats://127.0.0.1:$((port + 20 + number)) --routes nats://127.0.0.1:$((port + 21 - number))
done
for number in 0 1; do
    wait_for nats$number grep -q 'Server is ready' "$folder/nats$number.log"
    wait_for nats$number grep -q 'Route connection created' "$folder/nats$number.log"
done
wait_for postgres test -S "$folder/pg/.s.PGSQL.5432"

number=0
for node in $nodes; do
    number=$((number + 1))
    mkdir "$folder/$node"
    start "$node" TERM "$relayd" \
        --Listen:Address=127.0.0.1 --Listen:Port=$((port + number)) \
        --Listen:ClientAddress=Socket --Listen:More="127.0.0.1:$((port + 100 + number)) ProxyProtocol" --Admission:TrustedProxies=127.0.0.1 \
        --Cluster:Nats="$nats" --Cluster:Node="$node" \
        --Storage:Connection="Host=$folder/pg;Database=postgres;Username=postgres" \
        --Data:Folder="$folder/$node" --Identity:KeyFile="$folder/server.key" --Admin:Socket="$folder/$node.sock"
    wait_for "$node" "$relayctl" --server "unix:$folder/$node.sock" health
done

if [ -n "$haproxy" ]; then
    {
        echo "defaults"
        echo "  mode tcp"
        echo "  timeout connect 5s"
        echo "  timeout client 1h"
        echo "  timeout server 1h"
        echo "listen relays"
        echo "  bind 127.0.0.1:$port"
        # One that drains or starts gets no new clients, and keeps those it has.
        echo "  option httpchk GET /ready"
        echo "  http-check expect status 200"
        number=0
        for node in $nodes; do
            number=$((number + 1))
            echo "  server $node 127.0.0.1:$((port + 100 + number)) send-proxy-v2 check inter 1s port $((port + number))"
        done
    } >"$folder/haproxy.cfg"
    "$haproxy" -c -q -f "$folder/haproxy.cfg"
    start haproxy TERM "$haproxy" -db -f "$folder/haproxy.cfg"
    echo "Clients: ws://127.0.0.1:$port/ (HAProxy), or a node alone: ports $((port + 1)) to $((port + number))"
else
    echo "Clients: ws://127.0.0.1:$((port + 1))/ to $((port + number)) (no HAProxy here, which would be on port $port; tests/install-servers.sh installs it)"
fi

cat <<END
NATS: $nats    PostgreSQL: psql -h $folder/pg -U postgres    Logs: $folder/*.log

  export RELAY_ADMIN=unix:$folder/a.sock
  $relayctl cluster            # nodes, clients, lag
  $relayctl ips --cluster      # addresses with the connections that they hold on all nodes
  $relayctl explain 127.0.0.1  # what a connection would get, with other nodes' counts

Ctrl-C ends all.
END
sleep infinity &
wait $!
