// SPDX-License-Identifier: GPL-3.0-or-later
// Parseval regularisation (Chung et al. 2024, arXiv 2412.07224): the loss gains lambda ||W W^T - s I||_F^2 for the
// weights W into every hidden layer, so that their rows stay orthogonal. Where a matrix has more rows than columns its
// rows cannot be, and W^T W stands in: the columns are kept orthogonal.
#pragma once

#include "core/plasticity/interventions/block_intervention.h"
#include "core/plasticity/interventions/step_scope.h"

namespace knife {

struct ParsevalConfig {
    double strength = 1e-3; ///< lambda
    double scale = 0.0;     ///< s; 0: ||W||_F^2 over its shorter side, of the matrix as it began
    StepScope scope;
};
void describe(FieldVisitor& visitor, ParsevalConfig& config);

class Parseval final : public BlockIntervention {
  public:
    /// The matrices are those of the sites of `net`, as they are now; it must outlive this.
    Parseval(ParsevalConfig config, const FactorizedNet& net);
    [[nodiscard]] Wishes wishes(std::int64_t /*update*/) const override { return {.addsToGradients = true}; }
    /// Adds 4 lambda (W W^T - s I) W to the gradient. Frozen rows take part in W, and get none.
    void differentiated(const UpdateMoment& moment) override;

  private:
    ParsevalConfig m_config;
};

[[nodiscard]] Result<std::unique_ptr<Intervention>> makeParseval(const Section& section, const FactorizedNet& net);

} // namespace knife
