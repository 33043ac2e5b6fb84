// SPDX-License-Identifier: GPL-3.0-or-later
// A GRU cell that holds composites (gru_units.h), evaluated: whole episodes, or one step after the other. Without
// composites RecurrentGates does the same with less.
#pragma once

#include <vector>

#include <ATen/core/Tensor.h>

#include "core/nets/agents/gru_cell.h"
#include "core/nets/gru_units.h"

namespace knife {

/// What the gates read of the input, at one step or at all of them.
struct GateInput {
    at::Tensor gates;    ///< [..., 3 H]: W_i x + b_i of all units
    at::Tensor features; ///< [..., d_in]: x, what the gates of active and compensation neurons read
};

class GruSequence {
  public:
    /// Both must outlive this; it is good until branches come or go.
    GruSequence(const RecurrentGates& gates, const GruUnits& units);

    /// From the start of an episode: gates [T, rows, 3 H], features [T, rows, d_in] -> h [T, rows, H]. Differentiable.
    [[nodiscard]] at::Tensor unroll(const GateInput& input) const;
    /// One step: gates [rows, 3 H], features [rows, d_in] -> h [rows, H]. `memory` [rows, ...] holds the states of all
    /// neurons: those of the cell, then active and compensation neurons of one event after another. A memory from
    /// before a surgery, or before its undoing, goes on: new neurons start at 0.
    [[nodiscard]] at::Tensor step(const GateInput& input, at::Tensor& memory) const;

  private:
    struct State {
        at::Tensor own; ///< [rows, H], of the neurons in the cell's rows
        struct Pair {
            at::Tensor active;       ///< [rows, n]
            at::Tensor compensation; ///< [rows, n]
        };
        std::vector<Pair> pairs; ///< one per branch
    };
    /// Of a memory that lacks the newest branches, or has some too many: what there is, the rest 0.
    [[nodiscard]] State unpack(const at::Tensor& memory) const;
    /// The input's part of the gates of every branch.
    [[nodiscard]] std::vector<State::Pair> branchGates(const at::Tensor& features) const;
    /// h of a state.
    [[nodiscard]] at::Tensor visible(const State& state) const;
    /// From the state that gave h to the next one; gives its h.
    [[nodiscard]] at::Tensor advance(State& state, const at::Tensor& h, const at::Tensor& gates,
                                     const std::vector<State::Pair>& branchGates) const;

    const RecurrentGates& m_gates;
    const GruUnits& m_units;
    std::vector<at::Tensor> m_owners; ///< per branch: the indices of its units
    // Where gradients are not to pass frozen neurons; else empty:
    std::vector<std::int64_t> m_knowledge;               ///< gates of composites in the cell's rows
    std::vector<std::vector<std::int64_t>> m_superseded; ///< per branch: gates of active neurons that are knowledge now
};

} // namespace knife
