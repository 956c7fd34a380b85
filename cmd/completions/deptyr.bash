# bash completion for deptyr(1).  What there is to complete deptyr tells itself:
# commands, options, and, from a head that runs, sessions.

_deptyr_sessions() {
    local word head=()
    for word in "${COMP_WORDS[@]:2}"; do
        [[ $word == */* ]] && head=("$word") && break
    done
    deptyr ls --names "${head[@]}" 2> /dev/null
}

_deptyr() {
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
    local command=${COMP_WORDS[1]} words=
    if [ "$COMP_CWORD" = 1 ]; then
        words=$(deptyr --help | sed -nE 's/^  ([a-z]+) .*/\1/p')
    elif [ "$previous" = --format ]; then
        words='text ansi svg json'
    elif [[ $current == -* ]]; then
        words=$(deptyr "$command" --help 2> /dev/null | grep -oE '^  .{26}' | grep -oE -- '--[a-z-]+')
    elif [[ $command != @(body|head|router) && $current != */* ]]; then
        words=$(_deptyr_sessions)
    fi
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
    # A HEAD-SOCKET, a FILE, a PROGRAM.
    [ ${#COMPREPLY[@]} != 0 ] || mapfile -t COMPREPLY < <(compgen -f -- "$current")
}

complete -o filenames -F _deptyr deptyr
