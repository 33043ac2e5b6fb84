// SPDX-License-Identifier: GPL-3.0-or-later
// Units whose incoming row differs between groups of agents, as GradPS has it (xmu-rl-3dv/GradPS): group 0 goes on with
// the unit's own row, every other group with a clone of it. Bias and outgoing weights stay shared.
//
//   z_j = w_j x + b_j                 for agents of group 0
//   z_j = w_j x + (C - w_j) x + b_j   for agents of the group of clone C, w_j counting as a constant
//
// At birth C - w_j is +0 in every entry, so that no value changes by a bit. Later C learns from its own group's rows
// alone and w_j from group 0's.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "core/nets/parameters.h"

namespace knife {

/// Which agents share a row, unit by unit.
struct AgentGroups {
    std::vector<int> units;  ///< ascending, no repeats
    std::vector<int> groups; ///< [units x agents], from 0 on without a gap
    [[nodiscard]] std::int64_t agents() const {
        return static_cast<std::int64_t>(groups.size() / std::max<std::size_t>(units.size(), 1));
    }
    /// Groups of one unit beyond the first: its clones.
    [[nodiscard]] int clonesOf(std::size_t unitIndex) const;
    /// Clones of all units.
    [[nodiscard]] std::int64_t clones() const;
    bool operator==(const AgentGroups&) const = default;
};

/// Whether every unit has a group for each of so many agents, and at least two of them without a gap.
[[nodiscard]] bool areSound(const AgentGroups& groups, std::int64_t agents);

/// All clones of one layer. No unit has them from two surgeries.
class UnitClones {
  public:
    /// What one surgery made.
    struct Event {
        std::int64_t event = 0;
        AgentGroups groups;
        std::vector<std::int64_t> owners; ///< [clones]: their units
        Parameter* rows = nullptr;        ///< [clones, d_in]
        Parameter* born = nullptr;        ///< as they began
    };

    /// One clone.
    struct Row {
        Parameter* rows = nullptr;
        std::int64_t row = 0;
    };

    /// Declares `<name>.clones` [clones, d_in], trainable, and `<name>.born`, frozen, as copies of the rows of
    /// `weight`.
    void add(ParameterSet& parameters, const std::string& name, std::int64_t event, const AgentGroups& groups,
             const Parameter& weight);
    /// Forgets all; the caller truncates the parameter set.
    void clear();

    /// z [rows, units] of x [rows, d_in] with the clones in force. Rows cycle through the agents. Differentiable in
    /// everything but x: a layer with clones reads raw inputs.
    [[nodiscard]] at::Tensor applied(const at::Tensor& x, const at::Tensor& z, const at::Tensor& weight,
                                     const at::Tensor& bias) const;
    /// Freezes the clones of some units (ascending).
    void freeze(ParameterSet& parameters, const std::vector<int>& units) const;

    [[nodiscard]] const std::vector<Event>& events() const { return m_events; }
    [[nodiscard]] bool empty() const { return m_events.empty(); }
    [[nodiscard]] bool has(int unit) const;
    /// The clones of one unit.
    [[nodiscard]] std::vector<Row> rowsOf(int unit) const;

  private:
    // The clones of one group number over all events: at most one per unit.
    struct Level {
        at::Tensor units;  ///< [n]
        at::Tensor clones; ///< [n], rows of all events' clones one after another
        at::Tensor uses;   ///< [agents, n], whether the agent belongs to the group
    };
    [[nodiscard]] Level levelOf(int group, at::Device device) const;

    std::vector<Event> m_events;
    std::vector<Level> m_levels; ///< groups 1, 2, …
};

} // namespace knife
