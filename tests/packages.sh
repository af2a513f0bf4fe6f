#!/bin/bash
# Checks the Debian package and the container image that `make deb image` has made. With CI=true and as root the package is really installed and
# purged again; elsewhere it is unpacked. Usage: tests/packages.sh ARTIFACTS VERSION
set -uo pipefail

artifacts=$(realpath "$1")
version=$2
deb=$artifacts/relay_${version}_$(dpkg --print-architecture).deb
case $(uname -m) in x86_64) arch=amd64 ;; aarch64) arch=arm64 ;; *) arch=$(uname -m) ;; esac
image=$artifacts/relay_${version}_$arch.oci.tar
suite=packages
installer=tests/install-tools.sh
# shellcheck source=tests/checks.sh
. tests/checks.sh
pid=""
installed=""

finish() {
    [ -z "$pid" ] || kill -KILL "$pid" 2>/dev/null
    [ -z "$installed" ] || dpkg --purge relay >/dev/null 2>&1
    rm -rf "$work"
}
trap finish EXIT

# healthy COMMAND...: within half a minute
healthy() {
    for _ in $(seq 150); do
        timeout -k 1 10 "$@" health >"$work/health" 2>&1 && return 0
        sleep 0.2
    done
    cat "$work/health"
    cat "$work/relayd.log"
    return 1
}

stops() {
    kill -TERM "$pid"
    for _ in $(seq 75); do
        kill -0 "$pid" 2>/dev/null || break
        sleep 0.2
    done
    wait "$pid"
    local status=$?
    pid=""
    [ "$status" -eq 0 ] || { echo "exit code $status"; cat "$work/relayd.log"; return 1; }
}

# The names that a filter of system calls holds, with those of the groups in it.
allowed_calls() {
    systemd-analyze syscall-filter --no-pager 2>/dev/null | sed 's/\x1b\[[0-9;]*m//g' | awk -v want="$1" '
        /^@/ { group = $1; next }
        /^ +[@a-z_0-9]/ { members[group] = members[group] " " $1 }
        function show(name, list, count, i) {
            if (name !~ /^@/) { print name; return }
            count = split(members[name], list, " ")
            for (i = 1; i <= count; i++) show(list[i])
        }
        END { show(want) }' | sort -u
}

calls_are_allowed() {
    allowed_calls @system-service >"$work/allowed"
    sed -n 's/^[0-9]* *\([a-z_0-9]*\)(.*/\1/p' "$work/trace" | sort -u | grep -vx execve >"$work/made"
    [ -s "$work/made" ] && [ -s "$work/allowed" ] || { echo "nothing to compare"; return 1; }
    local beyond
    beyond=$(comm -13 "$work/allowed" "$work/made")
    [ -z "$beyond" ] || { echo "not in SystemCallFilter: $beyond"; return 1; }
}

nothing_writable_is_executable() { ! grep -E 'mprotect\(.*PROT_EXEC|mmap\(.*PROT_WRITE\|PROT_EXEC' "$work/trace"; }

