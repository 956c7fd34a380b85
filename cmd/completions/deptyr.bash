# bash completion for deptyr(1).  deptyr itself says what there is: its commands
# and options, and, if head runs, the sessions.

_deptyr_sessions() {
    local word head=()
    for word in "${COMP_WORDS[@]:2}"; do
        [[ $word == */* ]] && head=("$word") && break
    done
    deptyr ls --names "${head[@]}" 2> /dev/null
}

# The words that an option takes, where its help lists them: "a, b or c (a)", or without a default.
_deptyr_choices() {
    deptyr "$1" --help 2> /dev/null |
        sed -nE "s/^  (-., )?$2 [A-Z]+ +(.*: )?(([a-z0-9]+, )*[a-z0-9]+ or [a-z0-9]+)( \(.*)?\$/\3/p" |
        sed -E 's/, | or /\n/g'
}

_deptyr() {
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
    local command=${COMP_WORDS[1]} words=
    if [ "$COMP_CWORD" = 1 ] || [[ $COMP_CWORD = 2 && $command = help ]]; then
        words=$(deptyr --help | sed -nE 's/^  ([a-z]+) .*/\1/p')
    elif [[ $previous == --* ]] && words=$(_deptyr_choices "$command" "$previous") && [ -n "$words" ]; then
        :
    elif [[ $current == -* ]]; then
        words=$(deptyr "$command" --help 2> /dev/null | grep -oE '^  .{26}' | grep -oE -- '--[a-z-]+')
    elif [[ $command = @(run|filter) || $command = exec && $COMP_CWORD -gt 3 ]]; then
        mapfile -t COMPREPLY < <(compgen -c -- "$current")
        [ ${#COMPREPLY[@]} != 0 ] || mapfile -t COMPREPLY < <(compgen -f -- "$current")
        return
    elif [[ $command = adopt && $current != */* ]]; then
        words=$(printf '%s\n' /proc/[0-9]* | sed 's,/proc/,,')
    elif [[ $command != @(body|head|router) && $current != */* ]]; then
        words=$(_deptyr_sessions)
    fi
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
    # Anything else is the path of a HEAD-SOCKET, a FILE or a PROGRAM.
    [ ${#COMPREPLY[@]} != 0 ] || mapfile -t COMPREPLY < <(compgen -f -- "$current")
}

complete -o filenames -F _deptyr deptyr
