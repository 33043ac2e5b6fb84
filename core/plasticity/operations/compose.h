// SPDX-License-Identifier: GPL-3.0-or-later
// KNIFE's composite (arXiv 2606.25335): knowledge (frozen) + active (re-initialised, trainable) - compensation (frozen
// copy of the active at birth). Online and target network get the same draw, each on top of its own knowledge, so that
// neither network's function changes and both keep the same structure.
#pragma once

#include <string>

#include "core/plasticity/operations/neuron_draw.h"
#include "core/plasticity/operations/operation.h"

namespace knife {

struct ComposeSettings {
    NeuronDrawSettings draw;
    /// "frozen", or "trainable": later updates may rescale what was learned. Unknown from the paper's abstract.
    std::string knowledgeOut = "frozen";
    bool operator==(const ComposeSettings&) const = default;
};
void describe(FieldVisitor& visitor, ComposeSettings& settings);

class Compose final : public Operation {
  public:
    explicit Compose(const ComposeSettings& settings) : m_settings(settings) {}
    [[nodiscard]] Result<void> check(const SurgeryPlan& plan, const FactorizedNet& net) const override;
    void apply(FactorizedNet& net, const SurgeryPlan& plan, const SurgeryDraws& draws) const override;
    [[nodiscard]] std::vector<SiteReceipt> receipts(const FactorizedNet& net, const SurgeryPlan& plan) const override;
    [[nodiscard]] bool preserves() const override { return true; }
    [[nodiscard]] bool changesStructure() const override { return true; }

  private:
    ComposeSettings m_settings;
};

} // namespace knife
