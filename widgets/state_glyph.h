// SPDX-License-Identifier: GPL-3.0-or-later
// How the state of a run looks and reads: a shape, a tone and a word, so that colour is never the only sign.
#pragma once

#include <QRectF>
#include <QString>

#include "core/types/run_state.h"
#include "widgets/theme.h"

class QPainter;

namespace knife {

[[nodiscard]] QString stateName(RunState state);
[[nodiscard]] Tone stateTone(RunState state);
/// Draws the shape into the rectangle in this colour.
void paintStateGlyph(QPainter& painter, const QRectF& rect, RunState state, const QColor& colour);

} // namespace knife
