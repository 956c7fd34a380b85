# fish completion for deptyr(1).  deptyr itself says what there is: its commands
# and options, and, if head runs, the sessions.

function __deptyr_options
    set -l words (commandline -opc)
    deptyr $words[2] --help 2> /dev/null | string match -rg '^  .*?--([a-z-]+)'
end

# The words that an option takes, where its help lists them: "a, b or c (a)", or without a default.
function __deptyr_choices
    deptyr $argv[1] --help 2> /dev/null |
        string match -rg -- "^  (?:-., )?$argv[2] [A-Z]+ +(?:.*: )?((?:[a-z0-9]+, )*[a-z0-9]+ or [a-z0-9]+)(?: \\(.*)?\$" |
        string replace -a ' or ' ', ' | string split ', '
end

function __deptyr_words
    set -l words (commandline -opc)
    if test (count $words) -lt 2; or test (count $words) = 2 -a "$words[2]" = help
        deptyr --help | string match -rg '^  ([a-z]+) '
        return
    end
    if string match -q -- '--*' $words[-1]
        __deptyr_choices $words[2] $words[-1]
        and return
    end
    switch (commandline -ct)
        case '-*'
            for option in (__deptyr_options)
                echo -- --$option
            end
        case '*/*'
        case '*'
            if contains -- $words[2] run filter; or test $words[2] = exec -a (count $words) -gt 3
                complete -C (commandline -ct)
                return
            end
            if test $words[2] = adopt
                __fish_complete_pids
                return
            end
            contains -- $words[2] body head router
            or deptyr ls --names (string match '*/*' -- $words[3..-1])[1] 2> /dev/null
    end
end

complete -c deptyr -a '(__deptyr_words)'
