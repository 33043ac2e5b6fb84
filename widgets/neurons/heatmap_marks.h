// SPDX-License-Identifier: GPL-3.0-or-later
// The signs that a heatmap cell can carry, as small stamps, for the cells and for the legend.
#pragma once

#include <QColor>
#include <QPixmap>

namespace knife {

enum class CellMark {
    Composite, ///< filled corner
    Stagnant,  ///< diagonal hatch
    Volatile,  ///< ring in the middle
};

/// A transparent square of `side` pixels with the sign in this colour.
[[nodiscard]] QPixmap cellMark(CellMark mark, int side, const QColor& ink, qreal devicePixelRatio);

} // namespace knife
