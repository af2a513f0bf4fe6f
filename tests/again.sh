#!/usr/bin/env bash
# Runs a test command. In CI, up to three tests that fail run once more; those that then pass are named, for each is a bug to be mended, but it
# holds up nothing else. .ci/run counts what "flaky:" says.
set -uo pipefail
[ "${CI:-}" = true ] || exec "$@"
log=$(mktemp)
trap 'rm -f "$log"' EXIT

"$@" 2>&1 | tee "$log"
status=${PIPESTATUS[0]}
plain() { sed 's/\x1b\[[0-9;]*m//g' "$log"; }
mapfile -t names < <(plain | sed -n 's/^failed \([A-Za-z0-9_.+]*\).*/\1/p' | sort -u)
if [ "$status" -eq 0 ] || [ ${#names[@]} -eq 0 ] || [ ${#names[@]} -gt 3 ]; then
  exit "$status"
fi

failed=$(plain | awk '$1 == "failed:" { n = $2 } END { print n + 0 }')
filters=()
for name in "${names[@]}"; do
  filters+=(--filter-method "$name")
done
echo "Again: ${names[*]}"
# 8: a test program without any of them.
"$@" "${filters[@]}" --ignore-exit-code 8 2>&1 | tee "$log"
status=${PIPESTATUS[0]}
if [ "$status" -eq 0 ] && [ "$(plain | awk '$1 == "succeeded:" { n = $2 } END { print n + 0 }')" -ge ${#names[@]} ]; then
  echo "flaky: $failed failed and then passed: ${names[*]}"
  exit 0
fi
[ "$status" -ne 0 ] || status=1
exit "$status"
