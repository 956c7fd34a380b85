# shellcheck shell=bash
# A person who types the commands of a page (tests/e2e/pages.sh): heads, routers and
# bodies go on in the background, and what shows something on a terminal is left by
# its key.

await() {
    local until=$((SECONDS + 30))
    until "${@:2}" 2> /dev/null; do
        [ "$SECONDS" -lt "$until" ] || { echo "no $1"; exit 1; }
        sleep .02
    done
}
# on_terminal KEYS COMMAND...: once the command has shown something, types the
# keys, or ends it if there are none.
on_terminal() {
    local job
    rm -f keys shown
    mkfifo keys
    timeout 60 script -qec "$(printf '%q ' "${@:2}")" /dev/null > shown < keys &
    job=$!
    exec 4> keys
    await "picture on the terminal" test -s shown
    printf '%s' "$1" >&4
    [ -n "$1" ] || kill "$job"
    exec 4>&-
    wait "$job" || [ -z "$1" ]
}
# In the background, until the block is done.
lasts() { command "$@" < /dev/null > lasting 2>&1 & }
became_program() { [ "$(basename "$(readlink "/proc/$1/exe")")" != deptyr ]; }
deptyr() {
    local word
    case "$* " in
        "head "*|"router "*)
            lasts deptyr "$@"
            for word; do [[ $word != /run/* ]] || await "$word" test -S "${word%%=*}"; done ;;
        "body "*)
            lasts deptyr "$@"
            await "program" became_program $! ;;
        "run -d"*) command deptyr "$@" ;;
        "run "*|"attach "*) on_terminal $'\x1c' deptyr "$@" ;;
        *) command deptyr "$@" ;;
    esac
}
socat() {
    case $1 in
        *,raw,*) on_terminal $'\x1d' socat "$@" ;;
        *) command socat "$@" ;;
    esac
}

uwsgi() { on_terminal '' uwsgi "$@"; }
