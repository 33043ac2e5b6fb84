// SPDX-License-Identifier: GPL-3.0-or-later
// The units of a GRU cell as places for composites. A unit owns one row in each gate's block of the input's and of the
// recurrent weights, and the scalar state that its own update gate carries on. A composite is three such neurons: the
// unit as it was (knowledge K, in its rows of the cell, frozen), an active one (A, learns) and A as it was born
// (compensation C, frozen). Each has its own state; all three read the same input x_t and the same vector h_{t-1}:
//
//   s_i,t = (1 - z_i,t) n_i,t + z_i,t s_i,t-1,  gates of i in {K, A, C} from x_t and h_{t-1},
//   h_t   = s_K,t + sum_e (s_Ae,t - s_Ce,t),  which the head and every gate read.
//
// A and C start an episode at 0. As they are evaluated by kernels of equal shape on equal values, s_A - s_C is exactly
// +0 at every step until A is first updated. Outgoing weights, the unit's columns of the recurrent weights and of the
// head, are shared by the three and go on learning.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "core/nets/composite_linear.h"
#include "core/nets/parameters.h"

namespace knife {

constexpr std::int64_t kGruGates = 3; ///< reset, update, candidate, in this order

/// The rows of `count` neurons of a GRU cell; that of gate g and neuron k is row g * count + k.
struct GruRows {
    Parameter* input = nullptr;         ///< [3 count, d_in]
    Parameter* inputBias = nullptr;     ///< [3 count]
    Parameter* recurrent = nullptr;     ///< [3 count, H]
    Parameter* recurrentBias = nullptr; ///< [3 count]
    std::int64_t count = 0;
    [[nodiscard]] std::array<Parameter*, 4> all() const { return {input, inputBias, recurrent, recurrentBias}; }
};

/// What the surgery `event` added to a cell.
struct GruBranch {
    std::int64_t event = 0;
    std::vector<int> units;       ///< owners, ascending; neuron k of the branch belongs to units[k]
    std::vector<char> superseded; ///< per neuron: a later event froze its active neuron (it is knowledge now)
    GruRows active;
    GruRows compensation;
};

class GruUnits {
  public:
    /// Values of some neurons' rows, in the order of GruRows::all().
    using Values = std::array<at::Tensor, 4>;
    /// Where the trainable rows of a unit are.
    struct Live {
        const GruRows& rows;
        std::int64_t neuron = 0;
    };

    /// `cell`: the rows of all units. `feeder`: the layer whose outgoing weights cell.input is, if it may hold
    /// composites; their weights into a gate belong to its row. It must outlive this.
    GruUnits(std::string name, const GruRows& cell, const CompositeLinear* feeder);
    GruUnits(const GruUnits&) = delete; // networks refer to it by address
    GruUnits& operator=(const GruUnits&) = delete;

    /// Makes composites of these units (ascending, no repeats): freezes their live rows, then adds a branch whose
    /// active and compensation neurons both start at `born`.
    void addComposites(ParameterSet& parameters, std::int64_t event, const std::vector<int>& units, const Values& born);
    /// Declares a branch of the same structure without freezing anything, for reading a checkpoint.
    void addBranchStructure(ParameterSet& parameters, std::int64_t event, const std::vector<int>& units);
    /// Forgets all branches; the caller restores masks and truncates the parameter set.
    void dropBranches() { m_branches.clear(); }
    /// From now on frozen neurons pass no gradient to what they read. No value changes.
    void stopGradientOfFrozen() { m_stopsGradient = true; }
    [[nodiscard]] bool stopsGradient() const { return m_stopsGradient; }

    [[nodiscard]] const GruRows& cell() const { return m_cell; }
    [[nodiscard]] const CompositeLinear* feeder() const { return m_feeder; }
    [[nodiscard]] const std::vector<GruBranch>& branches() const { return m_branches; }
    [[nodiscard]] Live live(int unit) const;
    /// Rows and biases of all gates of one neuron.
    [[nodiscard]] std::int64_t parametersPerUnit() const;

  private:
    void freeze(ParameterSet& parameters, const GruRows& rows, const std::vector<std::int64_t>& neurons) const;
    void supersede(const std::vector<int>& units);
    void declareBranch(ParameterSet& parameters, std::int64_t event, const std::vector<int>& units, const Values& born);

    std::string m_name;
    GruRows m_cell;
    const CompositeLinear* m_feeder;
    std::vector<GruBranch> m_branches;
    bool m_stopsGradient = false;
};

} // namespace knife
