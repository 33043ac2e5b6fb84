// SPDX-License-Identifier: GPL-3.0-or-later
// An agent network: what one agent observes to the values of its actions, parameters shared by all agents.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <ATen/core/Tensor.h>

#include "core/config/experiment.h"
#include "core/nets/keep.h"
#include "core/nets/site.h"
#include "core/types/error.h"

namespace knife {

class WorkerPool;

/// What an agent network is built for.
struct AgentShape {
    std::int64_t input = 0;   ///< observation, last action and id together
    std::int64_t outputs = 0; ///< of the head; 0: no head
    AgentConfig config;
};

/// What AgentConfig::furtherSites may name, and the last part of the sites' names.
constexpr const char* kGruSite = "gru";
constexpr const char* kHeadSite = "head";
[[nodiscard]] bool offers(const AgentConfig& config, std::string_view site);

/// What a forward pass gives. Leading dimensions are those of the input.
struct AgentPass {
    at::Tensor outputs; ///< [..., outputs]; undefined without a head
    at::Tensor hidden;  ///< [..., hidden]: what the head reads
};

/// The fast path of one agent network over whole episodes: no graph, memory of its own that is reused from pass to
/// pass. Must agree with Agent::unroll() up to rounding. One pass at a time; training thread.
class AgentKernel {
  public:
    virtual ~AgentKernel() = default;
    /// inputs [T, rows, input]. The tensors of the pass are overwritten by the next one.
    [[nodiscard]] virtual AgentPass forward(const at::Tensor& inputs, Keep keep, SiteTaps* taps) = 0;
    /// For the last forward() with Keep::Gradient and the same inputs: adds to the gradients of the parameters.
    /// An undefined gradient counts as zero.
    virtual void backward(const at::Tensor& inputs, const at::Tensor& dOutputs, const at::Tensor& dHidden) = 0;
};

class Agent {
  public:
    virtual ~Agent() = default;
    /// Whole episodes from their first step: inputs [T, rows, input]. Differentiable.
    [[nodiscard]] virtual AgentPass unroll(const at::Tensor& inputs, SiteTaps* taps) const = 0;
    /// One step for rollouts: input [rows, input]; `memory` goes on to the next step.
    [[nodiscard]] virtual AgentPass act(const at::Tensor& input, at::Tensor& memory) const = 0;
    /// What `memory` is at the start of an episode.
    [[nodiscard]] virtual at::Tensor initialMemory(std::int64_t rows) const = 0;
    /// The fast path of this very object, or nullptr where there is none.
    [[nodiscard]] virtual std::unique_ptr<AgentKernel> makeKernel(WorkerPool& pool) const;
    /// Whether a surgery has given it parts that its fast path does not know; then unroll() takes its place.
    [[nodiscard]] virtual bool outgrewKernel() const { return false; }
    /// Multiply-adds times two of one forward row, for benchmarks.
    [[nodiscard]] virtual double flopsPerRow() const = 0;
    /// The part of them that reads raw inputs, into which no gradient flows back.
    [[nodiscard]] virtual double inputFlopsPerRow() const = 0;
};

struct AgentMaterials {
    ParameterSet& parameters;
    SiteList& sites;
    std::string name = "agent"; ///< first part of the names of parameters and sites
    std::uint64_t seed = 0;
};

/// Builds the agent that `shape.config.kind` names; an unknown kind is ErrorCode::Usage and lists the known ones.
[[nodiscard]] Result<std::unique_ptr<Agent>> makeAgent(const AgentShape& shape, const AgentMaterials& materials);

} // namespace knife
