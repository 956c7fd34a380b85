#!/bin/bash
# The recipes of docs/cookbook.md whose output is printed there do print that.
#
# They are run as they stand, one after the other, in one empty folder, with a
# head that the first of them starts.
page=$(realpath "$(dirname "$0")/../../docs/cookbook.md")
folder=$(mktemp -d) || exit
export DEPTYR_SOCKET=$folder/head.sock TERM=xterm
mkdir "$folder/bin" && ln -s "$(realpath "${DEPTYR?"the built deptyr"}")" "$folder/bin/deptyr"
PATH=$folder/bin:$PATH
mkdir "$folder/work" && cd "$folder/work" || exit
# shellcheck disable=SC2317  # the trap calls it
leave() {
    local head
    head=$(deptyr status --head --json 2> /dev/null | sed -nE 's/^ *"pid": ([0-9]+),?/\1/p')
    [ -z "$head" ] || kill "$head"
    rm -rf "$folder"
}
trap leave EXIT

# Writes each block of sh that a block without a language follows to N.sh, and
# the latter to N.out; prints how many there are.
count=$(awk '
    /^```/ && !on { on = 1; kind = substr($0, 4); text = ""; next }
    /^```/ {
        on = 0
        if (kind == "" && before != "") {
            printf "%s", before > (n + 1) ".sh"
            printf "%s", text > (n + 1) ".out"
            n++
        }
        before = kind == "sh" ? text : ""
        next
    }
    on { text = text $0 "\n"; next }
    /^[^ ]/ { before = "" }
    END { print n + 0 }' "$page")
status=0
for ((i = 1; i <= count; i++)); do
    out=$(timeout 60 bash "$i.sh" 2>&1 < /dev/null)
    if [ "$out" != "$(cat "$i.out")" ]; then
        printf 'docs/cookbook.md:\n%s\nprinted\n%s\n' "$(cat "$i.sh")" "$out"
        status=1
    fi
done
[ "$count" -ge 6 ] || { echo "only $count recipes were run"; status=1; }
exit $status
