// SPDX-License-Identifier: GPL-3.0-or-later
// The recurrent half of an agent, with the gates of torch.nn.GRUCell:
// n = tanh(W_in x + b_in + r (W_hn h + b_hn)), h' = (1 - z) n + z h. The input's half, W_i x + b_i, is the caller's.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/nets/agents/agent.h"

namespace knife {

/// One step of some neurons: what their gates read of the input and of the memory [rows, 3 n], and the states [rows, n]
/// that their update gates carry on -> [rows, n].
[[nodiscard]] at::Tensor gruStep(const at::Tensor& inputGates, const at::Tensor& hiddenGates, const at::Tensor& own);

/// Gates in the order reset, update, candidate.
struct RecurrentGates {
    Parameter* weight = nullptr; ///< [3 H, H]
    Parameter* bias = nullptr;   ///< [3 H]

    /// Declares `<agent>.gru.recurrent.weight/bias`.
    RecurrentGates(const AgentMaterials& materials, std::int64_t hidden);

    /// W h + b: h [rows, H] -> [rows, 3 H].
    [[nodiscard]] at::Tensor read(const at::Tensor& h) const;
    /// One step: inputGates [rows, 3 H], h [rows, H] -> [rows, H].
    [[nodiscard]] at::Tensor step(const at::Tensor& inputGates, const at::Tensor& h) const;
    /// From zeros: inputGates [T, rows, 3 H] -> [T, rows, H].
    [[nodiscard]] at::Tensor unroll(const at::Tensor& inputGates) const;
    /// What the memory is at the start of an episode: zeros [rows, H].
    [[nodiscard]] at::Tensor zeros(std::int64_t rows) const;
};

/// Declares `<agent><part>`, drawn as torch.nn.Linear does.
[[nodiscard]] Parameter* declareWithin(const AgentMaterials& materials, const std::string& part,
                                       const std::vector<std::int64_t>& sizes, std::int64_t fanIn);

} // namespace knife
