#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Makes results/ out of the runs in the workspace: per sequence and method the JSON of `knifectl compare` (scores and
# stagnant shares), tables.md, and figures. Can be called while run.sh is under way; a sequence whose arm `fresh` or
# whose baseline has no finished run yet is left out, and said to be.
# Usage: report.sh [--reps N] [--workspace DIR] [--out DIR]
# KNIFECTL names the program, by default the built one, or else the installed one. Needs jq and gnuplot.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
built=$here/../../build/release/bin/knifectl
KNIFECTL=${KNIFECTL:-$(if [ -x "$built" ]; then echo "$built"; else echo knifectl; fi)}
workspace=$here/workspace
out=$here/results
reps=20000
# Of rows and colours, alike in all tables and figures.
order="none knife redo reborn plasticity_injection head_reset shrink_and_perturb continual_backprop l2_init fresh reset_keep_buffer"

while [ $# -gt 0 ]; do
    case $1 in
        --reps) reps=$2 ;;
        --workspace) workspace=$2 ;;
        --out) out=$2 ;;
        *) sed -n 's/^# \(Usage: .*\)/\1/p' "$0" >&2; exit 2 ;;
    esac
    shift 2
done
for tool in jq gnuplot; do
    command -v "$tool" >/dev/null || { echo "report.sh needs $tool" >&2; exit 1; }
done
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
new=$scratch/results
mkdir -p "$out" "$new"

"$KNIFECTL" runs --workspace "$workspace" --json | tail -n 1 >"$scratch/runs"
jq -r '.[] | select(.status == "finished") | .experiment' "$scratch/runs" | sort -u >"$scratch/experiments"
grep -v '^ablation/' "$scratch/experiments" | cut -d / -f 1,2 | sort -u >"$scratch/studies"

