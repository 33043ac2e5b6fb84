#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Sets up, builds everything and runs all tests. Arguments go to ctest, for example: test.sh -R tst_config
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export LANG="${LANG:-C.UTF-8}"

bash packaging/setup.sh
bash packaging/build.sh

# Tests see neither the user's workspace and preferences nor a display.
home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
mkdir -m 700 "$home"/{runtime,data,config,cache}
export XDG_RUNTIME_DIR=$home/runtime XDG_DATA_HOME=$home/data XDG_CONFIG_HOME=$home/config XDG_CACHE_HOME=$home/cache
unset DISPLAY WAYLAND_DISPLAY
ctest --preset release --parallel 2 "$@"
