// SPDX-License-Identifier: GPL-3.0-or-later
// What a view says while it has nothing to show.
#pragma once

#include <QString>

class QAbstractItemView;
class QLabel;
class QWidget;

namespace knife {

/// A centred, wrapping, quiet line of text that says what to do next. Owned by the parent.
[[nodiscard]] QLabel* makeEmptyState(const QString& text, QWidget* parent);

/// Shows the text in the middle of the view for as long as its model has no rows.
void showHintWhenEmpty(QAbstractItemView& view, const QString& text);

} // namespace knife
