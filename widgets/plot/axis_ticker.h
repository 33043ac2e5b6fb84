// SPDX-License-Identifier: GPL-3.0-or-later
// Tick labels of one width class: 0.25, 12k, 1.5M; all labels of an axis share their suffix and number of decimals.
#pragma once

#include <span>
#include <vector>

#include <QSharedPointer>
#include <QString>

#include "widgets/plot/decimate.h"

class QCPAxisTicker;

namespace knife {

[[nodiscard]] QSharedPointer<QCPAxisTicker> makeAxisTicker(AxisScale scale);

/// The texts of evenly spaced ticks.
[[nodiscard]] std::vector<QString> tickLabels(std::span<const double> ticks);

/// The widest text that tickLabels gives for ordinary ranges; margins are made for it, so that they never jump.
[[nodiscard]] QString widestTickLabel();

} // namespace knife
