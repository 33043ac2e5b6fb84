// SPDX-License-Identifier: GPL-3.0-or-later
// Which columns of the list of runs are shown, and how wide they are.
#pragma once

#include <QByteArray>

class QHeaderView;

namespace knife {

class RunPanel;

/// Widths that show every figure in full, the less urgent columns hidden, and a context menu on the header that shows
/// and hides columns. `saved` (from QHeaderView::saveState) comes on top; empty: none.
/// Returns the header, for saving its state. Owned by the panel.
QHeaderView* arrangeRunColumns(RunPanel& panel, const QByteArray& saved);

} // namespace knife
