// SPDX-License-Identifier: GPL-3.0-or-later
// Between the strings of the core and those of Qt.
#pragma once

#include <string>
#include <string_view>

#include <QString>

#include "core/types/ids.h"

namespace knife {

[[nodiscard]] inline QString toQString(std::string_view text) {
    return QString::fromUtf8(text.data(), static_cast<qsizetype>(text.size()));
}
[[nodiscard]] inline QString toQString(const RunId& run) {
    return toQString(run.value);
}
[[nodiscard]] inline RunId toRunId(const QString& text) {
    return RunId{text.toStdString()};
}

} // namespace knife
