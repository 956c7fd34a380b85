#!/bin/bash
# The binary limits what a mistake of ours can do (meson.build, `hardened`):
#   it lies somewhere else in memory each time, and needs no other file;
#   nothing in it is both written and executed, nor is the stack;
#   nothing that is called through can be written while it runs (full RELRO);
#   all of our code is compiled with checks of itself;
#   it tells nobody its steps (lib/base/step.h).
# It has no note that it is made for IBT and SHSTK, although our code is:
# Debian's C library and Abseil, which it contains, are not.
cd "$(dirname "$0")/.." || exit
build=${BUILD?"the build tree"}
deptyr=$build/deptyr
command -v readelf > /dev/null || { echo "needs readelf"; exit 77; }
status=0
wrong() { echo "$*"; status=1; }
# has PATTERN WHAT... and lacks PATTERN WHAT... look at readelf's output.
has() { readelf -W "${@:2}" "$deptyr" | grep -qE -e "$1" || wrong "no $1 in readelf ${*:2} $deptyr"; }
lacks() { ! readelf -W "${@:2}" "$deptyr" | grep -E -e "$1" || wrong "$1 in readelf ${*:2} $deptyr"; }

has 'Type: +DYN' --file-header
has 'FLAGS_1.* PIE' --dynamic
lacks 'NEEDED|TEXTREL' --dynamic
lacks 'INTERP' --program-headers
has 'GNU_STACK .* RW +0x' --program-headers
lacks ' (RWE|WE) ' --program-headers
has 'GNU_RELRO .* R +0x' --program-headers
has 'FLAGS_1.* NOW' --dynamic
lacks ' \.got\.plt ' --section-headers          # it is part of .got, which is read-only
! grep -q DEPTYR_STEPS "$deptyr" || wrong "$deptyr tells its steps, as a test's does"

flags=(-fstack-protector-strong -D_FORTIFY_SOURCE=3 -D_GLIBCXX_ASSERTIONS)
commands=$(grep -E '"command": .* -c (\.\./)*(cmd|lib)/' "$build/compile_commands.json")
[ "$(wc -l <<< "$commands")" -gt 100 ] || wrong "only $(wc -l <<< "$commands") compilations of ours"
for flag in "${flags[@]}"; do
    count=$(grep -vcF -e " $flag " <<< "$commands")
    [ "$count" = 0 ] || wrong "$count compilations without $flag"
done

[ "$(uname -m)" = x86_64 ] || exit $status
objects=0
while read -r object; do
    objects=$((objects + 1))
    readelf --notes "$object" | grep -q 'IBT, SHSTK' || wrong "no landing pads: $object"
done < <(find "$build/deptyr.p" "$build"/lib*.a.p -name '*.o')
[ "$objects" -gt 100 ] || wrong "only $objects objects of ours"
exit $status
