#!/bin/sh
# Makes sure that there is what `make publish` links with (a C compiler), what counts system calls in the tests (strace), what checks the
# packages and deploy/ (lintian, shellcheck, man, promtool, python3-yaml), and what runs their server of another make (Node.js). Does nothing when all are there.
set -eu

missing=""
command -v cc >/dev/null 2>&1 || missing="$missing gcc libc6-dev"
command -v strace >/dev/null 2>&1 || missing="$missing strace"
for tool in lintian shellcheck; do
    command -v "$tool" >/dev/null 2>&1 || missing="$missing $tool"
done
command -v man >/dev/null 2>&1 || missing="$missing man-db"
/usr/bin/python3 -c "import yaml" >/dev/null 2>&1 || missing="$missing python3-yaml"
command -v promtool >/dev/null 2>&1 || missing="$missing prometheus"
command -v node >/dev/null 2>&1 || missing="$missing nodejs"
[ -z "$missing" ] && exit 0

if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null 2>&1; then
    apt-get update
    # shellcheck disable=SC2086 # several words
    apt-get install -y --no-install-recommends $missing
    exit 0
fi

echo "Missing:$missing. Install it (Debian: sudo apt-get install --no-install-recommends$missing)" >&2
exit 1