check_with lintian "lintian finds no error" lintian --allow-root --fail-on error "$deb"
check_with shellcheck "scripts" shellcheck -x -S warning deploy/*.sh deploy/*/*.sh deploy/debian/p* tests/*.sh

check_with promtool "the alert rules fire when they should, and only then" promtool test rules deploy/prometheus/alerts.test.yml

# The cluster's files: what is in front of the relays, and what compose and Kubernetes read.
installer=tests/install-servers.sh check_with haproxy "HAProxy takes its configuration" haproxy -c -q -f deploy/cluster/haproxy.cfg
if /usr/bin/python3 -c "import yaml" 2>/dev/null; then
    for file in deploy/cluster/*.yaml; do
        check "$file is YAML" /usr/bin/python3 -c 'import sys, yaml; assert all(yaml.safe_load_all(open(sys.argv[1])))' "$file"
    done
else
    skip "deploy/cluster is YAML: there is no python3-yaml; tests/install-tools.sh installs it"
fi
metrics_are_documented() {
    local names metric status=0
    names=$(grep -o 'relay_[a-z_]*' deploy/prometheus/alerts.yml | sort -u)
    [ -n "$names" ] || return 1
    for metric in $names; do
        grep -q "\`$metric\`" docs/metrics.md || { echo "$metric is not in docs/metrics.md"; status=1; }
    done
    return $status
}
check "the alert rules' metrics are in docs/metrics.md" metrics_are_documented

root=""
user=relay
if [ "${CI:-}" = true ] && [ "$(id -u)" -eq 0 ] && ! getent passwd relay >/dev/null && ! dpkg -s relay >/dev/null 2>&1; then
    installed=yes
    check "the package is installed" dpkg -i "$deb"
    check "its configuration is not for everybody" test "$(stat -c '%a %U %G' /etc/relay/relay.json)" = "640 root relay"
    check "it can be installed again" dpkg -i "$deb"
else
    root=$work/root
    user=65534
    check "the package is unpacked" dpkg-deb -x "$deb" "$root"
fi
unit=$root/lib/systemd/system/relay.service
if [ -n "$root" ]; then
    echo "The unit is not verified: systemd-analyze looks for its program at the place where the package installs it."
else
    check_with systemd-analyze "the unit" systemd-analyze verify "$unit"
fi
for page in man8/relayd.8 man1/relayctl.1; do
    check_with man "$page" bash -c "man --warnings -l '$root/usr/share/man/$page.gz' 2>&1 >/dev/null | grep . && exit 1; exit 0"
    check_with man "$page has the help" bash -c "MANWIDTH=120 man -l '$root/usr/share/man/$page.gz' | grep -q -- '--config\|--excess'"
done

# As the unit starts it: its command line and user, an empty environment, no privileges; on a port of the test's own.
if [ "$(id -u)" -eq 0 ]; then
    mkdir "$work/state" "$work/run"
    chown "$user" "$work/state" "$work/run"
    chmod 700 "$work/state"
    line=$(sed -n 's/^ExecStart=//p' "$unit")
    command="$root${line//\/etc\/relay/$root/etc\/relay}"
    command="${command//\/run\/relay/$work/run} --Listen:Address=127.0.0.1 --Listen:Port=0"
    # shellcheck disable=SC2086 # several words
    (cd / && umask 077 && exec env -i STATE_DIRECTORY="$work/state" \
        "$(command -v strace)" -f -qq -o "$work/trace" "$(command -v setpriv)" --reuid="$user" --regid="$user" --clear-groups --no-new-privs --inh-caps=-all --bounding-set=-all $command) \
        >"$work/relayd.log" 2>&1 &
    tracer=$!
    check "the unit's command line serves" healthy "$root/usr/bin/relayctl" --server "unix:$work/run/admin.sock"
    check "its admin socket is for its group" test "$(stat -c %a "$work/run/admin.sock")" = 660
    check "the log has priorities" grep -q '^<6>.*Started relayd' "$work/relayd.log"
    relayd=$(pgrep -P "$tracer" | head -1)
    check "SIGHUP, as ExecReload sends it" bash -c "kill -HUP $relayd && '$root/usr/bin/relayctl' --server 'unix:$work/run/admin.sock' health"
    pid=$tracer
    kill -TERM "$relayd"
    wait "$tracer"
    check "SIGTERM ends it with 0" test $? -eq 0
    pid=""
    check_with systemd-analyze "SystemCallFilter allows what it calls" calls_are_allowed
    check "MemoryDenyWriteExecute allows what it maps" nothing_writable_is_executable
else
    skip "the unit's command line: only root can start it as another user"
fi

if [ -n "$installed" ]; then
    mkdir -p /var/lib/relay
    check "the package is purged" dpkg --purge relay
    check "nothing of it is left" test ! -e /var/lib/relay -a ! -e /etc/relay/relay.json -a ! -e /usr/bin/relayd
    userdel relay
    installed=""
fi

# The image: unpacked by its own index, and run as its user with nothing but what is in it.
mkdir "$work/oci" "$work/image"
check "the image is unpacked" tar -xf "$image" -C "$work/oci"
blob() { echo "$work/oci/blobs/sha256/$1"; }
first_digest() { tr -d '\n' <"$2" | grep -o "$1[^}]*sha256:[0-9a-f]*" | grep -o '[0-9a-f]\{64\}' | head -1; }
check "every blob is what its name says" bash -c "cd '$work/oci/blobs/sha256' && sha256sum * | awk '\$1 != \$2 { exit 1 }'"
manifest=$(first_digest manifests "$work/oci/index.json")
config=$(first_digest '"config"' "$(blob "$manifest")")
layer=$(first_digest layers "$(blob "$manifest")")
check "the layer's uncompressed digest" bash -c "grep -q \$(zcat <'$(blob "$layer")' | sha256sum | cut -d' ' -f1) '$(blob "$config")'"
check "its user is not root" grep -q '"User":"10001:10001"' "$(blob "$config")"
if [ "$(id -u)" -eq 0 ]; then
    check "the layer is unpacked" tar -xzpf "$(blob "$layer")" --numeric-owner -C "$work/image"
    # /proc and /dev, as every container has them, in a mount namespace that ends with the program.
    mkdir -p "$work/image/proc" "$work/image/dev"
    # shellcheck disable=SC2016 # for the inner shell
    env -i PATH=/usr/bin:/usr/sbin:/bin:/sbin RELAY_CONFIG=/etc/relay/relay.json unshare --mount sh -c '
        mount --rbind /proc "$1/proc" && mount --rbind /dev "$1/dev" &&
        exec chroot --userspec=10001:10001 "$1" /usr/bin/relayd --Listen:Port=0' sh "$work/image" >"$work/relayd.log" 2>&1 &
    pid=$!
    check "the image's program serves" healthy nsenter --mount --target "$pid" chroot --userspec=10001:10001 "$work/image" /usr/bin/relayctl
    check "it ends with 0" stops
else
    skip "running the image: only root can change the root folder"
fi

summary
