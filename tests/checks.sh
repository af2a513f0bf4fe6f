# shellcheck shell=bash
# For the scripts here that check something: each check counts as one test of .ci/run. They have a folder of their own in $work.
work=$(mktemp -d)
chmod 755 "$work"
succeeded=0
failed=0
skipped=0

# check WHAT COMMAND...
check() {
    local what=$1
    shift
    if "$@" >"$work/log" 2>&1; then
        succeeded=$((succeeded + 1))
    else
        failed=$((failed + 1))
        echo "failed ${suite:?}: $what"
        sed 's/^/  /' "$work/log"
    fi
}

# skip WHAT: what this machine cannot check; in CI that is a failure
skip() {
    echo "SKIPPED: $1"
    if [ "${CI:-}" = true ]; then failed=$((failed + 1)); else skipped=$((skipped + 1)); fi
}

# check_with PROGRAM WHAT COMMAND...
check_with() {
    local program=$1
    shift
    if command -v "$program" >/dev/null; then check "$@"; else skip "$1: there is no $program; ${installer:?} installs it"; fi
}

# within SECONDS COMMAND...: until it succeeds
within() {
    local tries=$(($1 * 5))
    shift
    for _ in $(seq "$tries"); do
        "$@" && return 0
        sleep 0.2
    done
    return 1
}

# summary: as .ci/run counts it, and the exit code
summary() {
    printf '%s summary:\n  total: %s\n  failed: %s\n  succeeded: %s\n  skipped: %s\n' "$suite" $((succeeded + failed + skipped)) $failed $succeeded $skipped
    [ "$failed" -eq 0 ]
}
