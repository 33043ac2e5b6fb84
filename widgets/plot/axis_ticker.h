// SPDX-License-Identifier: GPL-3.0-or-later
// The tick rule of ticks.h for axes of the plotting library.
#pragma once

#include <QSharedPointer>

#include "widgets/plot/decimate.h"

class QCPAxisTicker;

namespace knife {

[[nodiscard]] QSharedPointer<QCPAxisTicker> makeAxisTicker(AxisScale scale);

} // namespace knife
