// SPDX-License-Identifier: GPL-3.0-or-later
// A linear layer that plasticity can be injected into (Nikishin et al. 2023, arXiv 2305.15555), whole or unit by unit:
//
//   y = (V + sum_e [VA_e - VC_e]) x + (c + sum_e [cA_e - cC_e])
//
// Before an injection V and c learn; then they are knowledge, and the newest VA, cA learn in their place. VC, cC are
// what VA, cA were born with. Because the layer is linear its branches are summed as weights: right after an injection
// the difference is +0 in every entry, and no output changes by a bit. A branch of some units has their rows alone;
// that is KNIFE's composite of a unit without activation.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "core/nets/parameters.h"

namespace knife {

class InjectedLinear {
  public:
    struct Values {
        at::Tensor weight; ///< [out, in]
        at::Tensor bias;   ///< [out]
    };
    struct Branch {
        std::int64_t event = 0;
        std::vector<int> units; ///< whose rows these are, ascending; empty: all of the layer
        Parameter* activeWeight = nullptr;
        Parameter* activeBias = nullptr;
        Parameter* compensationWeight = nullptr;
        Parameter* compensationBias = nullptr;
    };

    /// One row of the layer or of a branch.
    struct Row {
        Parameter* weight = nullptr;
        Parameter* bias = nullptr;
        std::int64_t row = 0;
    };

    /// Declares `<name>.weight` [out, in] and `<name>.bias` [out], drawn as torch.nn.Linear does.
    InjectedLinear(ParameterSet& parameters, std::string name, std::int64_t in, std::int64_t out, std::uint64_t seed);
    InjectedLinear(const InjectedLinear&) = delete; // networks refer to it by address
    InjectedLinear& operator=(const InjectedLinear&) = delete;

    /// x [..., in] -> [..., out]. Differentiable.
    [[nodiscard]] at::Tensor forward(const at::Tensor& x) const;
    /// The sums above: what a fast path multiplies with.
    [[nodiscard]] Values sums() const;
    /// Adds the gradient of the sums to every trainable term, the base included; frozen ones are masked later.
    void addGradient(const Values& gradient) const;

    /// Freezes what of these units (ascending, no repeats; empty: all) has been learning and adds a branch that starts
    /// at `born`: their rows.
    void inject(ParameterSet& parameters, std::int64_t event, const std::vector<int>& units, const Values& born);
    /// Declares a branch without freezing anything, for reading a checkpoint.
    void addBranchStructure(ParameterSet& parameters, std::int64_t event, const std::vector<int>& units);
    /// Forgets all branches; the caller restores masks and truncates the parameter set.
    void dropBranches() { m_branches.clear(); }
    /// From now on frozen rows pass no gradient to x. No value changes. Not for a fast path.
    void stopGradientOfFrozen() { m_stopsGradient = true; }

    [[nodiscard]] const std::string& name() const { return m_name; }
    [[nodiscard]] Parameter* weight() const { return m_weight; }
    [[nodiscard]] Parameter* bias() const { return m_bias; }
    [[nodiscard]] const std::vector<Branch>& branches() const { return m_branches; }
    /// All rows that a unit is the sum of, compensation aside; the one that learns, or has learned last, is the last.
    [[nodiscard]] std::vector<Row> rowsOf(int unit) const;
    [[nodiscard]] std::int64_t units() const { return m_weight->value.size(0); }
    /// Row and bias of one unit.
    [[nodiscard]] std::int64_t parametersPerUnit() const { return m_weight->value.size(1) + 1; }

  private:
    void declareBranch(ParameterSet& parameters, std::int64_t event, const std::vector<int>& units, const Values& born);

    std::string m_name;
    Parameter* m_weight;
    Parameter* m_bias;
    /// The rows that learn, [out, in].
    [[nodiscard]] at::Tensor liveRows() const;

    std::vector<Branch> m_branches;
    bool m_stopsGradient = false;
};

} // namespace knife
