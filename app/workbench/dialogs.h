// SPDX-License-Identifier: GPL-3.0-or-later
// Questions to the user. None of them blocks: each returns at once and calls back when something was chosen.
#pragma once

#include <cstdint>
#include <functional>

#include <QString>

class QWidget;

namespace knife {

using TextChosen = std::function<void(const QString&)>;

void askExperimentFile(QWidget* parent, const QString& folder, const TextChosen& chosen);
void askWorkspace(QWidget* parent, const QString& folder, const TextChosen& chosen);
/// A PDF or PNG file to write; `name` is proposed.
void askExportFile(QWidget* parent, const QString& name, const TextChosen& chosen);
/// An environment step after `current`, at most `total`.
void askEnvStep(QWidget* parent, std::int64_t current, std::int64_t total,
                const std::function<void(std::int64_t)>& chosen);
void showAbout(QWidget* parent);

} // namespace knife
