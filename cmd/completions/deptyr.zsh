#compdef deptyr
# deptyr itself says what there is: its commands and options, and, if head runs,
# the sessions.

# The words that an option takes, where its help lists them: "a, b or c (a)", or without a default.
_deptyr_choices() {
    deptyr $1 --help 2> /dev/null |
        sed -nE "s/^  (-., )?$2 [A-Z]+ +(.*: )?(([a-z0-9]+, )*[a-z0-9]+ or [a-z0-9]+)( \(.*)?\$/\3/p" |
        sed -E 's/, | or /\n/g'
}

_deptyr() {
    local -a found head
    local command=$words[2]
    if (( CURRENT == 2 )) || [[ $CURRENT = 3 && $command = help ]]; then
        found=(${(f)"$(deptyr --help | sed -nE 's/^  ([a-z]+) .*/\1/p')"})
    elif [[ $words[CURRENT-1] == --* ]] && found=(${(f)"$(_deptyr_choices $command $words[CURRENT-1])"}) && (( $#found )); then
        :
    elif [[ $words[CURRENT] == -* ]]; then
        found=(${(f)"$(deptyr $command --help 2> /dev/null | grep -oE '^  .{26}' | grep -oE -- '--[a-z-]+')"})
    elif [[ $command = (run|filter) || $command = exec && $CURRENT -gt 4 ]]; then
        _command_names -e
        return
    elif [[ $command = adopt && $words[CURRENT] != */* ]]; then
        _pids
        return
    elif [[ $command != (body|head|router) && $words[CURRENT] != */* ]]; then
        head=(${(M)words[3,-1]:#*/*})
        found=(${(f)"$(deptyr ls --names ${head[1]} 2> /dev/null)"})
    fi
    # Anything else is the path of a HEAD-SOCKET, a FILE or a PROGRAM.
    compadd -a found || _files
}

_deptyr "$@"
