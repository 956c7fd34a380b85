#!/bin/bash
# What people mistype, in mistakes.txt: for each, the exit status is the one in
# the table, and one line on standard error says what is there: what is wrong,
# and mostly what to do.  Nothing else is printed, and nothing happens.
#
# The table has the exit status, what is typed and what is said, with tabs
# between.  $S is HEAD-SOCKET, $T a folder; "mc" runs, and "old" has ended.
# `mistakes.sh --write` writes what is said now into the table; then read it.
table=$(realpath "$(dirname "$0")/mistakes.txt")
T=$(mktemp -d) || exit
S=$T/head.sock
export S T DEPTYR_SOCKET=$S
mkdir "$T/bin" && ln -s "$(realpath "${DEPTYR?"the built deptyr"}")" "$T/bin/deptyr"
PATH=$T/bin:$PATH
: > "$T/taken"
cd "$T" || exit
# shellcheck disable=SC2317  # the trap calls it
leave() {
    kill "${pids[@]}" 2> /dev/null
    wait
    rm -rf "$T"
}
pids=()
trap leave EXIT
# until_true COMMAND...
until_true() {
    local left=1500                         # a try takes longer on a busy machine
    until "$@" > /dev/null 2>&1; do
        [ $((left--)) -gt 0 ] || { echo "waited in vain: $*"; exit 1; }
        read -rt 0.02 <> <(:)
    done
}
deptyr head --headless --keeper none "$S" 2> log & pids+=($!)
until_true deptyr ls
deptyr body --name old --log none -- true
deptyr body --name mc --log none -- cat & pids+=($!)
until_true deptyr status mc

# Numbers that differ each time.
steady() { sed -E -e "s:$T:\$T:g" -e 's/pid [0-9]+/pid N/g'; }
status=0 count=0 new=
while IFS=$'\t' read -r wanted typed said; do
    count=$((count + 1))
    out=$(eval "$typed" 2> err < /dev/null)
    got=$?
    err=$(steady < err)
    new+=$got$'\t'$typed$'\t'$err$'\n'
    if [ "${1-}" != --write ] && { [ "$got" != "$wanted" ] || [ "$err" != "$said" ]; }; then
        printf '%s\n  wanted %s: %s\n  got    %s: %s\n' "$typed" "$wanted" "$said" "$got" "$err"
        status=1
    fi
    [ -z "$out" ] || { echo "$typed: printed $out"; status=1; }
    [ "$(wc -l < err)" = 1 ] || { echo "$typed: said $(wc -l < err) lines"; status=1; }
done < "$table"
[ "${1-}" != --write ] || printf '%s' "$new" > "$table"
[ "$count" -ge 120 ] || { echo "only $count mistakes"; status=1; }
# They changed nothing; what could not be executed is remembered.
[ "$(deptyr ls --names | paste -sd' ')" = "mc nosuchprogram old" ] || { echo "sessions: $(deptyr ls --names)"; status=1; }
[ ! -s taken ] || { echo "a file was overwritten"; status=1; }
exit $status
