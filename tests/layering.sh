#!/bin/bash
# tests/layering.sh [TREE]: every #include goes down the picture of
# docs/dev/architecture.md, the pure rooms stay pure, and only lib/sys makes system
# calls.
cd "${1:-$(dirname "$0")/..}" || exit
find cmd lib tests \( -name '*.cc' -o -name '*.h' \) -exec awk '
BEGIN {
    sees["base"] = ""
    sees["sys"] = sees["wire"] = sees["term"] = "base"
    sees["render"] = "wire term base"
    sees["session"] = "sys wire term base"
    sees["clients"] = "session sys wire term base"
    sees["keep"] = "clients session sys wire term base"
    sees["head"] = "keep clients session render sys wire term base"
    sees["router"] = "clients session sys wire term base"
    sees["body"] = "sys wire base"
    sees["attach"] = "sys wire term base"
    sees["run"] = "attach body sys wire term base"
    sees["adopt"] = "run attach body sys wire term base"
    sees["verbs"] = "attach render sys wire term base"
    sees["cmd"] = "adopt run verbs attach body router head keep clients session render sys wire term base"
    sees["tests"] = "cmd " sees["cmd"]
}
function layer(path,    part) {
    split(path, part, "/")
    return part[1] == "lib" ? part[2] : part[1]
}
function wrong(why) {
    printf "%s:%d: %s: %s\n", FILENAME, FNR, why, $0
    found = 1
}
FNR == 1 {
    here = layer(FILENAME)
    pure = (here == "wire" || here == "term" || here == "render" || here == "base") && FILENAME != "lib/base/log.cc"
    if (!(here in sees)) wrong("no such layer")
}
{ code = $0; sub(/\/\/.*/, "", code) }
code ~ /^ *# *include/ {
    split(code, quoted, /[<">]/)
    there = layer(quoted[2])
    if (quoted[2] ~ /^(cmd|lib|tests)\//) {
        if (there != here && index(" " sees[here] " ", " " there " ") == 0)
            wrong(here " does not see " there)
    } else if (code ~ /"/ && quoted[2] !~ /^(absl|gtest|gmock|benchmark)\//) {
        wrong("not a path from the top of the tree")
    } else if (pure && code !~ /<utf8proc.h>/ && code ~ /<.*\.h>|<(csignal|filesystem|fstream|iostream|thread)>/) {
        wrong("the kernel, in a pure layer")
    }
}
# Debian builds Abseil with a string_view of its own; the two do not convert.
code ~ /std::string_view|<string_view>/ { wrong("say absl::string_view") }
here != "tests" && code ~ /std::w?(cout|cerr|clog|cin)([^A-Za-z0-9_]|$)/ {
    wrong("they are never made (cmd/standard_streams.cc)")
}
here != "sys" && here != "tests" && FILENAME != "lib/base/log.cc" {
    if (here == "body") gsub(/::execvp\(/, "", code)
    if (code ~ /(^|[^A-Za-z0-9_>:])::[a-z][a-z0-9_]*\(/) wrong("a system call outside lib/sys")
}
END { exit found }' {} +
