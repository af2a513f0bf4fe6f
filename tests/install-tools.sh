#!/bin/sh
# Makes sure that there is what `make publish` links with (a C compiler) and what counts system calls in the tests (strace).
# Does nothing when both are there.
set -eu

missing=""
command -v cc >/dev/null 2>&1 || missing="$missing gcc libc6-dev"
command -v strace >/dev/null 2>&1 || missing="$missing strace"
[ -z "$missing" ] && exit 0

if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null 2>&1; then
    apt-get update
    # shellcheck disable=SC2086 # several words
    apt-get install -y --no-install-recommends $missing
    exit 0
fi

echo "Missing:$missing. Install it (Debian: sudo apt-get install --no-install-recommends$missing)" >&2
exit 1
