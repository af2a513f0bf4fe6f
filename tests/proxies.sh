#!/bin/bash
# Tries deploy/proxies: the proxy's own check of its configuration, and a WebSocket through it, whose client the relay must see at its true
# address. Usage: tests/proxies.sh ARTIFACTS
set -uo pipefail

artifacts=$(realpath "$1")
suite=proxies
installer=tests/install-servers.sh
# shellcheck source=tests/checks.sh
. tests/checks.sh
relayctl="$artifacts/relayctl/relayctl --server unix:$work/admin.sock --timeout 20s"
relayd=""
proxy=""
PATH="$PATH:/usr/sbin:/sbin"

finish() {
    for one in $proxy $relayd; do
        kill "$one" 2>/dev/null
        wait "$one" 2>/dev/null
    done
    rm -rf "$work"
}
trap finish EXIT

# Ports that nobody listens on now.
free_ports() {
    /usr/bin/python3 -c '
import socket, sys
all = [socket.create_server(("127.0.0.1", 0)) for _ in range(int(sys.argv[1]))]
print(*[each.getsockname()[1] for each in all])' "$1"
}
read -r public behind entrance <<<"$(free_ports 3)"

"$artifacts/relayd/relayd" --Listen:Address=127.0.0.1 --Listen:Port="$public" --Listen:More:0="127.0.0.1:$behind ProxyProtocol" --Data:Folder="$work/data" \
    --Admin:Socket="$work/admin.sock" --Admission:TrustedProxies=127.0.0.1 >"$work/relayd.log" 2>&1 &
relayd=$!
# shellcheck disable=SC2086 # several words
check "relayd serves" within 60 $relayctl health

# The sample with the ports of this test.
sample() { sed "s/:80\b/:$entrance/; s/listen 80;/listen 127.0.0.1:$entrance;/; s/127.0.0.1:9000/127.0.0.1:$public/; s/127.0.0.1:9001/127.0.0.1:$behind/; s/bind :/bind 127.0.0.1:/; s/maxconn 60000/maxconn 100/" "deploy/proxies/$1"; }

reaches_relay() { curl -sf --max-time 10 "http://127.0.0.1:$entrance/ready" >/dev/null; }

# Another loopback address than the proxy's, which claims to be somebody else besides.
client_has_its_address() {
    local client=$1 status
    : >"$work/answer"
    curl -sN --interface "$client" --http1.1 --max-time 60 -i -H 'Connection: Upgrade' -H 'Upgrade: websocket' -H 'Sec-WebSocket-Version: 13' \
        -H 'Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==' -H 'X-Forwarded-For: 203.0.113.9' "http://127.0.0.1:$entrance/" >"$work/answer" &
    local pid=$!
    within 30 grep -aq server_identity "$work/answer" && within 30 listed "$client"
    status=$?
    kill "$pid" 2>/dev/null
    wait "$pid" 2>/dev/null
    [ $status -eq 0 ] || { cat "$work/answer"; $relayctl connections; cat "$work/proxy.log"; }
    return $status
}

# Exactly one client, at exactly that address.
listed() { [ "$($relayctl connections --kind unregistered -o jsonl | jq -r .address)" = "$1" ]; }

nobody_is_left() { local rows; rows=$($relayctl connections -o jsonl) && [ -z "$rows" ]; }

# try NAME CLIENT COMMAND...: a proxy that runs until it is told to stop
try() {
    local name=$1 client=$2
    shift 2
    "$@" >"$work/proxy.log" 2>&1 &
    proxy=$!
    check "a request through $name reaches the relay" within 30 reaches_relay
    check "a WebSocket through $name has its client's address" client_has_its_address "$client"
    kill "$proxy"
    wait "$proxy" 2>/dev/null
    proxy=""
    check "no client is left of $name" within 30 nobody_is_left
}

check_with nginx "nginx is installed" command -v nginx
if command -v nginx >/dev/null; then
    sample nginx.conf >"$work/relay.conf"
    cat >"$work/nginx.conf" <<END
daemon off;
master_process off;
pid $work/nginx.pid;
error_log stderr;
events { }
http { access_log off; client_body_temp_path $work/body; proxy_temp_path $work/proxy; fastcgi_temp_path $work/fastcgi; uwsgi_temp_path $work/uwsgi; scgi_temp_path $work/scgi;
    include $work/relay.conf; }
END
    check "nginx takes its configuration" nginx -t -q -c "$work/nginx.conf"
    try nginx 127.0.0.7 nginx -c "$work/nginx.conf"
fi

check_with haproxy "HAProxy is installed" command -v haproxy
if command -v haproxy >/dev/null; then
    check "HAProxy takes its configuration" haproxy -c -q -f deploy/proxies/haproxy.cfg
    sample haproxy.cfg >"$work/haproxy.cfg"
    try HAProxy 127.0.0.8 haproxy -db -f "$work/haproxy.cfg"
fi

check_with caddy "Caddy is installed" command -v caddy
if command -v caddy >/dev/null; then
    check "Caddy takes its configuration" env HOME="$work" caddy validate --adapter caddyfile --config deploy/proxies/Caddyfile
    { echo '{ admin off }' | sed 's/ admin off /\n\tadmin off\n/'; sample Caddyfile; } >"$work/Caddyfile"
    try Caddy 127.0.0.9 env HOME="$work" caddy run --adapter caddyfile --config "$work/Caddyfile"
fi

summary
