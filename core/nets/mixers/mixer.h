// SPDX-License-Identifier: GPL-3.0-or-later
// A mixer: the agents' chosen action values and the state to the value that is trained.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <ATen/core/Tensor.h>

#include "core/config/section.h"
#include "core/nets/site.h"
#include "core/types/error.h"

namespace knife {

struct MixerShape {
    std::int64_t agents = 0;
    std::int64_t state = 0;
};

class Mixer {
  public:
    virtual ~Mixer() = default;
    /// q [rows, agents], state [rows, state] -> [rows, outputs()].
    [[nodiscard]] virtual at::Tensor mix(const at::Tensor& q, const at::Tensor& state, SiteTaps* taps) const = 0;
    /// 1 for a joint value; the number of agents where each agent is trained on its own.
    [[nodiscard]] virtual std::int64_t outputs() const { return 1; }
    /// Multiply-adds times two of one forward row, for benchmarks.
    [[nodiscard]] virtual double flopsPerRow() const { return 0.0; }
    /// The part of them that reads the state, into which no gradient flows back.
    [[nodiscard]] virtual double inputFlopsPerRow() const { return 0.0; }
};

struct MixerMaterials {
    ParameterSet& parameters;
    SiteList& sites;
    std::uint64_t seed = 0;
};

/// Builds the mixer named by `method` in the [mixer] section; unknown methods and keys are ErrorCode::Usage with their
/// place in the file.
[[nodiscard]] Result<std::unique_ptr<Mixer>> makeMixer(const Section& section, const MixerShape& shape,
                                                       const MixerMaterials& materials);
/// The section with every default of its method written out.
[[nodiscard]] Result<Section> resolveMixer(const Section& section);

} // namespace knife
