#!/bin/bash
# The documentation is true:
#   the man pages are clean mdoc;
#   each subcommand's page has exactly the options of its --help;
#   deptyr accepts the commands that the pages and the README show;
#   a link from a page leads to a file of the tree and to a heading in it;
#   a page that a comment or text names is there, and every page is installed;
#   the man pages as HTML link to each other;
#   the tests that the pages on security, migration and faults name exist;
#   the version is the newest one that the changelogs name.
cd "$(dirname "$0")/.." || exit
command -v mandoc > /dev/null || { echo "needs mandoc"; exit 77; }
deptyr=${DEPTYR-${BUILD?"the build tree"}/deptyr}
status=0
wrong() { echo "$*"; status=1; }

# Shows a page as text, without overstriking and without cutting lines.
rendered() { mandoc -T ascii -O width=1000 "$1" | sed 's/.\x08//g'; }
section() { awk -v wanted="$1" '/^[A-Z]/ { on = $0 == wanted } on'; }
# "--name VALUE", "--name" or "-n, --name", at the start of a line.
options() { grep -oE '^ +(-[a-z], )?--[a-z-]+( [A-Z][^ ]*)?' | sed 's/^ *//' | sort; }
subcommands() { "$deptyr" --help | sed -nE 's/^  ([a-z]+) .*/\1/p'; }

for page in docs/man/*.[1-8]; do
    # It doesn't matter here whether other pages are installed.
    mandoc -T lint -W style "$page" 2>&1 | grep -v -e 'referenced manual not found' -e 'outdated mandoc.db'
    [ "${PIPESTATUS[1]}" = 1 ] || status=1
done

declare -A help
for subcommand in $(subcommands); do
    page=docs/man/deptyr-$subcommand.1
    [ -e "$page" ] || { wrong "no page: $page"; continue; }
    help[$subcommand]=$("$deptyr" "$subcommand" --help | options)
    diff -u --label "deptyr $subcommand --help" --label "$page" \
        <(echo "${help[$subcommand]}") <(rendered "$page" | section OPTIONS | options) || status=1
    for other in docs/man/deptyr.1 README.md; do
        grep -q "\<$subcommand\>" "$other" || wrong "$other does not name $subcommand"
    done
done

words=$(subcommands | paste -sd'|')
# Prints the commands that start with deptyr, one a line: those in the examples
# of a page, in the code blocks of a text, and in their units and scripts.
examples() {
    case $1 in
        *.md) awk '/^ *```/ { on = !on; next } on || /^    /' "$1" ;;
        *) rendered "$1" | section EXAMPLES ;;
    esac |
        sed -e ':join' -e '/\\$/ { N; s/ *\\\n */ /; b join' -e '}' |
        sed -nE "s/^ *(Exec[A-Za-z]+=|exec |[\$#] |.*\| )?deptyr +(($words|--).*)/\\2/p"
}

