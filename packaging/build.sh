#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Configures the release preset and builds the named targets, all of them when none is named.
# Usage: build.sh [TARGET]...
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# A file that sees the tensor library takes 1.3 GB to compile: as many at a time as fit into memory.
jobs=$(awk -v cores="$(nproc)" '/^MemAvailable:/ { fit = int($2 / 1500000) } END { print fit < 1 ? 1 : fit < cores ? fit : cores }' /proc/meminfo)

# A folder that was moved or copied carries a cache that CMake refuses.
cache=build/release/CMakeCache.txt
if [ -f "$cache" ] && ! grep -qxF "CMAKE_HOME_DIRECTORY:INTERNAL=$PWD" "$cache"; then
    rm -r "$cache" build/release/CMakeFiles
fi

cmake --preset release >/dev/null
cmake --build --preset release --parallel "$jobs" ${1:+--target "$@"}
