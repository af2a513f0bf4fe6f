#!/bin/sh
# Makes the Debian packages from the published programs. Usage: deploy/debian/build.sh ARTIFACTS VERSION
set -eu

artifacts=$1
version=$2
here=$(dirname "$0")
arch=$(dpkg --print-architecture)
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git -C "$here" log -1 --format=%ct 2>/dev/null || date +%s)}
export SOURCE_DATE_EPOCH

umask 022
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/relay

put() { # MODE TARGET FILE...: files into a folder
    mode=$1
    target=$root/$2
    shift 2
    mkdir -p "$target"
    install -m "$mode" "$@" "$target"
}
place() { # MODE TARGET FILE: one file under a name of its own
    mkdir -p "$root/$(dirname "$2")"
    install -m "$1" "$3" "$root/$2"
}
log() { # PACKAGE
    mkdir -p "$root/usr/share/doc/$1"
    printf '%s (%s) unstable; urgency=medium\n\n  * This version; what changed is in its CHANGELOG.md.\n\n -- Relay <relay@localhost>  %s\n' \
        "$1" "$version" "$(date -uRd "@$SOURCE_DATE_EPOCH")" | gzip -9n >"$root/usr/share/doc/$1/changelog.gz"
}
seal() { # PACKAGE: what is in root, with its control file
    (cd "$root" && find . -type f ! -path './etc/*' ! -path './DEBIAN/*' -printf '%P\n' | LC_ALL=C sort | xargs -d '\n' md5sum >DEBIAN/md5sums)
    find "$root" -exec touch -hd "@$SOURCE_DATE_EPOCH" {} +
    dpkg-deb --root-owner-group -Zxz --build "$root" "$artifacts/$1_${version}_$arch.deb"
}

put 755 usr/lib/relay "$artifacts/relayd/relayd"
put 644 usr/lib/relay "$artifacts"/relayd/*.so
strip --strip-unneeded "$root"/usr/lib/relay/*.so
put 755 usr/bin "$artifacts/relayctl/relayctl"
ln -s ../lib/relay/relayd "$root/usr/bin/relayd"
place 644 etc/relay/relay.json "$here/relay.json"
place 644 lib/systemd/system/relay.service "$here/relay.service"
place 644 usr/lib/sysusers.d/relay.conf "$here/relay.sysusers"
place 644 usr/lib/tmpfiles.d/relay.conf "$here/relay.tmpfiles"
place 644 usr/share/lintian/overrides/relay "$here/lintian-overrides"
place 644 usr/share/doc/relay/copyright "$here/copyright"

relayctl=$artifacts/relayctl/relayctl
share=$root/usr/share
mkdir -p "$share/man/man1" "$share/man/man8" "$share/bash-completion/completions" "$share/zsh/vendor-completions" "$share/fish/vendor_completions.d"
"$relayctl" completion bash >"$share/bash-completion/completions/relayctl"
"$relayctl" completion zsh >"$share/zsh/vendor-completions/_relayctl"
"$relayctl" completion fish >"$share/fish/vendor_completions.d/relayctl.fish"
"$here/../man.sh" "$artifacts/relayd/relayd" "$relayctl" "$share/man"
gzip -9n "$share/man/relayctl.1" "$share/man/relayd.8"
mv "$share/man/relayctl.1.gz" "$share/man/man1"
mv "$share/man/relayd.8.gz" "$share/man/man8"
log relay

# The newest symbol of the C library that the programs name.
libc=$(objdump -T "$artifacts/relayd/relayd" "$relayctl" "$artifacts"/relayd/*.so | grep -o 'GLIBC_[0-9.]*' | sort -uV | tail -1)
mkdir "$root/DEBIAN"
cat >"$root/DEBIAN/control" <<END
Package: relay
Version: $version
Architecture: $arch
Maintainer: Relay <relay@localhost>
Section: net
Priority: optional
Installed-Size: $(du -sk --apparent-size "$root" | cut -f1)
Depends: libc6 (>= ${libc#GLIBC_}), libssl3 | libssl3t64, systemd | systemd-standalone-sysusers
Recommends: ca-certificates
Description: WebSocket relay and WebRTC signaling server
 Peers behind NAT connect to it, find each other by pairing codes and exchange
 offers and answers. Connection limits, in total and per address, are exact and
 adjustable at run time with relayctl.
END
echo /etc/relay/relay.json >"$root/DEBIAN/conffiles"
put 755 DEBIAN "$here/postinst" "$here/prerm" "$here/postrm"
seal relay

# The dashboard by itself: a relay and relayctl do without it, and it may be on another machine.
root=$work/dashboard
mkdir -p "$root/usr/lib/relay" "$root/DEBIAN"
cp -R "$artifacts/dashboard" "$root/usr/lib/relay/dashboard"
find "$root/usr" -type f -exec chmod 644 {} + -o -type d -exec chmod 755 {} +
chmod 755 "$root/usr/lib/relay/dashboard/relay-dashboard"
mkdir -p "$root/usr/bin"
ln -s ../lib/relay/dashboard/relay-dashboard "$root/usr/bin/relay-dashboard"
place 644 usr/share/doc/relay-dashboard/copyright "$here/copyright"
sed 's/^relay:/relay-dashboard:/' "$here/lintian-overrides" >"$work/overrides"
cat >>"$work/overrides" <<END
# A program that carries the .NET runtime with it.
relay-dashboard: unstripped-binary-or-object *
relay-dashboard: no-manual-page *
END
place 644 usr/share/lintian/overrides/relay-dashboard "$work/overrides"
log relay-dashboard
cat >"$root/DEBIAN/control" <<END
Package: relay-dashboard
Version: $version
Architecture: $arch
Maintainer: Relay <relay@localhost>
Section: net
Priority: optional
Installed-Size: $(du -sk --apparent-size "$root" | cut -f1)
Depends: libc6 (>= 2.27), libgcc-s1, libstdc++6, libssl3 | libssl3t64, ca-certificates
Enhances: relay
Description: WebSocket relay in a browser
 Shows a relay's load, addresses, limits, decisions and connections in a browser,
 and changes what the operator's role allows. relayctl dashboard starts it.
END
seal relay-dashboard
