// SPDX-License-Identifier: GPL-3.0-or-later
// The one place that includes QCustomPlot, from .cpp files of this folder only. Debian's header is written with the Qt
// keywords that we compile without, so they are lent to it for the length of the include.
#pragma once

#define signals Q_SIGNALS
#define slots Q_SLOTS
#define emit
#define foreach Q_FOREACH
#include <qcustomplot.h>
#undef signals
#undef slots
#undef emit
#undef foreach
