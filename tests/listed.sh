#!/bin/bash
# Every source is in a meson.build; otherwise it is never compiled, or a test
# never run.
db=${BUILD?"the build tree"}/compile_commands.json
status=0
while read -r source; do
    grep -q "/$source\"" "$db" || { echo "in no meson.build: $source"; status=1; }
done < <(find cmd lib tests -name '*.cc')
exit $status
