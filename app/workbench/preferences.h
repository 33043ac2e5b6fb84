// SPDX-License-Identifier: GPL-3.0-or-later
// What the window remembers from one day to the next. Experiments never live here.
#pragma once

#include <QByteArray>
#include <QString>
#include <QStringList>

#include "widgets/curves_panel.h"
#include "widgets/theme.h"

class QSettings;

namespace knife {

struct Preferences {
    /// Raised when docks or toolbars change so that an old saved layout no longer fits.
    static constexpr int kLayoutVersion = 1;
    static constexpr int kRecentCapacity = 8;

    Theme theme = Theme::System;
    QStringList recentWorkspaces; ///< newest first
    QString experimentFolder;     ///< where the last experiment file was chosen
    QStringList shownMetrics;     ///< empty: the program chooses
    XClock xClock = XClock::EnvSteps;
    double smoothing = 0.0;
    QString diagnostic = QStringLiteral("rua");
    QByteArray geometry;
    QByteArray windowState;
    QByteArray columnsSplit; ///< curves | environment
    QByteArray rowsSplit;    ///< curves and environment above the neurons
    QByteArray neuronsSplit; ///< heatmap above the waterfall
    QByteArray runColumns;   ///< header of the list of runs

    bool operator==(const Preferences&) const = default;

    void rememberWorkspace(const QString& folder);
};

/// Missing keys and values of a wrong kind give the default; a layout of another version is left out.
[[nodiscard]] Preferences loadPreferences(const QSettings& settings);
/// Keys that this version does not know stay in the file.
void savePreferences(const Preferences& preferences, QSettings& settings);
/// The INI file in the user's configuration folder.
[[nodiscard]] QString preferencesPath();

} // namespace knife
