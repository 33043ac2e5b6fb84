// SPDX-License-Identifier: GPL-3.0-or-later
// The program's own icons. They are drawn in the text colour of the application's palette at the moment of painting, so
// they follow a change of theme by themselves.
#pragma once

#include <QIcon>
#include <QStringList>

namespace knife {

/// Names: new, open, start, pause, step, run-to, stop, evaluate, operate, undo, fork, resume, save, search, reset-zoom,
/// copy, export, clear, close, settings, lock, unlock, neuron. An unknown name gives a null icon.
[[nodiscard]] QIcon icon(const QString& name);
[[nodiscard]] QStringList iconNames();
/// The program's icon in its own colours.
[[nodiscard]] QIcon applicationIcon();

} // namespace knife
