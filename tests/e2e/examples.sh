#!/bin/bash
# The examples in the man pages of the clients work: each is run, with a server
# with a console, called mc, as its session.
cd "$(dirname "$0")/../.." || exit
deptyr=${DEPTYR?"the built deptyr"}
pages=$PWD/docs/man
folder=$(mktemp -d) || exit
PATH=$(dirname "$deptyr"):$PATH
export DEPTYR_SOCKET=$folder/head.sock
for tool in mandoc jq asciinema script; do
    command -v $tool > /dev/null || { echo "needs $tool"; exit 77; }
done
cd "$folder" || exit
status=0 count=0

cat > server << 'END'
echo "Starting; no error so far"
echo "Done (1.0s)"
while read -r line; do
    case $line in
        stop) echo "Saving"; exit 3 ;;
        list) echo "There are 0 of 20 players online" ;;
        *) echo "[chat] $line" ;;
    esac
done
END
deptyr head --headless "$DEPTYR_SOCKET" 2> head.log &
head=$!
trap '{ kill $head; wait; rm -rf "$folder"; } 2> /dev/null' EXIT

# await WHAT COMMAND...
await() {
    local until=$((SECONDS + 60))
    until "${@:2}" > /dev/null 2>&1; do
        [ $SECONDS -lt $until ] || { echo "no $1"; cat head.log; exit 1; }
        sleep .02
    done
}
runs() { [ "$(deptyr status --json mc | jq -r .state)" = running ]; }
# It is reaped at once, as by a supervisor: only then can the kernel tell how it
# ended.
start_server() {
    ! runs 2> /dev/null || return
    (deptyr body --name mc "$DEPTYR_SOCKET" -- sh server > body.log 2>&1; :) &
    await "server" runs
}

# Others that the examples name.
start_others() {
    echo "some text" > text
    (deptyr body --name ed "$DEPTYR_SOCKET" -- vim -u NONE -N file > /dev/null 2>&1; :) &
    (deptyr body --name setup "$DEPTYR_SOCKET" -- \
        sh -c 'echo "Continue?"; read -r answer' > /dev/null 2>&1; :) &
    await "editor" deptyr wait ed --screen '~' --timeout 5
}

# Prints the commands in a page's EXAMPLES, one a line.
examples() {
    mandoc -T ascii -O width=1000 "$1" | sed 's/.\x08//g' | awk '/^[A-Z]/ { on = /^EXAMPLES/ } on' |
        sed -nE 's/^ {11,}((Exec[A-Za-z]+=)?[a-z].*deptyr .*|(Exec[A-Za-z]+=)?deptyr .*|asciinema .*)/\1/p'
}
# These go on until they are interrupted.
lasting() { [[ $1 == *"history "*" -f"* || $1 == *"deptyr events"* || $1 == *"deptyr record"* ]]; }

# run COMMAND: runs it as a shell would, or a supervisor.
run() {
    local command=${1#Exec*=} job
    # What a supervisor puts in.
    # shellcheck disable=SC2016
    {
        command=${command//'"$1" "$2"'/3 0}
        command=${command//'$EXIT_CODE $EXIT_STATUS'/exited 3}
    }
    # Offsets of a stream that is longer than this one.
    command=${command/--from 120400 --until 135210/--from 0 --until 20}
    # asciinema plays on a terminal, as fast as it can.
    command=${command/asciinema play/asciinema play -s 1000}
    if lasting "$command"; then
        rm -f mc.cast
        : > out
        # Jobs that a shell starts in the background ignore SIGINT.
        setsid env --default-signal=INT bash -c "$command" > out 2> err < /dev/null &
        job=$!
        # By now it has printed something: a recording, a history, or the events
        # of a start.
        await "output" something_came "$command"
        kill -INT -- -$job
        wait $job
        # A shell says so of a pipeline that was interrupted.
        [[ $? == @(0|130) ]]
        return
    fi
    case $command in
        "deptyr attach"*) visit "$command" ;;
        "deptyr resize mc -")
            timeout 60 script -qec "stty rows 30 cols 90; $command" /dev/null > out 2> err < /dev/null ;;
        asciinema*) timeout 60 script -qec "$command" /dev/null > out 2> err < /dev/null ;;
        *) timeout 60 bash -c "$command" > out 2> err < /dev/null ;;
    esac
}
# Attaches on a terminal, until the detach key: ^\, or docker's.
visit() {
    local keys='\034' job
    [[ $1 != *ctrl-p* ]] || keys='\020\021'
    rm -f keys
    mkfifo keys
    timeout 60 script -qec "$1" /dev/null > out 2> err < keys &
    job=$!
    exec 4> keys
    # It paints only once the terminal is raw.
    await "screen" grep -q Starting out
    # shellcheck disable=SC2059
    printf "$keys" >&4
    wait $job
    local result=$?
    exec 4>&-
    return $result
}
# shellcheck disable=SC2317
something_came() {
    case $1 in
        *"deptyr record"*) [ -s mc.cast ] ;;
        *"history new"*)
            [ -s out ] || timeout 1 deptyr body --name new "$DEPTYR_SOCKET" -- sh server
            [ -s out ] ;;
        *"deptyr events"*) deptyr stop mc --type 'stop\n'; start_server; [ -s out ] ;;
        *) [ -s out ] ;;
    esac
}

# Their order matters: the later ones end the server.
for page in attach ls status events kick send wait resize snapshot history record stop ended forget signal; do
    grep -qF '.\" run: tests/e2e/examples.sh' "$pages/deptyr-$page.1" || { echo "$page: not marked"; status=1; }
    before=$count
    # Without a name, deptyr takes the one that runs.
    case $page in
        send) start_others ;;
        resize) for other in ed setup; do deptyr signal $other KILL; done ;;
    esac
    while read -r command; do
        count=$((count + 1))
        start_server
        [ $page != snapshot ] || deptyr stop mc --type 'stop\n'
        [[ $page != @(ended|forget) ]] || deptyr stop mc --type 'stop\n'
        run "$command" || { echo "$page: $command: exit status $?"; cat out err; status=1; }
    done < <(examples "$pages/deptyr-$page.1")
    [ $count -gt "$before" ] || { echo "$page: no examples"; status=1; }
done
echo "$count examples"
exit $status
