// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/ctl/compare_study.h"
#include "app/ctl/run_json.h"

namespace knife {

/// Everything that is known of a study: keys metric, score, bootstrap, arms, tasks, config_diff, notes, …
[[nodiscard]] Json toJson(const Study& study);

} // namespace knife
