// SPDX-License-Identifier: GPL-3.0-or-later
// What a view says while it has nothing to show.
#pragma once

#include <QString>

class QLabel;
class QWidget;

namespace knife {

/// A centred, wrapping, quiet line of text that says what to do next. Owned by the parent.
[[nodiscard]] QLabel* makeEmptyState(const QString& text, QWidget* parent);

} // namespace knife
