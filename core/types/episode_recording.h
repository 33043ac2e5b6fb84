// SPDX-License-Identifier: GPL-3.0-or-later
// A greedy episode of an evaluation, moment by moment: what the window scrubs through without playing it again.
#pragma once

#include <vector>

#include "core/types/clocks.h"
#include "core/types/env_view.h"

namespace knife {

struct EpisodeRecording {
    Clocks clocks;                ///< of the evaluation
    std::vector<EnvView> moments; ///< after the reset, then after every env step
    bool operator==(const EpisodeRecording&) const = default;
};

} // namespace knife