# compare STUDY BASELINE METRIC SCORE FILE: the arms of a study, and its ablations if it is called ablation/STUDY; of all
# of them the seeds that they have in common, so that all differences are of pairs.
compare() {
    local study=${1#ablation/} pattern="^$1/" runs
    [ "$study" = "$1" ] || pattern="^$1/|^$study/(none|knife|fresh)\$"
    mapfile -t runs < <(jq -r --arg pattern "$pattern" '
        [.[] | select(.status == "finished" and (.experiment | test($pattern)))]
        | (group_by(.experiment) | map(map(.seed) | unique) | reduce .[1:][] as $seeds (.[0]; . - (. - $seeds))) as $common
        | .[] | select(.seed as $seed | $common | index($seed) != null) | .run' "$scratch/runs")
    "$KNIFECTL" compare "${runs[@]}" --by experiment --workspace "$workspace" --fresh "$study/fresh" \
        --baseline "$study/$2" --metric "$3" --score "$4" --reps "$reps" --json | tail -n 1 |
        jq -c --arg study "$study/" --arg order "$order" '
            del(.arms[].profile) | walk(if type == "string" then ltrimstr("ablation/") | ltrimstr($study) else . end)
            | ($order / " ") as $order | .arms |= sort_by([(.arm as $name | $order | index($name) // length), .arm])' >"$5"
}

# jq: a number to three digits, an estimate with its interval.
jq_format='
    def r3: if . == null then "–" else (. * 1000 | round / 1000 | if . == 0 then 0 else . end | tostring) end;
    def less: if . == null then null else -. end;
    def estimate: if . == null or .value == null then "–" else "\(.value | r3) [\(.low | r3), \(.high | r3)]" end;'

# scores FILE BASELINE
scores() {
    jq -r --arg baseline "$2" "$jq_format"'
        "| arm | runs | score | gap | slope of the gap per task | difference to \($baseline) | P(better) | p (Holm) |",
        "|---|---|---|---|---|---|---|---|",
        (.arms[] | "| \(.arm) | \(.runs) | \(.mean | estimate) | \(.fresh.gap | estimate) | \(.fresh.gap_slope | estimate) | \(.baseline.difference | estimate) | \(.baseline.probability_of_improvement | estimate) | \(.baseline.permutation.p_holm | r3) |"),
        "",
        "| arm | IQM of scores | gap at the end of tasks | relative transfer | time to threshold, last task | forgetting | relearning beside the first time |",
        "|---|---|---|---|---|---|---|",
        (.arms[] | "| \(.arm) | \(.iqm | estimate) | \(.fresh.final_gap | estimate) | \(.fresh.relative_transfer | estimate) | \(.tasks[-1].steps_to_threshold | estimate) | \(.retention.forgetting | estimate) | \([.recurrences[].ratio.value] | if . == [] then "–" else add / length | r3 end) |"),
        (select(.notes != []) | "", (.notes[] | "- \(.)"))' "$1"
}

# stagnation FILE
stagnation() {
    jq -r "$jq_format"'
        "| arm | stagnant, end of the first task | end of the last task | mean over tasks | growth per task beyond `fresh` |",
        "|---|---|---|---|---|",
        (.arms[] | "| \(.arm) | \(.tasks[0].score | estimate) | \(.tasks[-1].score | estimate) | \(.mean | estimate) | \(.fresh.gap_slope | if . == null or .value == null then null else {value: (.value | less), low: (.high | less), high: (.low | less)} end | estimate) |")' "$1"
}

# One line per task, for every arm its value and interval: what jq's $1 picks of a task.
columns() {
    jq -r --arg skip "$3" "[.arms[] | select(.arm != \$skip)] as \$arms
        | ([\"task\"] + [\$arms[].arm | ., \"low\", \"high\"] | @tsv),
          (range(\$arms[0].tasks | length) as \$t
           | [\$t + 1] + [\$arms[].tasks[\$t] | $1 | .value, .low, .high] | map(. // \"nan\") | @tsv)" \
        "$2"
}

# plot DATA TITLE YLABEL FIGURE: lines of all arms, intervals of the first two
plot() {
    gnuplot <<PLOT
set terminal svg size 760,420 font "DejaVu Sans,11" background "white"
set output "$4"
set datafile separator "\t"
set title "$2" noenhanced
set xlabel "task"
set ylabel "$3"
set key outside right noenhanced
set grid ytics lc rgb "#dddddd"
set xzeroaxis lc rgb "#888888"
arms = $(head -n 1 "$1" | awk -F '\t' '{print (NF - 1) / 3}')
banded = arms < 2 ? arms : 2
colours = "#000000 #d55e00 #0072b2 #009e73 #cc79a7 #e69f00 #56b4e9 #7f7f7f #8c564b #bcbd22 #17becf"
plot for [i = 1 : banded] "$1" using 1:(column(3 * i)):(column(3 * i + 1)) with filledcurves fs transparent solid 0.15 noborder lc rgb word(colours, i) notitle, \
     for [i = 1 : arms] "$1" using 1:(column(3 * i - 1)) with linespoints pt 7 ps 0.4 lw 1.6 lc rgb word(colours, i) title columnhead(3 * i - 1)
PLOT
}

# scatter SCORES STAGNANT TITLE FIGURE: each arm's gap over its share of stagnant units
scatter() {
    jq -rn --slurpfile scores "$1" --slurpfile stagnant "$2" '
        ($stagnant[0].arms | map({(.arm): .mean.value}) | add) as $share
        | $scores[0].arms[] | [.arm, $share[.arm], (.fresh.gap.value // 0)] | @tsv' >"$scratch/scatter.tsv"
    gnuplot <<PLOT
set terminal svg size 760,420 font "DejaVu Sans,11" background "white"
set output "$4"
set datafile separator "\t"
set title "$3" noenhanced
set xlabel "share of stagnant units, mean over tasks"
set ylabel "adaptation gap, mean over tasks"
set grid lc rgb "#dddddd"
set xzeroaxis lc rgb "#888888"
set offsets graph 0.1, graph 0.1, graph 0.1, graph 0.1
unset key
plot "$scratch/scatter.tsv" using 2:3 with points pt 7 ps 0.6 lc rgb "#0072b2" notitle, \
     "$scratch/scatter.tsv" using 2:3:1 with labels offset 0,0.8 noenhanced notitle
PLOT
}

# ready STUDY BASELINE
ready() {
    local name
    for name in "$1/fresh" "$1/$2"; do
        grep -qx "$name" "$scratch/experiments" || { printf '\n## %s\n\nNot yet: no finished run of %s.\n' "$1" "$name"; return 1; }
    done
}

{
    echo "# What came out"
    echo
    echo "Written by \`report.sh\` from $(jq '[.[] | select(.status == "finished")] | length' "$scratch/runs") finished runs,"
    echo "$(jq '[.[] | select(.status == "finished") | .wall_s] | add / 3600 * 10 | round / 10' "$scratch/runs") hours of one core. Scores are areas under the learning curve per task; gaps are those to the arm"
    echo "\`fresh\`, positive where it is better; intervals are 95 % bootstrap intervals over whole runs; p is that of a paired"
    echo "permutation test against the named arm, adjusted by Holm. Time to threshold: env steps until 80 % of what \`fresh\`"
    echo "reaches at the end of the task. Stagnant: mean of the windows of the task's last tenth. Bands in the figures are the"
    echo "intervals of the first two arms."
    while read -r study; do
        ready "$study" none || continue
        file=$new/${study//\//.}
        compare "$study" none test/return aulc "$file.json"
        compare "$study" none plasticity/all/stagnant final "$file.stagnant.json"
        columns .gap "$file.json" fresh >"$scratch/gap.tsv"
        columns .score "$file.stagnant.json" "" >"$scratch/stagnant.tsv"
        plot "$scratch/gap.tsv" "$study: adaptation gap" "score of a fresh network - score" "$file.gap.svg"
        plot "$scratch/stagnant.tsv" "$study: stagnant units" "share of all units at the end of the task" "$file.stagnant.svg"
        scatter "$file.json" "$file.stagnant.json" "$study: gap and stagnation" "$file.scatter.svg"
        printf '\n## %s\n\n' "$study"
        scores "$file.json" none
        echo
        stagnation "$file.stagnant.json"
        printf '\n![adaptation gap](%s.gap.svg)\n![stagnant units](%s.stagnant.svg)\n' "${study//\//.}" "${study//\//.}"
        printf '![gap over stagnant units](%s.scatter.svg)\n' "${study//\//.}"
    done <"$scratch/studies"
    while read -r study; do
        ready "$study" knife || continue
        printf '\n## Ablations of knife, %s\n\n' "$study"
        file=$new/ablation.${study//\//.}.json
        compare "ablation/$study" knife test/return aulc "$file"
        scores "$file" knife
        compare "ablation/$study" none test/return aulc "$scratch/none.json"
        jq -r "$jq_format"'
            "", "| arm | difference to none |", "|---|---|",
            (.arms[] | select(.baseline != null) | "| \(.arm) | \(.baseline.difference | estimate) |")' "$scratch/none.json"
    done < <(sed -n 's|^ablation/\([^/]*/[^/]*\)/.*|\1|p' "$scratch/experiments" | sort -u)
} >"$new/tables.md"
rm -f "$out"/*.json "$out"/*.svg
mv "$new"/* "$out"
echo "report.sh: wrote $out" >&2
