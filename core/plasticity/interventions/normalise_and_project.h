// SPDX-License-Identifier: GPL-3.0-or-later
// The projection of normalise-and-project (Lyle et al. 2024, arXiv 2407.01800): every weight matrix is scaled back to
// the Frobenius norm that it began with. The normalisation is the network's: agent.kind = "rnn_layernorm".
#pragma once

#include "core/plasticity/interventions/block_intervention.h"
#include "core/plasticity/interventions/step_scope.h"

namespace knife {

struct NormaliseAndProjectConfig {
    std::int64_t every = 1; ///< updates
    StepScope scope;
};
void describe(FieldVisitor& visitor, NormaliseAndProjectConfig& config);

class NormaliseAndProject final : public BlockIntervention {
  public:
    /// Norms are those of `net` now, which must outlive this; matrices that a surgery adds keep the norm that they are
    /// born with.
    NormaliseAndProject(NormaliseAndProjectConfig config, const FactorizedNet& net);
    /// Scales trainable entries alone, so that the norm with the frozen ones is right; leaves a matrix alone where no
    /// scaling can do that.
    void stepped(const UpdateMoment& moment) override;

  private:
    NormaliseAndProjectConfig m_config;
};

[[nodiscard]] Result<std::unique_ptr<Intervention>> makeNormaliseAndProject(const Section& section,
                                                                            const FactorizedNet& net);

} // namespace knife
