#!/bin/bash
# tests/e2e/pages.sh [PAGE...]: the commands in README, docs and the man pages work.
#
# Each block of commands or of Python is run as printed; those of a page share a folder, and a
# /run, a /srv, processes and a network of their own.  A block without a language that
# follows is what it prints.  A comment above a block says what is otherwise:
#   <!-- first: COMMAND -->   run this before, which readers needn't see
#   <!-- run: FILE -->        that test runs it
#   <!-- not run: REASON -->
# One below a heading holds for that section, one below the title for the page.
# In a man page the blocks are those of EXAMPLES, and a comment is
# .\" first: COMMAND.
#
# tests/e2e/person.sh plays the person who types them; what goes on in the
# background is ended when the block is done.
set -u
cd "$(dirname "$0")/../.." || exit

# Writes the blocks that are to be run to FOLDER/N.sh, what is run before to
# N.first, and what is printed to N.out; complains of those that nobody runs.
blocks() {
    awk -v page="$1" -v folder="$2" '
    function complain(what) { print page ":" NR ": " what; bad = 1 }
    function heading(depth,    i) {
        for (i = depth; i <= 6; i++) delete others[i]
        below = depth
        other = first = ""
        runs = 0
    }
    # "first: COMMAND", "run: FILE" or "not run: REASON"
    function mark(text,    kind) {
        kind = substr(text, 1, index(text, ": ") - 1)
        text = substr(text, length(kind) + 3)
        if (kind == "first") first = first text "\n"
        else if (below) others[below] = text
        else other = text
        if (kind == "run" && system("test -e " text) != 0) complain("no such test: " text)
    }
    function is_others(    i) {
        for (i in others) if (!first) return 1
        return other != ""
    }
    function block(kind, text) {
        if (kind == "") {
            if (runs) printf "%s", text > (folder "/" n ".out")
            runs = 0
        } else if (!(runs = !is_others())) {
        } else if (kind == "sh" || kind == "python") {
            n++
            if (kind == "python") text = "python3 - << \"PYTHON\"\n" text "PYTHON\n"
            print page ":" begin > (folder "/" n ".line")
            printf "%s", first > (folder "/" n ".first")
            printf "%s", text > (folder "/" n ".sh")
        } else complain("neither run nor marked: " kind)
        other = first = text = ""
    }
    page ~ /\.md$/ && in_block {
        if (/^```/) { in_block = 0; block(kind, text) }
        else text = text $0 "\n"
        next
    }
    page ~ /\.md$/ {
        if (/^```/) { in_block = 1; kind = substr($0, 4); text = ""; begin = NR + 1 }
        else if (match($0, /^#+ /)) heading(RLENGTH - 1)
        else if (/^<!-- (first|run|not run): .* -->$/) mark(substr($0, 6, length($0) - 9))
        # Neither part of a list nor a diagram.
        else if (/^    [a-z]+[\/ ][a-z]/ && blank && !is_others())
            complain("neither run nor marked: an indented block")
        else if ($0 != "") { below = 0; if (!/^`\//) runs = 0 }
        blank = $0 == "" || (blank && /^    /)
        next
    }
    /^\.Sh / { here = $2 == "EXAMPLES"; heading(2); next }
    !here { next }
    /^\.Ed/ { in_block = 0; block("sh", text); next }
    in_block { gsub(/\\e/, "\\"); text = text $0 "\n"; next }
    /^\.Bd -literal/ { in_block = 1; text = ""; begin = NR + 1; next }
    /^\.\\" (first|run|not run): / { mark(substr($0, 5)); next }
    { below = 0 }
    END { exit bad }' "$1"
}

# Runs the blocks of a page.
if [ "${1-}" = --alone ]; then
    for place in /run /srv; do mount -t tmpfs none $place || exit; done
    ip link set lo up
    export XDG_RUNTIME_DIR=/run/user TMUX_TMPDIR=/run TERM=xterm HOME=$2/work PATH=$2/bin:$2/work:$PATH
    unset DEPTYR_SOCKET TMUX
    mkdir "$2/work" /run/user
    person=$PWD/tests/e2e/person.sh
    cd "$2/work" || exit
    status=0
    for ((i = 1; ; i++)); do
        block=$2/$i
        [ -e "$block.sh" ] || break
        # A command that fails is part of some output.
        fails=-e
        [ ! -e "$block.out" ] || fails=+e
        # shellcheck disable=SC2016  # that shell expands it
        timeout 120 bash "$fails" -c '
            trap "jobs -p | xargs -r kill 2> /dev/null || true; wait" EXIT
            . "$1"; . "$2" > first; . "$3"
            ' - "$person" "$block.first" "$block.sh" > "$2/printed" 2>&1 < /dev/null
        result=$?
        if [ -e "$block.out" ]; then diff "$block.out" "$2/printed" || result=1; fi
        [ $result = 0 ] || { echo "$(cat "$block.line"): status $result"; cat "$2/printed" lasting 2> /dev/null; status=1; }
    done
    exit $status
fi

[ "$(id -u)" = 0 ] || { echo "needs root"; exit 77; }
deptyr=${DEPTYR?"the built deptyr"}
folder=$(mktemp -d) || exit
trap 'rm -rf "$folder"' EXIT
trap 'exit 143' TERM
mkdir "$folder/bin"
ln -s "$(realpath "$deptyr")" "$folder/bin/deptyr"
pages=("$@")
[ $# -gt 0 ] || pages=(README.md docs/*.md docs/*/*.md docs/man/*.1)
status=0 count=0
for page in "${pages[@]}"; do
    of_page=$folder/${page//\//-}
    mkdir "$of_page"
    mv "$folder/bin" "$of_page"
    blocks "$page" "$of_page" || status=1
    if [ -e "$of_page/1.sh" ]; then
        unshare --mount --pid --net --fork --kill-child --mount-proc "$BASH" "$0" --alone "$of_page" || status=1
    fi
    mv "$of_page/bin" "$folder"
    of_page=("$of_page"/*.sh)
    [ ! -e "${of_page[0]}" ] || count=$((count + ${#of_page[@]}))
done
echo "$count blocks"
exit $status
