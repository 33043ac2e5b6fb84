#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Fails when a C++ file is not formatted as .clang-format says. Debian 12's clang-format 14 is the judge.
# Usage: check_format.sh [--fix]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

formatter=$(command -v clang-format-14 || command -v clang-format)
mode=(--dry-run -Werror)
[ "${1:-}" = --fix ] && mode=(-i)
find app core widgets tests \( -name '*.h' -o -name '*.cpp' \) -print0 | sort -z |
    xargs -0 "$formatter" --style=file "${mode[@]}"
