// SPDX-License-Identifier: GPL-3.0-or-later
// Neurons of several surgery events side by side, as the parameters of one layer: products over many small matrices
// would cost as many calls as there were events.
#pragma once

#include <cstdint>
#include <vector>

#include "core/nets/composite_linear.h"
#include "core/nets/fused/hidden_kernel.h"

namespace knife {

enum class BranchHalf : std::uint8_t {
    Active,
    Compensation, ///< with the sign of its outgoing weights turned
};

class GatheredNeurons {
  public:
    /// `branches` of one layer, at least one; their parameters must outlive this.
    GatheredNeurons(const std::vector<const CompositeBranch*>& branches, BranchHalf half);

    [[nodiscard]] HiddenNeurons neurons() const { return {.in = m_in, .bias = m_bias, .out = m_out}; }
    /// The column that each of the branches begins at.
    [[nodiscard]] const std::vector<std::int64_t>& columns() const { return m_columns; }
    /// Takes the branches' present values.
    void load();
    /// Begins a backward pass.
    void zeroGradients();
    /// Adds what it left in the gradients of neurons() to those of the branches.
    void handOutGradients() const;

  private:
    struct Source {
        const Parameter* in;
        const Parameter* bias;
        const Parameter* out;
        std::int64_t units;
    };
    std::vector<Source> m_sources;
    std::vector<std::int64_t> m_columns;
    float m_sign; ///< of outgoing weights
    Parameter m_in;
    Parameter m_bias;
    Parameter m_out;
};

} // namespace knife
