// SPDX-License-Identifier: GPL-3.0-or-later
// Where the trainable weights of a unit are: its own, or those of the newest active neuron of a composite.
#pragma once

#include <cstdint>
#include <vector>

#include "core/nets/site.h"

namespace knife {

struct LiveUnit {
    struct Outgoing {
        Parameter* weight = nullptr; ///< [d_out, ...]
        std::int64_t column = 0;
    };
    Parameter* weight = nullptr; ///< [..., d_in]; nullptr: a unit without parameters of its own
    Parameter* bias = nullptr;
    std::int64_t row = 0; ///< of weight and bias
    std::vector<Outgoing> outgoing;
    std::vector<UnitClones::Row> clones; ///< incoming rows of other agents, which begin and shrink with this one
    bool isComposite = false;
};

/// `unit` must be one of the site's.
[[nodiscard]] LiveUnit liveUnit(const Site& site, int unit);

} // namespace knife
