// SPDX-License-Identifier: GPL-3.0-or-later
// A linear layer that plasticity can be injected into (Nikishin et al. 2023, arXiv 2305.15555):
//
//   y = (V + sum_e [VA_e - VC_e]) x + (c + sum_e [cA_e - cC_e])
//
// Before an injection V and c learn; then they are knowledge, and the newest VA, cA learn in their place. VC, cC are
// what VA, cA were born with. Because the layer is linear its branches are summed as weights: right after an injection
// the difference is +0 in every entry, and no output changes by a bit.
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
        Parameter* activeWeight = nullptr;
        Parameter* activeBias = nullptr;
        Parameter* compensationWeight = nullptr;
        Parameter* compensationBias = nullptr;
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

    /// Freezes what has been learning and adds a branch that starts at `born`.
    void inject(ParameterSet& parameters, std::int64_t event, const Values& born);
    /// Declares a branch without freezing anything, for reading a checkpoint.
    void addBranchStructure(ParameterSet& parameters, std::int64_t event);
    /// Forgets all branches; the caller restores masks and truncates the parameter set.
    void dropBranches() { m_branches.clear(); }

    [[nodiscard]] const std::string& name() const { return m_name; }
    [[nodiscard]] Parameter* weight() const { return m_weight; }
    [[nodiscard]] Parameter* bias() const { return m_bias; }
    [[nodiscard]] const std::vector<Branch>& branches() const { return m_branches; }

  private:
    void declareBranch(ParameterSet& parameters, std::int64_t event, const Values& born);

    std::string m_name;
    Parameter* m_weight;
    Parameter* m_bias;
    std::vector<Branch> m_branches;
};

} // namespace knife
