#!/bin/bash
# bash, zsh and fish complete deptyr's commands, options and sessions.
cd "$(dirname "$0")/../.." || exit
deptyr=${DEPTYR?"the built deptyr"}
folder=$(mktemp -d) || exit
PATH=$(dirname "$deptyr"):$PATH
export DEPTYR_SOCKET=$folder/head.sock
status=0
wrong() { echo "$*"; status=1; }

deptyr head --headless "$DEPTYR_SOCKET" 2> "$folder/log" &
head=$!
trap '{ kill $head; wait; rm -rf "$folder"; } 2> /dev/null' EXIT
deptyr body --name mc "$DEPTYR_SOCKET" -- cat 2> "$folder/body" &
deptyr body --name other "$DEPTYR_SOCKET" -- cat 2> "$folder/body" &
until=$((SECONDS + 60))
until [ "$(deptyr ls --names 2> /dev/null | wc -l)" = 2 ]; do
    [ $SECONDS -lt $until ] || { echo "no sessions"; exit 1; }
    sleep .02
done

# Prints a shell's completions of a line, a word a line.
# shellcheck disable=SC2016,SC2317
of_bash() {
    bash -c '. cmd/completions/deptyr.bash
        read -ra COMP_WORDS <<< "$1"
        [[ $1 != *" " ]] || COMP_WORDS+=("")
        COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
        _deptyr
        printf "%s\n" "${COMPREPLY[@]}"' - "$1"
}
# shellcheck disable=SC2016,SC2317
of_fish() {
    fish -c '. cmd/completions/deptyr.fish; complete -C "$argv[1]"' "$1" | cut -f 1
}
# zsh completes on terminals only.  It shows no list while more keys wait to be
# read, so one tab is typed, and what it shows is read until the words are there.
# shellcheck disable=SC2016,SC2317
of_zsh() {
    timeout 60 zsh -f -o extended_glob -c 'zmodload zsh/zpty
        zpty -b shell zsh -f -i
        zpty -w shell "PS1= PS2=; fpath=('"$folder"' \$fpath); autoload -U compinit; compinit -D -u; LISTMAX=0; unsetopt zle_bracketed_paste; echo re\"\"ady"
        zpty -r shell shown "*ready*"
        zpty -n -w shell "$1"$'"'\t'"'
        wanted="*$2*"
        for word in "${@:3}"; do wanted+="~^*$word*"; done
        zpty -r shell shown "$~wanted"
        print -r -- "$shown"' zsh "$@" | sed 's/\x1b\[[0-9;?]*[a-zA-Z]//g; s/[\r\x07]//g' | tr -s ' ' '\n'
}

# check SHELL LINE WORD...: the words are among what it completes.
check() {
    local said word
    said=$("of_$1" "${@:2}")
    for word in "${@:3}"; do
        # zsh shows the line, too.
        grep "-qF${exactly-x}" -- "$word" <<< "$said" || wrong "$1: $2: no $word in: $said"
    done
}
cp cmd/completions/deptyr.zsh "$folder/_deptyr"
for shell in bash fish; do
    command -v $shell > /dev/null || { echo "needs $shell"; exit 77; }
    check $shell 'deptyr s' send snapshot status stop
    check $shell 'deptyr attach ' mc other
    check $shell 'deptyr attach m' mc
    check $shell "deptyr attach $DEPTYR_SOCKET o" other
    check $shell 'deptyr send --w' --wait-for
    check $shell 'deptyr attach --e' --escape
    check $shell 'deptyr snapshot --format ' text ansi svg json
    check $shell 'deptyr record --format v' v2 v3
    check $shell 'deptyr run mkfif' mkfifo
    check $shell 'deptyr exec m' mc
    check $shell 'deptyr exec mc -- mkfif' mkfifo
    check $shell 'deptyr help hi' history
    check $shell 'deptyr run --d' --detach
    check $shell 'deptyr head --when-behind s' skip
    check $shell 'deptyr resize --size-policy s' smallest
done
command -v zsh > /dev/null || { echo "needs zsh"; exit 77; }
exactly=''
check zsh 'deptyr s' send snapshot status stop
check zsh 'deptyr attach ' mc other
check zsh 'deptyr send --' --wait-for --enter
check zsh 'deptyr run mkfif' mkfifo
exit $status
