#!/bin/bash
# Runs what the documents tell people to type: the commands of every block that is marked sh, one after another in a folder of its own, against a
# relay with clients; and looks up every `relayctl …` in the text, and in the table of commands, in the program's help. Usage: tests/documents.sh ARTIFACTS
set -uo pipefail

artifacts=$(realpath "$1")
suite=documents
installer=tests/install-tools.sh
# shellcheck source=tests/checks.sh
. tests/checks.sh
documents="README.md SECURITY.md docs/*.md"
relayd=""

# What cannot be run here, and why.
not_here='
^sudo  :: needs root, and installs the package: tests/packages.sh does that
^docker :: needs a container runtime: tests/packages.sh runs what is in the image
^make (run|test) :: CI runs the tests by itself, and a relay is started here
^make ctl ARGS="top" :: needs a terminal: TopTests give it one
^RELAY_STORAGE__CONNECTION= :: needs a database on another machine
^RELAY_CLUSTER__NATS__0= :: needs NATS and a database on other machines
--server https://relay.example :: needs the machine relay.example
'

finish() {
    [ -z "$relayd" ] || { kill "$relayd" 2>/dev/null; wait "$relayd" 2>/dev/null; }
    rm -rf "$work"
}
trap finish EXIT

mkdir "$work/bin" "$work/run"
ln -s "$artifacts/relayd/relayd" "$artifacts/relayctl/relayctl" "$work/bin"
# `make ctl ARGS="…"` without building anything.
cat >"$work/bin/make" <<'END'
#!/bin/bash
[ "$1" = ctl ] || { echo "only make ctl is run here" >&2; exit 1; }
eval "exec relayctl ${2#ARGS=}"
END
chmod +x "$work/bin/make"
export PATH="$work/bin:$PATH" RELAY_ADMIN="unix:$work/admin.sock" HOME="$work"
relayd --Listen:Address=127.0.0.1 --Listen:Port=0 --Data:Folder="$work/data" --Admin:Socket="$work/admin.sock" >"$work/relayd.log" 2>&1 &
relayd=$!
check "relayd serves" within 60 relayctl health

# "file:line<TAB>command", a command that goes on after a backslash as one.
commands() {
    # shellcheck disable=SC2086 # several files
    awk '
        FNR == 1 { on = 0 }
        /^ *```/ { on = !on && $0 ~ /^ *```sh *$/; next }
        on && /\\$/ { kept = kept substr($0, 1, length - 1); next }
        on && NF { print FILENAME ":" FNR "\t" kept $0; kept = "" }' $documents
}

why_not() {
    local line
    while read -r line; do
        [ -n "$line" ] && grep -qE -- "${line%% :: *}" <<<"$1" && { echo "${line##* :: }"; return 0; }
    done <<<"$not_here"
    return 1
}

ran=0
while IFS=$'\t' read -r where command; do
    if why=$(why_not "$command"); then
        echo "Not run: $where: $command  ($why)"
    else
        ran=$((ran + 1))
        check "$where: $command" timeout -k 1 60 bash -c "cd '$work/run' && $command"
    fi
done < <(commands)
check "there were commands to run" test "$ran" -gt 5

# known LINE: its words name a command, and the command's help has each of its options
known() {
    local token words=() options=() text status=0
    for token in $1; do
        case $token in
            -*) options+=("${token%%=*}") ;;
            *) [ ${#options[@]} -eq 0 ] && [[ $token =~ ^[a-z][a-z-]*$ ]] && words+=("$token") ;;
        esac
    done
    text=$(relayctl "${words[@]}" --help) || { echo "relayctl ${words[*]}: no such command"; return 1; }
    for token in "${options[@]}"; do
        grep -qE -- "(^|[ ,])$token\b" <<<"$text" || { echo "relayctl ${words[*]} has no $token"; status=1; }
    done
    return $status
}

# Code in the text that begins with relayctl, and the first column of the table of commands; without brackets, bars and what stands for something.
mentioned() {
    # shellcheck disable=SC2086 # several files
    grep -ohE '`relayctl [^`]+`' $documents | sed 's/`//g; s/^relayctl //'
    sed -n '/^## relayctl/,/^## /p' docs/operations.md | grep '^| `' | sed 's/\\|/ /g' | cut -d'|' -f2 | grep -oE '`[^`]+`' | sed 's/`//g' | grep -vE '^[0-9]|^(table|wide|json|jsonl|csv)$'
}
while read -r line; do
    check "relayctl $line" known "$line"
done < <(mentioned | sed "s/'[^']*'//g; s/[][<>…]/ /g; s/\\\\|/ /g; s/[;#|].*//" | sort -u)

summary
