#!/bin/sh
# An OCI archive, without a daemon: one layer, made with tar. Docker 25 and newer load it.
# Usage: deploy/container/image.sh ARTIFACTS VERSION
set -eu

artifacts=$1
version=$2
here=$(dirname "$0")
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git -C "$here" log -1 --format=%ct 2>/dev/null || date +%s)}
created=$(date -ud "@$SOURCE_DATE_EPOCH" +%Y-%m-%dT%H:%M:%SZ)
case $(uname -m) in x86_64) arch=amd64 ;; aarch64) arch=arm64 ;; *) arch=$(uname -m) ;; esac

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
blobs=$work/oci/blobs/sha256
mkdir -p "$blobs"

pack() { tar --sort=name --mtime="@$SOURCE_DATE_EPOCH" --numeric-owner "$@"; }
digest() { sha256sum "$1" | cut -d' ' -f1; }
# store FILE: moves it to its place, and says its digest
store() {
    stored=$(digest "$1")
    mv "$1" "$blobs/$stored"
    echo "$stored"
}

"$here/rootfs.sh" "$artifacts" "$work/root"
pack --owner=0 --group=0 --exclude=./var/lib/relay --exclude=./run/relay -C "$work/root" -cf "$work/layer.tar" .
pack --owner=10001 --group=10001 -C "$work/root" -rf "$work/layer.tar" ./var/lib/relay ./run/relay
uncompressed=$(digest "$work/layer.tar")
gzip -9n "$work/layer.tar"
size() { stat -c %s "$blobs/$1"; }
layer=$(store "$work/layer.tar.gz")

cat >"$work/config.json" <<END
{"architecture":"$arch","os":"linux","created":"$created",
"config":{"User":"10001:10001","ExposedPorts":{"9000/tcp":{}},"Env":["PATH=/usr/bin","RELAY_CONFIG=/etc/relay/relay.json"],
"Entrypoint":["/usr/bin/relayd"],"WorkingDir":"/","Volumes":{"/var/lib/relay":{}},"StopSignal":"SIGTERM",
"Labels":{"org.opencontainers.image.title":"relay","org.opencontainers.image.version":"$version"},
"Healthcheck":{"Test":["CMD","/usr/bin/relayctl","health"],"Interval":10000000000,"Timeout":5000000000,"StartPeriod":10000000000,"Retries":3}},
"rootfs":{"type":"layers","diff_ids":["sha256:$uncompressed"]},"history":[{"created":"$created","created_by":"deploy/container/image.sh"}]}
END
config=$(store "$work/config.json")
cat >"$work/manifest.json" <<END
{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json",
"config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:$config","size":$(size "$config")},
"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","digest":"sha256:$layer","size":$(size "$layer")}]}
END
manifest=$(store "$work/manifest.json")
cat >"$work/oci/index.json" <<END
{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[
{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:$manifest","size":$(size "$manifest"),
"platform":{"architecture":"$arch","os":"linux"},"annotations":{"io.containerd.image.name":"docker.io/library/relay:$version","org.opencontainers.image.ref.name":"$version"}}]}
END
echo '{"imageLayoutVersion":"1.0.0"}' >"$work/oci/oci-layout"
pack --owner=0 --group=0 -C "$work/oci" -cf "$artifacts/relay_${version}_$arch.oci.tar" oci-layout index.json blobs
echo "$artifacts/relay_${version}_$arch.oci.tar: $(stat -c %s "$artifacts/relay_${version}_$arch.oci.tar") bytes"
