// SPDX-License-Identifier: GPL-3.0-or-later
// A mixer: how the agents' values become the value that is trained, and by which loss. One class per method of value
// factorization; VDN is the smallest. A method writes its equations as differentiable tensor operations; QMIX, QPLEX,
// VDN and IQL also have a fast path that says the same (mix_kernel.h).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "core/config/section.h"
#include "core/nets/mixers/joint_view.h"
#include "core/nets/site.h"
#include "core/types/error.h"

namespace knife {

class MixKernel;
class WorkerPool;

struct MixerShape {
    std::int64_t agents = 0;
    std::int64_t actions = 0;
    std::int64_t state = 0;
    std::int64_t obs = 0;    ///< leading entries of an agent's input
    std::int64_t hidden = 0; ///< width of an agent's memory
    /// The first agents * agentState entries of the state are one slice per agent; 0: there are no such slices.
    std::int64_t agentState = 0;
};

/// What a method asks of the networks around it.
struct MixerNeeds {
    std::int64_t valuesPerAction = 1;       ///< W: outputs of the agents' heads per action; 0: no head, memory only
    bool hidden = false;                    ///< JointView::hidden, with gradient
    bool inputs = false;                    ///< JointView::inputs
    std::vector<std::string> furtherAgents; ///< names of further agent networks, for example "central"
};

/// Everything a loss may use. Tensors of `online` carry gradients, everything else does not.
struct LossInput {
    JointView online;        ///< at the actions taken, steps 0 … T - 1
    at::Tensor targets;      ///< [R, C] TD(lambda) targets of the target mixer's bootstrap(); 0 on padded steps
    at::Tensor bootstrap;    ///< [R, C] that bootstrap() itself, at the joint action the targets are made of: the
                             ///< online agents' choice in each step, or the target agents' without learning.double_q
    at::Tensor weights;      ///< [R, 1] valid steps, summing to one
    std::int64_t update = 0; ///< learner updates so far, for schedules inside a method
};

struct MixerLoss {
    at::Tensor total; ///< scalar, differentiable
    at::Tensor joint; ///< [R, C] the value that was compared with the targets, for reports
    /// What it was compared with where that is only a part of LossInput::targets; undefined: all of them.
    at::Tensor compared = {};
};

class Mixer {
  public:
    virtual ~Mixer() = default;
    [[nodiscard]] virtual MixerNeeds needs() const { return {}; }

    /// The joint value of `view.actions`: [R, outputs()]. Records activations where `taps` is given.
    [[nodiscard]] virtual at::Tensor mix(const JointView& view, SiteTaps* taps) const = 0;
    /// The one number per row that mix() stands for, for tables of joint values: [R]. By default the mean of its
    /// columns; methods that sample give the expectation instead.
    [[nodiscard]] virtual at::Tensor expected(const JointView& view) const;
    /// Columns of mix(): 1 for a joint value, the number of agents where each is trained on its own, times quantiles.
    [[nodiscard]] virtual std::int64_t outputs() const { return 1; }
    /// What targets are made of, asked of the target network: [R, C].
    [[nodiscard]] virtual at::Tensor bootstrap(const JointView& view) const { return mix(view, nullptr); }
    /// By default the squared TD error of mix(), meant over valid steps and columns, times lossFactor().
    [[nodiscard]] virtual MixerLoss loss(const LossInput& input, SiteTaps* taps) const;
    /// 1 in PyMARL, 1/2 in PyMARL2's and QPLEX's learners.
    [[nodiscard]] virtual double lossFactor() const { return 1.0; }

    /// Whether the agents' outputs are themselves the values that actions are chosen by.
    [[nodiscard]] virtual bool choosesByOutputs() const { return true; }
    /// The values that actions are chosen by: outputs [T, rows, A * W], hidden [T, rows, H] -> [T, rows, A]; without
    /// gradient. `memory` is what the call for the step before left, undefined at the start of an episode.
    [[nodiscard]] virtual at::Tensor actionValues(const at::Tensor& outputs, const at::Tensor& hidden,
                                                  at::Tensor& memory) const;

    /// The fast path of this very object, or nullptr, the default. With one the learner calls neither loss() nor
    /// bootstrap() but computes their defaults from the kernel: who overrides this answers for it that both are the
    /// defaults and that no further agents are asked for. Nothing checks that.
    [[nodiscard]] virtual std::unique_ptr<MixKernel> makeKernel(WorkerPool& pool) const;

    /// Multiply-adds times two of one forward row, for benchmarks; an upper bound where the target network needs less
    /// of the method than the online one.
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
/// Names of all methods, for lists and tests.
[[nodiscard]] std::vector<std::string> mixerMethods();

} // namespace knife
