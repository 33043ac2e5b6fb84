#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Sets up, builds the programs and opens the workbench with the demo training. Without a display it trains the demo in
# the terminal and says how to look at the result.
# Usage: run.sh [EXPERIMENT.toml]
set -euo pipefail
experiment=$(realpath -e "${1:-$(dirname "${BASH_SOURCE[0]}")/../experiments/quickstart/matrix_sequence.toml}")
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export LANG="${LANG:-C.UTF-8}"

bash packaging/setup.sh
bash packaging/build.sh knifectl knife-workbench
programs=$PWD/build/release/bin

if [ -n "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ]; then
    exec "$programs/knife-workbench" --start "$experiment"
fi

echo "No display: training $experiment in the terminal."
"$programs/knifectl" train "$experiment"
cat <<EOM

The run is stored. Look at it with
    $programs/knifectl show last        configuration, tasks, surgeries and their receipts
    $programs/knifectl neurons last     stagnation of every site and unit
    $programs/knifectl runs             all runs
or, on a machine with a display, in the window:
    $programs/knife-workbench
EOM
