// SPDX-License-Identifier: GPL-3.0-or-later
// Records of the store as JSON, with the keys that scripts rely on.
#pragma once

#include <nlohmann/json.hpp>

#include "core/store/records.h"

namespace knife {

using Json = nlohmann::ordered_json;

/// Keys run, experiment, seed, status, env_steps, …
[[nodiscard]] Json toJson(const RunRecord& record);
/// Keys update, env_step, episode, wall_s.
[[nodiscard]] Json toJson(const Clocks& clocks);
/// null instead of NaN, also for programs that read the value before it is printed.
[[nodiscard]] Json numberOrNull(double value);
/// Text that may be JSON: its value, or null when it is empty or broken.
[[nodiscard]] Json parsedOrNull(const std::string& text);
/// Share of the budget that is done, at most 1.
[[nodiscard]] double progressOf(const RunRecord& record);

} // namespace knife
