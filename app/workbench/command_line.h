// SPDX-License-Identifier: GPL-3.0-or-later
// knife-workbench [WORKSPACE] [--start FILE] [--select RUN] [--inspect SITE:UNIT] [--theme NAME]
//                 [--screenshot FILE --after SECONDS] [--timing]
#pragma once

#include <optional>

#include <QString>
#include <QStringList>

#include "core/types/ids.h"
#include "widgets/theme.h"

namespace knife {

struct LaunchOptions {
    QString workspace;                ///< empty: the last one, or the default
    QString startFile;                ///< experiment to start; empty: none
    QString select;                   ///< run to show: an id, a unique beginning of one, or "last"; empty: the newest
    std::optional<NeuronRef> inspect; ///< unit to show
    std::optional<Theme> theme;       ///< for this time only
    QString screenshot;               ///< image to write before leaving; empty: none
    double afterS = 5.0;              ///< seconds until then
    bool timing = false;              ///< report start-up time and the longest stall on stderr
};

/// What the command line asks for, or why it cannot be understood.
struct ParsedCommandLine {
    enum class Kind { Run, Help, Version, Wrong };
    Kind kind = Kind::Run;
    LaunchOptions options;
    QString text; ///< to print, for Help, Version and Wrong
};

/// `arguments` start with the program's name.
[[nodiscard]] ParsedCommandLine parseCommandLine(const QStringList& arguments);

} // namespace knife
