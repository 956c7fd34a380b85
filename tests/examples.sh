#!/bin/bash
# tests/examples.sh: the examples in the headers of lib/ and cmd/ compile.
#
# An example is an indented block of a comment in which a line ends as a
# statement does; a block that ends like a sentence, or has columns, is prose.
# All are compiled at once, each as the body of a function that may return
# anything, and the classes and functions that it defines outside of that:
#   - "..." stands for what the reader puts there, up to the end of the line or
#     the next "}"; words may say what that is;
#   - a name that the example doesn't declare is declared in tests/examples.h;
#   - a result that must not be dropped is an error, as elsewhere.
cd "$(dirname "$0")/.." || exit

work=$(mktemp -d) || exit
trap 'rm -rf "$work"' EXIT
status=0
wrong() { echo "$*"; status=1; }

mapfile -t headers < <(find lib cmd -name '*.h' | sort)
{
    printf '#include "%s"\n' "${headers[@]}" tests/examples.h
    awk '
    function flush(    space) {
        if (is_code && !is_prose && last !~ /[.:]$/) {
            space = file
            gsub(/[\/.]/, "_", space)
            if (balance != 0)           # it would break those that follow
                printf "#line %d \"%s\"\n#error unbalanced brackets\n", start, file
            else
                printf "namespace deptyr::examples::%s {\n%sAnything Example%d() {\n%s" \
                    "return {};\n}\n}\n", space, outside, ++examples, inside
        }
        is_code = is_prose = balance = defines = 0
        outside = inside = ""
    }
    FNR == 1 { flush(); file = FILENAME }
    !/^ *\/\/   / { if (!/^ *\/\/$/ || balance == 0) flush(); next }
    {
        if (outside inside == "") start = FNR
        sub(/^ *\/\/   /, "")
        sub(/ *\/\/.*/, "")
        last = code = $0
        if (/[;{}]$/) is_code = 1
        gsub(/"([^"\\]|\\.)*"|\047.\047/, "", code)
        if (code ~ /[A-Za-z0-9)]   *[A-Za-z]/) is_prose = 1
        if (match($0, /(^| )\.\.\./)) {
            rest = substr($0, RSTART + RLENGTH)
            $0 = substr($0, 1, RSTART - 1) " ; " (match(rest, /}/) ? substr(rest, RSTART) : "")
            code = $0
            gsub(/"([^"\\]|\\.)*"|\047.\047/, "", code)
        }
        if (balance == 0)
            defines = code ~ /^(class|struct|enum|template)|^[a-z][A-Za-z0-9_:<>*& ]* [A-Za-z_0-9]+\(.*\).* {$/ &&
                code !~ /^(if|for|while|switch|do|return|else) /
        balance += gsub(/[({]/, "", code) - gsub(/[)}]/, "", code)
        line = "#line " FNR " \"" FILENAME "\"\n" $0 "\n"
        if (defines) outside = outside line
        else inside = inside line
    }
    END { flush() }' "${headers[@]}"
} > "$work/examples.cc"
"${CXX-c++}" -std=c++20 -fno-exceptions -I. "-DDEPTYR_VERSION=\"\"" -Werror=unused-result \
    -fsyntax-only -fmax-errors=0 -fno-diagnostics-show-caret "$work/examples.cc" \
    2>&1 | grep -E '^(lib|cmd|tests)/.*(error:|required from here)' > "$work/errors"

grep -q ' Example1()' "$work/examples.cc" || wrong "no examples were found"
while read -r line; do wrong "$line"; done < "$work/errors"
exit $status
