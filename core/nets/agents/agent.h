// SPDX-License-Identifier: GPL-3.0-or-later
// An agent network: observations of one agent to the values of its actions, parameters shared by all agents.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <ATen/core/Tensor.h>

#include "core/nets/site.h"
#include "core/types/error.h"

namespace knife {

/// What an agent network is built for.
struct AgentShape {
    std::int64_t input = 0; ///< observation, last action and id together
    std::int64_t hidden = 0;
    std::int64_t actions = 0;
};

class Agent {
  public:
    virtual ~Agent() = default;
    /// Whole episodes from their first step: inputs [T, rows, input] -> action values [T, rows, actions].
    [[nodiscard]] virtual at::Tensor unroll(const at::Tensor& inputs, SiteTaps* taps) const = 0;
    /// One step for rollouts: input [rows, input] -> action values [rows, actions]; `memory` goes on to the next step.
    [[nodiscard]] virtual at::Tensor act(const at::Tensor& input, at::Tensor& memory) const = 0;
    /// What `memory` is at the start of an episode.
    [[nodiscard]] virtual at::Tensor initialMemory(std::int64_t rows) const = 0;
    /// Multiply-adds times two of one forward row, for benchmarks.
    [[nodiscard]] virtual double flopsPerRow() const = 0;
    /// The part of them that reads raw inputs, into which no gradient flows back.
    [[nodiscard]] virtual double inputFlopsPerRow() const = 0;
};

struct AgentMaterials {
    ParameterSet& parameters;
    SiteList& sites;
    std::uint64_t seed = 0;
};

/// Builds the agent of that kind; an unknown kind is ErrorCode::Usage and lists the known ones.
[[nodiscard]] Result<std::unique_ptr<Agent>> makeAgent(const std::string& kind, const AgentShape& shape,
                                                       const AgentMaterials& materials);

} // namespace knife
