// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/workbench/preferences.h"

#include <QSettings>
#include <QStandardPaths>

#include <array>
#include <cmath>
#include <utility>

namespace knife {

namespace {

constexpr std::array<std::pair<XClock, const char*>, 4> kClocks{{
    {XClock::EnvSteps, "env_steps"},
    {XClock::Updates, "updates"},
    {XClock::Episodes, "episodes"},
    {XClock::Wall, "wall"},
}};

QString toString(XClock clock) {
    for (const auto& [value, name] : kClocks) {
        if (value == clock) {
            return QString::fromLatin1(name);
        }
    }
    return {};
}

XClock clockFromString(const QString& text) {
    for (const auto& [value, name] : kClocks) {
        if (text == QLatin1String(name)) {
            return value;
        }
    }
    return XClock::EnvSteps;
}

double positiveOrZero(const QVariant& value) {
    const double number = value.toDouble();
    return std::isfinite(number) && number > 0.0 ? number : 0.0;
}

} // namespace

void Preferences::rememberWorkspace(const QString& folder) {
    recentWorkspaces.removeAll(folder);
    recentWorkspaces.prepend(folder);
    while (recentWorkspaces.size() > kRecentCapacity) {
        recentWorkspaces.removeLast();
    }
}

Preferences loadPreferences(const QSettings& settings) {
    Preferences result;
    result.theme = themeFromString(settings.value("view/theme").toString());
    result.recentWorkspaces = settings.value("files/recentWorkspaces").toStringList();
    result.experimentFolder = settings.value("files/experimentFolder").toString();
    result.shownMetrics = settings.value("curves/metrics").toStringList();
    result.xClock = clockFromString(settings.value("curves/clock").toString());
    result.smoothing = positiveOrZero(settings.value("curves/smoothing"));
    result.diagnostic = settings.value("neurons/diagnostic", result.diagnostic).toString();
    if (settings.value("layout/version").toInt() == Preferences::kLayoutVersion) {
        result.geometry = settings.value("layout/geometry").toByteArray();
        result.windowState = settings.value("layout/state").toByteArray();
        result.columnsSplit = settings.value("layout/columns").toByteArray();
        result.rowsSplit = settings.value("layout/rows").toByteArray();
        result.neuronsSplit = settings.value("layout/neurons").toByteArray();
        result.runColumns = settings.value("layout/runColumns").toByteArray();
    }
    return result;
}

void savePreferences(const Preferences& preferences, QSettings& settings) {
    settings.setValue("view/theme", toString(preferences.theme));
    settings.setValue("files/recentWorkspaces", preferences.recentWorkspaces);
    settings.setValue("files/experimentFolder", preferences.experimentFolder);
    settings.setValue("curves/metrics", preferences.shownMetrics);
    settings.setValue("curves/clock", toString(preferences.xClock));
    settings.setValue("curves/smoothing", preferences.smoothing);
    settings.setValue("neurons/diagnostic", preferences.diagnostic);
    settings.setValue("layout/version", Preferences::kLayoutVersion);
    settings.setValue("layout/geometry", preferences.geometry);
    settings.setValue("layout/state", preferences.windowState);
    settings.setValue("layout/columns", preferences.columnsSplit);
    settings.setValue("layout/rows", preferences.rowsSplit);
    settings.setValue("layout/neurons", preferences.neuronsSplit);
    settings.setValue("layout/runColumns", preferences.runColumns);
}

QString preferencesPath() {
    return QStandardPaths::writableLocation(QStandardPaths::AppConfigLocation) + QStringLiteral("/workbench.ini");
}

} // namespace knife
