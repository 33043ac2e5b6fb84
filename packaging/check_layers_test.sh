#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Shows that check_layers.sh accepts a clean tree and finds every kind of breach.
set -euo pipefail
checker=$(realpath "$(dirname "${BASH_SOURCE[0]}")/check_layers.sh")
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
failures=0

put() { # put FILE LINE... : a file with a licence line and these lines
    mkdir -p "$tree/$(dirname "$1")"
    local comment='//'
    [[ $1 == *.h || $1 == *.cpp ]] || comment='#'
    printf '%s\n' "$comment SPDX-License-Identifier: GPL-3.0-or-later" "${@:2}" >"$tree/$1"
}

expect_breach() { # expect_breach TEXT FILE LINE... : the file is reported with the text, and nothing else is
    local text=$1 file=$2 output
    put "${@:2}"
    if output=$(bash "$checker" "$tree" 2>/dev/null); then
        echo "not noticed: $text ($file)"
        failures=$((failures + 1))
    elif [ "$(wc -l <<<"$output")" != 1 ] || [[ $output != "$file":*"$text"* ]]; then
        printf 'expected "%s" for %s, found:\n%s\n' "$text" "$file" "$output"
        failures=$((failures + 1))
    fi
    rm "$tree/$file"
}

put core/types/ids.h '#include <string>'
put core/store/database.cpp '#include <SQLiteCpp/SQLiteCpp.h>' '#include "core/types/ids.h"' '#include "core/config/experiment.h"'
put core/store/CMakeLists.txt 'target_link_libraries(knife_store PRIVATE SQLiteCpp)'
put core/nets/net.cpp '#include <ATen/ATen.h>'
put core/session/session.cpp '#include <torch/torch.h>' '#include "core/learning/learner.h"'
put widgets/plot/plot_impl.cpp '#include "widgets/plot/qcp.h"' '#include <QWidget>' '#include "core/types/ids.h"'
put widgets/plot/qcp.h '#include <qcustomplot.h>'
put app/workbench/main.cpp '#include <QApplication>' '#include "core/store/run_reader.h"' '#include "main.moc"'
put app/ctl/main.cpp '#include "core/session/session.h"'
put tests/core/tst_store.cpp '#include <SQLiteCpp/SQLiteCpp.h>' '#include "store_test.h"'
if ! bash "$checker" "$tree"; then
    echo "a clean tree was refused"
    failures=$((failures + 1))
fi

expect_breach 'core/config includes from above' core/config/a.cpp '#include "core/store/workspace.h"'
expect_breach 'core/types includes from above' core/types/a.h '#  include <core/stats/aggregate.h>'
expect_breach 'core/envs includes from above' core/envs/a.cpp '#include "core/plasticity/surgeon.h"'
expect_breach 'core includes from above' core/session/a.cpp '#include "app/ctl/output.h"'
expect_breach 'core includes from above' core/store/a.cpp '#include "widgets/theme.h"'
expect_breach 'not in the table' core/misc/a.cpp '#include <vector>'
expect_breach 'product code includes a test' core/store/a.cpp '#include "tests/core/store/store_test.h"'
expect_breach 'from the top of the tree' core/store/a.cpp '#include "database.h"'
expect_breach 'core knows no Qt' core/session/a.cpp '#include <QString>'
expect_breach 'core knows no Qt' core/session/a.cpp '#include <QtCore/qglobal.h>'
expect_breach 'core links no Qt' core/session/CMakeLists.txt 'target_link_libraries(knife_session PRIVATE Qt6::Core)'
expect_breach 'core links no Qt' core/session/CMakeLists.txt 'find_package(Qt6 REQUIRED COMPONENTS Core)'
expect_breach 'no tensor library here' core/store/a.cpp '#include <torch/version.h>'
expect_breach 'no tensor library here' core/envs/a.cpp '#include <ATen/ATen.h>'
expect_breach 'no tensor library here' core/session/session.h '#include <c10/core/Device.h>'
expect_breach 'no tensor library here' app/workbench/a.cpp '#include <torch/torch.h>'
expect_breach 'no tensor library here' widgets/a.cpp '#include <ATen/core/Tensor.h>'
expect_breach 'the window includes from the engine' app/workbench/a.cpp '#include "core/session/session.h"'
expect_breach 'the window includes from knifectl' app/workbench/a.cpp '#include "app/ctl/output.h"'
expect_breach 'knifectl includes from the window' app/ctl/a.cpp '#include "widgets/theme.h"'
expect_breach 'the window links no engine' app/workbench/CMakeLists.txt 'target_link_libraries(x PRIVATE knife_session)'
expect_breach 'the window links no engine' widgets/CMakeLists.txt 'target_link_libraries(x PRIVATE torch)'
expect_breach 'no SQL outside core/store' core/session/a.cpp '#include <sqlite3.h>'
expect_breach 'no SQL outside core/store' app/workbench/a.cpp '#include <QSqlDatabase>'
expect_breach 'no SQL outside core/store' app/ctl/CMakeLists.txt 'target_link_libraries(knifectl PRIVATE SQLiteCpp)'
expect_breach 'no QCustomPlot outside widgets/plot' widgets/a.cpp '#include <qcustomplot.h>'
expect_breach 'no QCustomPlot outside widgets/plot' widgets/a.cpp '#include "widgets/plot/qcp.h"'
expect_breach 'widgets include from app' widgets/a.cpp '#include "app/workbench/text.h"'
expect_breach 'widgets know core/types only' widgets/a.cpp '#include "core/store/records.h"'
expect_breach 'unfinished work' core/types/a.cpp "// TO""DO later"
expect_breach 'unfinished work' packaging/a.sh "# DEV-""ONLY"

mkdir -p "$tree/widgets/env"
echo 'int x;' >"$tree/widgets/env/a.cpp"
if bash "$checker" "$tree" >/dev/null 2>&1; then
    echo 'not noticed: a file without a licence line'
    failures=$((failures + 1))
fi
[ "$failures" = 0 ] || { echo "$failures failures"; exit 1; }
