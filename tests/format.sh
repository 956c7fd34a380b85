#!/bin/bash
# The C++ is as clang-format would have it; `ninja -C build clang-format` makes it so.
cd "$(dirname "$0")/.." || exit
command -v clang-format-14 > /dev/null || { echo "needs clang-format-14"; exit 77; }
find cmd lib tests \( -name '*.cc' -o -name '*.h' \) \
    -exec clang-format-14 --dry-run --Werror {} +
