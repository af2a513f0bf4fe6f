#!/bin/sh
# All files of the container image: the published programs, the shared libraries that they need, and who they run as.
# Usage: deploy/container/rootfs.sh ARTIFACTS FOLDER
set -eu

artifacts=$1
root=$2
here=$(dirname "$0")
umask 022

rm -rf "$root"
mkdir -p "$root/usr/lib/relay" "$root/usr/bin" "$root/etc/relay" "$root/etc/ssl/certs" "$root/var/lib/relay" "$root/run/relay" "$root/tmp"
chmod 1777 "$root/tmp"
install -m 755 "$artifacts/relayd/relayd" "$root/usr/lib/relay"
install -m 644 "$artifacts"/relayd/*.so "$root/usr/lib/relay"
install -m 755 "$artifacts/relayctl/relayctl" "$root/usr/bin"
strip --strip-unneeded "$root"/usr/lib/relay/*.so
ln -s ../lib/relay/relayd "$root/usr/bin/relayd"
install -m 644 "$here/relay.json" "$root/etc/relay"
echo 'relay:x:10001:10001:Relay server:/var/lib/relay:/usr/sbin/nologin' >"$root/etc/passwd"
echo 'relay:x:10001:' >"$root/etc/group"
echo 'hosts: files dns' >"$root/etc/nsswitch.conf"

# Linked at the start, and what the .NET runtime opens by name: OpenSSL for TLS, the resolver for names.
library() { # NAME: its path on this machine
    ldconfig -p | awk -v name="$1" -v arch="$(uname -m | sed 's/_/-/; s/^aarch64$/AArch64/')" '$1 == name && index($0, arch) { print $NF; exit }'
}
libraries=$(ldd "$artifacts/relayd/relayd" "$artifacts/relayctl/relayctl" | grep -o '/[^ ]*' | grep -v ':$')
for name in libssl.so.3 libcrypto.so.3 libresolv.so.2; do
    path=$(library "$name")
    [ -n "$path" ] || { echo "$name is not on this machine (Debian: apt-get install libssl3)" >&2; exit 1; }
    libraries="$libraries $path"
    libraries="$libraries $(ldd "$path" | grep -o '/[^ ]*')"
done
for path in $libraries; do
    mkdir -p "$root$(dirname "$path")"
    cp -L "$path" "$root$path"
done
# Certificate authorities, for tls:// and https:// to other servers.
[ ! -e /etc/ssl/certs/ca-certificates.crt ] || install -m 644 /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs"
