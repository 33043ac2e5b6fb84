// SPDX-License-Identifier: GPL-3.0-or-later
// Which colour scale suits a diagnostic of a frame.
#pragma once

#include <QString>

#include "core/types/snapshot.h"
#include "widgets/plot/colour_map.h"

namespace knife {

enum class ScaleWish { Linear, Logarithmic };

/// Around zero when there are negative values; otherwise from zero, or over the decades that occur. RUA on a
/// logarithmic scale lies around one with ends that follow from the thresholds alone, so that a colour always means the
/// same.
[[nodiscard]] ColourScale fitScale(const NeuronFrame& frame, const QString& diagnostic, ScaleWish wish);

} // namespace knife