# takes COMMAND: whether deptyr would accept the words, without acting on them.
takes() {
    local words options=() subcommand
    # The shell syntax in them is only quotes, redirections and "&".
    # A command whose output is a word may have options of its own.
    read -ra words <<< "$(sed -E 's/\$\([^)]*\)/1/g; s/[&|<>;#].*//' <<< "$1")"
    subcommand=${words[0]}
    words=("${words[@]:1}")
    [[ $subcommand == --* ]] && { "$deptyr" "$subcommand" > /dev/null; return; }
    [ -n "${help[$subcommand]-}" ] || { echo "no such subcommand: $subcommand"; return 1; }
    case $subcommand in
        # What comes after "--" is a program's; its options end there, too.
        body|router)
            while [ ${#words[@]} -gt 0 ] && [ "${words[0]}" != -- ]; do
                options+=("${words[0]}")
                words=("${words[@]:1}")
            done
            [ ${#words[@]} -gt 1 ] || [ "$subcommand" = router ] ||
                { echo "no program for $subcommand"; return 1; } ;;
        # They end at the program itself.
        run|filter)
            while [ ${#words[@]} -gt 0 ] && [[ ${words[0]} == -* && ${words[0]} != -- ]]; do
                options+=("${words[0]}")
                # The next word may be its value.
                if [[ ${words[0]} != *=* ]] && grep -q -e "^${words[0]} " <<< "${help[$subcommand]}"; then
                    options+=("${words[1]-}")
                    words=("${words[@]:1}")
                fi
                words=("${words[@]:1}")
            done
            [ ${#words[@]} -gt 0 ] || { echo "no program for $subcommand"; return 1; } ;;
        exec) options=() ;;  # they end at SESSION, and there is none
        # tests/e2e/examples.sh checks the operands of those that ask head.
        *) options=("${words[@]}") ;;
    esac
    "$deptyr" "$subcommand" "${options[@]}" --help > /dev/null
}

count=0
for page in docs/man/*.[1-8] README.md docs/*.md docs/*/*.md; do
    while read -r command; do
        count=$((count + 1))
        said=$(takes "$command" 2>&1) || wrong "$page: deptyr $command: $said"
    done < <(examples "$page")
done
[ $count -gt 0 ] || wrong "no examples were found"

pages=(README.md docs/*.md docs/*/*.md)
# Prints what a link to a page's headings says after "#".
anchors() {
    awk '/^```/ { on = !on } !on && sub(/^#+ +/, "")' "$1" |
        tr '[:upper:] ' '[:lower:]-' | sed 's/[^a-z0-9_-]//g'
}
while IFS=: read -r page link; do
    link=${link#*](} link=${link%)} anchor=${link#*#} target=${link%%#*}
    target=${target:+$(dirname "$page")/}${target:-$page}
    [ -e "$target" ] || { wrong "$page: dead link: $link"; continue; }
    [[ $link != *#* ]] || anchors "$target" | grep -qxF "$anchor" || wrong "$page: no such heading: $link"
done < <(grep -oHE '\]\([^)[:space:]]+\)' "${pages[@]}" | grep -v '](https\?:')
for page in "${pages[@]}" docs/*/*.svg docs/*/*.cast; do
    grep -qF "'$page'" meson.build || wrong "$page is not installed"
done
while IFS=: read -r file page; do
    [ -e "$page" ] || wrong "$file: no such page: $page"
done < <(grep -rnoE '\bdocs/[A-Za-z/]+\.(md|svg)\b' README.md docs cmd lib s6 systemd tests meson.build |
    sed 's/:[0-9]*:/:/')

html=$(mktemp -d) || exit
trap 'rm -rf "$html"' EXIT
docs/html "$html" || wrong "docs/html fails"
for page in "$html"/*.html; do
    while read -r link; do
        target=$html/${link%%#*}
        [[ $link != \#* ]] || target=$page
        if [ ! -f "$target" ]; then wrong "${page##*/}: dead link: $link"
        elif [[ $link == *#* ]] && ! grep -qF "id=\"${link#*#}\"" "$target"; then
            wrong "${page##*/}: no such heading: $link"
        fi
    done < <(grep -oE 'href="[^"]+"' "$page" | cut -d'"' -f2 | awk '!/^https:/ || /deptyr/' | sort -u)
done
[ "$(find "$html" -name '*.html' | wc -l)" = "$(find docs/man -name '*.1' | wc -l)" ] ||
    wrong "not every man page is HTML"

# A long name stands on a line of its own.
tests=$(sed -e ':join' -e '/^TEST[_FP]*([^)]*$/ { N; s/\n *//; b join' -e '}' tests/*/*_test.cc |
    sed -nE 's/^TEST[_FP]*\(([A-Za-z0-9]+), *([A-Za-z0-9]+)\).*/\1.\2/p')
while IFS=: read -r page name; do
    grep -qxF "${name//\`/}" <<< "$tests" || wrong "$page: no such test: $name"
done < <(grep -oHE "\`[A-Z][A-Za-z0-9]*Test\.[A-Za-z0-9]+\`" docs/security.md docs/migration.md \
    docs/dev/reliability.md | sort -u)
while read -r path; do
    [ -e "$path" ] || wrong "docs/dev/reliability.md: no such test: $path"
done < <(grep -oE "\btests/[a-z0-9_./-]*[a-z0-9]" docs/dev/reliability.md | sort -u)
version=$(sed -nE "s/^  version: '(.*)',/\1/p" meson.build)
[ "$(sed -nE 's/^## ([0-9.]+) .*/\1/p;' docs/CHANGELOG.md | head -n 1)" = "$version" ] ||
    wrong "docs/CHANGELOG.md does not begin with $version"
[ "$(sed -nE '1s/^deptyr \((.*)\) .*/\1/p' docs/packaging/debian/changelog)" = "$version" ] ||
    wrong "docs/packaging/debian/changelog does not begin with $version"
grep -q "deptyr:$version\>" docs/usage.md || wrong "docs/usage.md names another version's image"
exit $status
