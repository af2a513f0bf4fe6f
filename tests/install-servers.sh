#!/bin/sh
# Makes sure that there are the servers that several relays need (PostgreSQL, nats-server, and HAProxy for tests/cluster.sh), and the proxies that
# tests/proxies.sh tries (nginx, HAProxy, Caddy). Does nothing when all are there. The tests start their own, so that the packages' services are neither needed nor started.
set -eu

missing=""
command -v postgres >/dev/null 2>&1 || ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 || missing="$missing postgresql"
for program in nats-server haproxy nginx caddy; do
    PATH="$PATH:/usr/sbin:/sbin" command -v $program >/dev/null 2>&1 || missing="$missing $program"
done
[ -z "$missing" ] && exit 0

if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null 2>&1; then
    # The package would make and start a cluster of its own; and where there is no service manager, nothing may be started.
    mkdir -p /etc/postgresql-common
    [ -e /etc/postgresql-common/createcluster.conf ] || echo "create_main_cluster = false" > /etc/postgresql-common/createcluster.conf
    policy=/usr/sbin/policy-rc.d
    if [ ! -e "$policy" ]; then
        printf '#!/bin/sh\nexit 101\n' > "$policy"
        chmod 755 "$policy"
        trap 'rm -f "$policy"' EXIT
    fi

    apt-get update
    # shellcheck disable=SC2086 # several words
    apt-get install -y --no-install-recommends $missing
    exit 0
fi

echo "Missing:$missing. Install it (Debian: sudo apt-get install --no-install-recommends$missing)" >&2
exit 1
