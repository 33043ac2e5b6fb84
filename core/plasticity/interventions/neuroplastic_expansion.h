// SPDX-License-Identifier: GPL-3.0-or-later
// Neuroplastic expansion (Liu et al. 2024, arXiv 2410.07994): weight matrices start sparse and grow. Every `every`
// updates, some active connections are pruned, and where the gradient of inactive ones is largest, more are grown;
// once a matrix is as dense as it shall be, as many are exchanged as are pruned.
//
// Inactive connections hold 0 and have neither gradient nor moments. Entries that a surgery has frozen are left alone
// and count neither way, and matrices that a surgery adds are dense, so that composites keep their promise.
#pragma once

#include <vector>

#include "core/plasticity/interventions/block_intervention.h"
#include "core/plasticity/interventions/step_scope.h"

namespace knife {

struct NeuroplasticExpansionConfig {
    double initialSparsity = 0.8; ///< share of a matrix that is inactive at first
    double finalSparsity = 0.25;
    std::int64_t every = 100;        ///< updates
    std::string schedule = "cosine"; ///< or "constant"
    double growth = 0.3;             ///< share of what is to be grown in all, per event
    std::int64_t anneal = 20'000;    ///< updates after which a cosine is at 0
    double pruned = 0.4;             ///< connections pruned for each one grown
    double exchange = 0.2;           ///< share of active connections exchanged per event, once fully grown
    std::string prune = "magnitude"; ///< or "dormancy": those into dormant units first
    double dormantBelow = 0.025;     ///< ReDo score
    std::string newWeights = "zero"; ///< or "lecun"
    StepScope scope;
};
void describe(FieldVisitor& visitor, NeuroplasticExpansionConfig& config);

/// Its memory beside each block: 1 where a connection is active, and everywhere outside the matrices.
class NeuroplasticExpansion final : public BlockIntervention {
  public:
    /// `net` must outlive this; draws are keyed by its seed and the update. Connections of small magnitude are inactive
    /// from the start, and lose their values in the first update.
    NeuroplasticExpansion(NeuroplasticExpansionConfig config, const FactorizedNet& net);
    [[nodiscard]] Wishes wishes(std::int64_t update) const override;
    void unmasked(const UpdateMoment& moment) override;
    void stepped(const UpdateMoment& moment) override;
    /// Without a state the network, as it is now, becomes sparse.
    [[nodiscard]] bool restore(std::string_view saved) override;

    /// Share of the matrices' trainable entries that are inactive.
    [[nodiscard]] double sparsity();

  private:
    [[nodiscard]] bool isDue(std::int64_t update) const { return (update + 1) % m_config.every == 0; }
    [[nodiscard]] double shareAt(double most, std::int64_t update) const;
    void thin();
    void exchange(const UpdateMoment& moment, const StepBlocks::Block& block, const StepBlocks::Target& target,
                  const at::Tensor& gradient);
    [[nodiscard]] at::Tensor pruningScore(const UpdateMoment& moment, const StepBlocks::Target& target) const;
    void begin(const UpdateMoment& moment, const StepBlocks::Target& target, const at::Tensor& grown) const;

    NeuroplasticExpansionConfig m_config;
    const FactorizedNet& m_net;
    std::vector<at::Tensor> m_gradients; ///< of this update, those of inactive connections too, where it is due
};

[[nodiscard]] Result<std::unique_ptr<Intervention>> makeNeuroplasticExpansion(const Section& section,
                                                                              const FactorizedNet& net);

} // namespace knife
