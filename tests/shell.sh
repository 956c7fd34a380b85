#!/bin/bash
# Every shell script passes shellcheck.
cd "$(dirname "$0")/.." || exit
command -v shellcheck > /dev/null || { echo "needs shellcheck"; exit 77; }
mapfile -t scripts < <(find .ci tests s6 docs/packaging -type f \
    -exec awk 'FNR == 1 && /^#!.*sh( |$)/ { print FILENAME }' {} +)
shellcheck "${scripts[@]}"
