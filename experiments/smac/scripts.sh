#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Prints how often scripts win every battle that there is, as a table. About five minutes of one core.
# Usage: scripts.sh [--episodes N] [--seed N]
# KNIFECTL names the program, by default the built one, or else the installed one. Needs jq.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
built=$here/../../build/release/bin/knifectl
KNIFECTL=${KNIFECTL:-$(if [ -x "$built" ]; then echo "$built"; else echo knifectl; fi)}
episodes=1000
seed=0
while [ $# -gt 0 ]; do
    case $1 in
    --episodes) episodes=$2 ;;
    --seed) seed=$2 ;;
    *)
        echo "scripts.sh: unknown option $1" >&2
        exit 2
        ;;
    esac
    shift 2
done
command -v jq >/dev/null || { echo "scripts.sh needs jq" >&2; exit 1; }

# play ENV OPTION...: "12.3 % (10.4 to 14.5)"
play() {
    "$KNIFECTL" bench env "$@" --episodes "$episodes" --seed "$seed" --json | tail -n 1 |
        jq -r 'def percent: . * 1000 | round / 10;
               "\(.win_rate | percent) % (\(.win_rate_low | percent) to \(.win_rate_high | percent)) | \(.mean_return * 10 | round / 10)"'
}

echo "| battle | random | return | nearest | return | \`heuristic_ai\` | return |"
echo "|---|---|---|---|---|---|---|"
"$KNIFECTL" envs --json | tail -n 1 | jq -r '.[].name | select(test("^smac(v2)?:"))' |
    while read -r env; do
        random=$(play "$env" --script random)
        nearest=$(play "$env" --script nearest)
        orders=$(play "$env" --script random --set heuristic_ai=true)
        echo "| $env | $random | $nearest | $orders |"
    done
echo
echo "$episodes episodes each, seed $seed; 95 % intervals (Wilson)."
