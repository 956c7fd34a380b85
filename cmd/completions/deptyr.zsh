#compdef deptyr
# What there is to complete deptyr tells itself: commands, options, and, from a
# head that runs, sessions.

_deptyr() {
    local -a found head
    local command=$words[2]
    if (( CURRENT == 2 )); then
        found=(${(f)"$(deptyr --help | sed -nE 's/^  ([a-z]+) .*/\1/p')"})
    elif [[ $words[CURRENT-1] == --format ]]; then
        found=(text ansi svg json)
    elif [[ $words[CURRENT] == -* ]]; then
        found=(${(f)"$(deptyr $command --help 2> /dev/null | grep -oE '^  .{26}' | grep -oE -- '--[a-z-]+')"})
    elif [[ $command != (body|head|router) && $words[CURRENT] != */* ]]; then
        head=(${(M)words[3,-1]:#*/*})
        found=(${(f)"$(deptyr ls --names ${head[1]} 2> /dev/null)"})
    fi
    # A HEAD-SOCKET, a FILE, a PROGRAM.
    compadd -a found || _files
}

_deptyr "$@"
