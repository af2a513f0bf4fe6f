#!/bin/sh
# Makes sure that the browser tests find a Chromium. Does nothing when there is one.
set -eu

if command -v "${RELAY_CHROMIUM:-chromium}" >/dev/null 2>&1; then
    exit 0
fi

if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null 2>&1; then
    apt-get update
    apt-get install -y --no-install-recommends chromium
    exit 0
fi

echo "No chromium found. Install it (Debian: sudo apt-get install --no-install-recommends chromium)" >&2
echo "or set RELAY_CHROMIUM to the path of a Chromium or Chrome." >&2
exit 1
