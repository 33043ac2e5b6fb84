// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/ctl/compare_study.h"

namespace knife {

/// The study as tables on stdout. Arms have numbers there, because their names are long.
void printStudy(const Study& study);

} // namespace knife
