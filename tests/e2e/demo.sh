#!/bin/bash
# tests/demo shows what it promises, by itself and to a person, and cleans up.
cd "$(dirname "$0")/../.." || exit
export DEPTYR=${DEPTYR?"the built deptyr"}

TMPDIR=$(mktemp -d) || exit
export TMPDIR
person=$TMPDIR/person                       # their tmux
tmux() { TMUX='' command tmux -S "$person" -f /dev/null "$@"; }
trap '{ tmux kill-server; rm -rf "$TMPDIR"; } 2> /dev/null' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

fail() { echo "$*"; exit 1; }
# await WHAT COMMAND...
await() {
    local left=4000                         # a try takes longer on a busy machine
    until "${@:2}"; do
        [ $((left--)) -gt 0 ] || { tmux capture-pane -p; fail "no $1 after 4000 looks"; }
        sleep .02
    done 2> /dev/null
}
nothing_is_left() {
    [ -z "$(find "$TMPDIR" -mindepth 1 ! -path "$person" ! -path "$TMPDIR/said")" ] &&
        ! grep -qszF "DEPTYR_DEMO=$TMPDIR" /proc/[0-9]*/environ
}
# It runs as in a container of a CI service.
alone() { exec env -u TERM CI=true tests/demo "$@" < /dev/null; }

echo "Alone it shows every step, and leaves nothing."
for program in rtorrent htop; do
    ( alone $program ) > "$TMPDIR/said" 2>&1
    status=$?
    [ $status = 77 ] && { tail -n 1 "$TMPDIR/said"; exit 77; }
    [ $status = 0 ] || { cat "$TMPDIR/said"; fail "exit status $status"; }
    for word in "_ $program" "+---" "before: " "after: " "deptyr: $program ended" "still"; do
        grep -qF -- "$word" "$TMPDIR/said" || { cat "$TMPDIR/said"; fail "not shown: $word"; }
    done
    nothing_is_left || fail "something is left"
done

echo "Terminated on its way, it leaves nothing."
rm "$TMPDIR/said"
( alone ) > "$TMPDIR/said" 2>&1 &
demo=$!
await "picture" grep -q '^+--' "$TMPDIR/said"
kill $demo
wait $demo
status=$?
[ $status = 143 ] || fail "exit status $status of a terminated demo"
nothing_is_left || fail "something is left of a terminated demo"

echo "A step that is not seen is told, fails, and leaves nothing."
ln -s /bin/true "$TMPDIR/deptyr"
( DEPTYR=$TMPDIR/deptyr alone ) > "$TMPDIR/said" 2>&1 && fail "succeeds with a deptyr that does nothing"
grep -q '^tests/demo: the window has closed' "$TMPDIR/said" || { cat "$TMPDIR/said"; fail "not told"; }
rm "$TMPDIR/deptyr"
nothing_is_left || fail "something is left of a demo that failed"

# person_leaves HOW KEY...: the keys end the demo.
person_leaves() {
    echo "On a terminal it is the person's, until they leave it: $1."
    tmux respawn-pane -k "tests/demo; echo exit status \$?; exec cat"
    await "window" shows "Throttle off/off.*head's keys"
    tmux send-keys a
    await "what a key does" shows 'Throttle +[1-9]'
    tmux send-keys "${@:2}"
    await "end" shows 'exit status [0-9]'
    shows 'exit status 0' || { tmux capture-pane -p; fail "the demo fails"; }
    nothing_is_left || fail "something is left"
}
shows() { tmux capture-pane -p | tr '\n' ' ' | grep -Eq "$1"; }
tmux new-session -d -x 80 -y 24 cat
command_key=C-\\
person_leaves "detaching" C-b d
person_leaves "quitting head" "$command_key" q y
person_leaves "sending head to the background" "$command_key" d
