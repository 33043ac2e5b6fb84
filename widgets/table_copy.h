// SPDX-License-Identifier: GPL-3.0-or-later
// Ctrl+C for every table.
#pragma once

#include <QString>

class QAbstractItemView;

namespace knife {

/// The selected rows of the view, or all of them, tab-separated, with a line of column titles.
[[nodiscard]] QString tableText(const QAbstractItemView& view);

/// Puts that text on the clipboard when the copy key is pressed in the view.
void copyOnShortcut(QAbstractItemView& view);

} // namespace knife
