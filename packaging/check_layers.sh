#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Checks that every arrow between rooms points down, and a few rules that keep it so. Prints FILE:LINE: RULE for each
# breach; exit code 1 if there is one.
# Usage: check_layers.sh [ROOT]
set -euo pipefail
shopt -s inherit_errexit
root=${1:-$(dirname "${BASH_SOURCE[0]}")/..}
cd "$root"

# Rooms of core from the ground floor up: a room includes from itself and from rooms before it.
rooms=(types stats config protocol store nets envs plasticity learning session)
data_rooms='core/(types|stats|config|protocol|store)'
# Headers through which programs use the engine without seeing the tensor library.
torch_free_headers='core/session/(session|run_host|run_plan|process_info|benchmark|trainer)[.]h'

sources() { # sources FOLDER... : code files below these folders
    local folder present=()
    for folder in "$@"; do
        [ -d "$folder" ] && present+=("$folder")
    done
    [ "${#present[@]}" -eq 0 ] ||
        find "${present[@]}" -type f \( -name '*.h' -o -name '*.cpp' -o -name '*.proto' -o -name '*.cmake' -o \
            -name 'CMakeLists.txt' -o -name '*.sh' -o -name '*.py' \) | LC_ALL=C sort
}

check_includes() { # every #include of core, app and widgets against the table of allowed arrows
    sources core app widgets | sed -nE '/\.(h|cpp)$/p' | xargs -r awk \
        -v rooms="${rooms[*]}" -v data="^$data_rooms/" -v free="^$torch_free_headers\$" '
    function breach(rule) { printf "%s:%d: %s\n", FILENAME, FNR, rule }
    BEGIN { count = split(rooms, order, " "); for (i = 1; i <= count; ++i) rank["core/" order[i]] = i }
    FNR == 1 {
        split(FILENAME, part, "/")
        room = part[1] == "widgets" ? "widgets" : part[1] "/" part[2]
        if (part[1] == "core" && !(room in rank)) breach("this room is not in the table of rooms")
    }
    !/^[ \t]*#[ \t]*include[ \t]*[<"]/ { next }
    {
        target = $0
        sub(/^[ \t]*#[ \t]*include[ \t]*[<"]/, "", target)
        sub(/[>"].*/, "", target)
        ours = target ~ /^(core|app|widgets|tests)\//
        if ($0 ~ /include[ \t]*"/ && !ours && target !~ /\.(moc|pb\.h)$/)
            breach("includes are written from the top of the tree: " target)
        split(target, part, "/")
        to = part[1] == "widgets" ? "widgets" : part[1] "/" part[2]

        if (part[1] == "tests") breach("product code includes a test: " target)
        if (room ~ /^core\//) {
            if (part[1] == "app" || part[1] == "widgets") breach("core includes from above: " target)
            else if (part[1] == "core" && rank[to] > rank[room]) breach(room " includes from above: " target)
            if (target ~ /^(Q[A-Z]|Qt)/) breach("core knows no Qt: " target)
        }
        if (room == "widgets") {
            if (part[1] == "app") breach("widgets include from app: " target)
            if (part[1] == "core" && to != "core/types") breach("widgets know core/types only: " target)
        }
        if (room == "app/workbench") {
            if (part[1] == "core" && target !~ data) breach("the window includes from the engine: " target)
            if (to == "app/ctl") breach("the window includes from knifectl: " target)
        }
        if (room == "app/ctl" && (to == "app/workbench" || to == "widgets"))
            breach("knifectl includes from the window: " target)

        if (target ~ /^(torch|ATen|c10|caffe2)\// &&
            (FILENAME ~ data || room == "app/workbench" || room == "widgets" || room == "core/envs" || FILENAME ~ free))
            breach("no tensor library here: " target)
        if (target ~ /^(SQLiteCpp\/|sqlite3|QSql|QtSql\/)/ && room != "core/store")
            breach("no SQL outside core/store: " target)
        if (target ~ /(^|\/)(qcustomplot|qcp)\.h$/ && FILENAME !~ /^widgets\/plot\//)
            breach("no QCustomPlot outside widgets/plot: " target)
    }'
}

check_links() { # what a room links is an arrow too
    sources core | sed -n '/CMakeLists\.txt$/p' | xargs -r grep -HnE '\bQt6?(::|[[:space:]])' | sed -E 's/^([^:]+:[0-9]+):.*/\1: core links no Qt/' || true
    sources core app widgets | sed -nE '/^core\/store\//d; /(CMakeLists\.txt|\.cmake)$/p' |
        xargs -r grep -HnE 'SQLiteCpp|SQLite3::|SQLite::' | sed -E 's/^([^:]+:[0-9]+):.*/\1: no SQL outside core\/store/' || true
    sources widgets app/workbench | sed -n '/CMakeLists\.txt$/p' |
        xargs -r grep -HnE '\b(torch|knife_(engine|session|learning|plasticity|nets|envs))\b|knife::engine' |
        sed -E 's/^([^:]+:[0-9]+):.*/\1: the window links no engine/' || true
}

check_texts() { # licence line at the top, nothing left behind
    local file
    while IFS= read -r file; do
        head -n 2 "$file" | grep -qE '^(//|#|/\*) SPDX-License-Identifier: GPL-3\.0-or-later' ||
            echo "$file:1: no SPDX line at the top"
    done < <(sources core app widgets resources tests packaging .ci; for file in CMakeLists.txt .ci/run; do
        [ ! -f "$file" ] || echo "$file"; done)
    # The brackets keep these patterns from finding themselves.
    sources core app widgets resources tests packaging .ci | xargs -r grep -HnE '\b(TO[D]O|FIX[M]E|DEV[-]ONLY)\b' |
        sed -E 's/^([^:]+:[0-9]+):.*/\1: unfinished work is left in the code/' || true
}

breaches=$(check_includes; check_links; check_texts)
if [ -n "$breaches" ]; then
    echo "$breaches"
    echo "check_layers: $(wc -l <<<"$breaches") breaches" >&2
    exit 1
fi
echo "check_layers: all arrows point down"
