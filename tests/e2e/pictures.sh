#!/bin/bash
# The pictures of README are what tests/pictures makes, apart from times and pids.
cd "$(dirname "$0")/../.." || exit
export DEPTYR=${DEPTYR?"the built deptyr"}
for tool in rtorrent s6-svscan tmux unshare; do
    command -v $tool > /dev/null || { echo "needs $tool"; exit 77; }
done
unshare --mount --pid --fork --mount-proc true 2> /dev/null ||
    unshare --user --map-root-user --mount --pid --fork --mount-proc true 2> /dev/null ||
    { echo "needs namespaces"; exit 77; }
made=$(mktemp -d) || exit
trap 'rm -rf "$made"' EXIT
trap 'exit 143' TERM
tests/pictures "$made" || exit

# Prints what a picture shows, in which colours, and for how long.
shown() {
    sed -E -e 's/\( ?[0-9]+:[0-9:]+\)/(TIME)/g' -e 's/demo:[0-9]+ /demo:PID /' \
        -e 's/ +[0-9]+ (\?|pts.[0-9]+) */ PID TT /' -e 's/ +(<|$)/\1/' -e 's/>  +/>/' "$1"
}
status=0
for picture in docs/pictures/*.svg; do
    diff <(shown "$picture") <(shown "$made/${picture##*/}") ||
        { echo "$picture has changed; tests/pictures makes it again"; status=1; }
done
# Times of a recording differ, and so which bytes come at once.
for recording in docs/pictures/demo.cast "$made/demo.cast"; do
    for what in '^{"version":3,"term":{"cols":80,"rows":19}' '^\[[0-9.]*,"o",".*Throttle' '_ rtorrent main'; do
        grep -q "$what" "$recording" || { echo "$recording lacks $what"; status=1; }
    done
done
exit $status
