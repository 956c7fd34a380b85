#!/bin/bash
# The C++ is formatted by clang-format; `ninja -C build clang-format` does it.
cd "$(dirname "$0")/.." || exit
command -v clang-format-14 > /dev/null || { echo "needs clang-format-14"; exit 77; }
find cmd lib tests \( -name '*.cc' -o -name '*.h' \) \
    -exec clang-format-14 --dry-run --Werror {} +
