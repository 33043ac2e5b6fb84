#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Fails when packaging/doc/acceptance.md names a test, or a function of one, that does not exist.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

missing=0
while read -r name; do
    case $name in
    tst_*) grep -rqE "knife_test\($name " tests --include=CMakeLists.txt ;;
    *) grep -rqE "void (Test[A-Za-z]*::)?$name\(" tests --include='tst_*.cpp' ;;
    esac || {
        echo "acceptance.md names \"$name\", which is no test" >&2
        missing=1
    }
done < <(grep '^|' packaging/doc/acceptance.md | grep -oE '`[A-Za-z_]+`' | tr -d '`' | sort -u)
exit $missing
