// SPDX-License-Identifier: GPL-3.0-or-later
// All parameters of some modules move towards other values: theta <- keep theta + share source + sigma N(0, 1), where
// the source is another draw of the network or its initial values. Frozen entries stay; an active neuron of a composite
// moves towards what it was born with.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/plasticity/operations/operation.h"
#include "core/types/counter_rng.h"

namespace knife {

struct BlendSettings {
    double keep = 0.8;
    double share = 0.2;
    double sigma = 0.0;
    std::string source = "fresh"; ///< "fresh": another draw; "initial": the values the run began with
    bool operator==(const BlendSettings&) const = default;
};
void describe(FieldVisitor& visitor, BlendSettings& settings);

/// Which entries of a network may be blended: one flat tensor of 0 and 1 per trainable block, undefined for the others.
/// A copied network has no masks: there the structure of its composites says what is frozen.
[[nodiscard]] std::vector<at::Tensor> blendable(const FactorizedNet& net, const std::vector<std::string>& modules);
/// Blends entries where `where` is 1. `source` gives the values of the first block; those of a branch are its
/// compensation neurons'.
void blendValues(ParameterSet& parameters, const std::vector<at::Tensor>& where, const ParameterSet& source,
                 const BlendSettings& settings, CounterRng noise);

class Blend final : public Operation {
  public:
    explicit Blend(BlendSettings settings) : m_settings(std::move(settings)) {}
    [[nodiscard]] Result<void> check(const SurgeryPlan& plan, const FactorizedNet& net) const override;
    void apply(FactorizedNet& net, const SurgeryPlan& plan, const SurgeryDraws& draws) const override;
    /// Kind "blended", one per module.
    [[nodiscard]] std::vector<SiteReceipt> receipts(const FactorizedNet& net, const SurgeryPlan& plan) const override;

  private:
    BlendSettings m_settings;
};

} // namespace knife
