#!/bin/sh
# Manual pages, made from the programs' own help. Usage: deploy/man.sh RELAYD RELAYCTL FOLDER
set -eu

relayd=$1
relayctl=$2
folder=$3
version=$("$relayd" --version | awk 'NR == 1 { print $NF }')

# The text as it is: what roff would take for its own is escaped. A line that ends in a colon begins a section.
body() {
    sed -e 's/\\/\\e/g' -e 's/-/\\-/g' -e "s/^\([.']\)/\\\\\&\1/" | awk -v level="$1" '
        BEGIN { print ".nf" }
        /^[A-Z].*:$/ { sub(/:$/, ""); print ".fi\n." level " \"" (level == "SH" ? toupper($0) : $0) "\"\n.nf"; next }
        { print }
        END { print ".fi" }'
}

# page NAME SECTION SUMMARY
page() {
    printf '.TH %s %s "" "Relay %s"\n.SH NAME\n%s \\- %s\n.SH SYNOPSIS\n.B %s\n[options]\n' "$1" "$2" "$version" "$1" "$3" "$1"
}

# commands [COMMAND...]: those in the help, with those below them
commands() {
    "$relayctl" help "$@" | awk '/^Commands:/ { on = 1; next } /^[^ ]/ { on = 0 } on && /^  [a-z]/ { print $1 }' | while read -r command; do
        [ "$command" = help ] && continue
        echo "$@" "$command"
        commands "$@" "$command" </dev/null
    done
}

{
    page relayd 8 "WebSocket relay and WebRTC signaling server"
    echo ".SH DESCRIPTION"
    "$relayd" --help | body SH
    printf '.SH SEE ALSO\n.BR relayctl (1)\n'
} >"$folder/relayd.8"

{
    page relayctl 1 "monitor and control a running relayd"
    "$relayctl" --help | body SH
    commands | while read -r command; do
        printf '.SH "relayctl %s"\n' "$command"
        # shellcheck disable=SC2086 # several words
        "$relayctl" help $command </dev/null | body SS
    done
    printf '.SH SEE ALSO\n.BR relayd (8)\n'
} >"$folder/relayctl.1"
