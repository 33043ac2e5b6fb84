// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/nets/unit_clones.h"

#include <algorithm>
#include <span>
#include <utility>

#include <ATen/ATen.h>

namespace knife {

namespace {

std::span<const int> groupsOf(const AgentGroups& groups, std::size_t unitIndex) {
    const auto agents = static_cast<std::size_t>(groups.agents());
    return std::span(groups.groups).subspan(unitIndex * agents, agents);
}

at::Tensor indexTensor(const std::vector<std::int64_t>& indices, at::Device device) {
    return at::tensor(indices, at::kLong).to(device);
}

} // namespace

int AgentGroups::clonesOf(std::size_t unitIndex) const {
    return std::ranges::max(groupsOf(*this, unitIndex));
}

std::int64_t AgentGroups::clones() const {
    std::int64_t count = 0;
    for (std::size_t i = 0; i < units.size(); ++i) {
        count += clonesOf(i);
    }
    return count;
}

bool areSound(const AgentGroups& groups, std::int64_t agents) {
    if (groups.units.empty() || agents < 2 ||
        groups.groups.size() != groups.units.size() * static_cast<std::size_t>(agents)) {
        return false;
    }
    for (std::size_t i = 0; i < groups.units.size(); ++i) {
        const std::span<const int> ofUnit = groupsOf(groups, i);
        const int highest = std::ranges::max(ofUnit);
        if (highest < 1 || highest >= agents || std::ranges::min(ofUnit) < 0) {
            return false;
        }
        for (int group = 0; group < highest; ++group) {
            if (std::ranges::find(ofUnit, group) == ofUnit.end()) {
                return false;
            }
        }
    }
    return true;
}

UnitClones::UnitClones(ParameterSet& parameters, const std::string& name, std::int64_t event, AgentGroups groups,
                       const Parameter& weight)
    : m_event(event), m_groups(std::move(groups)) {
    int mostGroups = 0;
    for (std::size_t i = 0; i < m_groups.units.size(); ++i) {
        const int clones = m_groups.clonesOf(i);
        m_owners.insert(m_owners.end(), static_cast<std::size_t>(clones), m_groups.units[i]);
        mostGroups = std::max(mostGroups, clones);
    }
    const at::Device device = parameters.device();
    for (int group = 1; group <= mostGroups; ++group) {
        m_levels.push_back(levelOf(group, device));
    }
    const at::Tensor rows = weight.value.detach().index_select(0, owners(device)).cpu();
    m_rows = parameters.declare(name + ".clones", rows);
    parameters.seal(Trainability::Trainable);
    m_born = parameters.declare(name + ".born", rows);
    parameters.seal(Trainability::Frozen);
}

at::Tensor UnitClones::owners(at::Device device) const {
    return indexTensor(m_owners, device);
}

UnitClones::Level UnitClones::levelOf(int group, at::Device device) const {
    std::vector<std::int64_t> units;
    std::vector<std::int64_t> clones;
    std::vector<at::Tensor> uses;
    std::int64_t firstClone = 0;
    for (std::size_t i = 0; i < m_groups.units.size(); ++i) {
        const int count = m_groups.clonesOf(i);
        if (group <= count) {
            const std::span<const int> ofUnit = groupsOf(m_groups, i);
            units.push_back(m_groups.units[i]);
            clones.push_back(firstClone + group - 1);
            uses.push_back(at::tensor(std::vector<int>(ofUnit.begin(), ofUnit.end())) == group);
        }
        firstClone += count;
    }
    return {indexTensor(units, device), indexTensor(clones, device), at::stack(uses, 1).to(device)};
}

at::Tensor UnitClones::applied(const at::Tensor& x, const at::Tensor& z, const at::Tensor& weight,
                               const at::Tensor& bias) const {
    at::Tensor result = z;
    for (const Level& level : m_levels) {
        const at::Tensor ownRows = weight.detach().index_select(0, level.units);
        const at::Tensor difference = m_rows->value.index_select(0, level.clones) - ownRows;
        const at::Tensor ofUnits = bias.index_select(0, level.units);
        // The bias counts once in z; what is added here is 0 and carries its gradient.
        const at::Tensor cloned =
            z.detach().index_select(1, level.units) + at::linear(x, difference) + (ofUnits - ofUnits.detach());
        const at::Tensor own = result.index_select(1, level.units);
        const std::int64_t cycles = z.size(0) / m_groups.agents();
        const at::Tensor chosen = at::where(level.uses.repeat({cycles, 1}), cloned, own);
        result = result.index_copy(1, level.units, chosen);
    }
    return result;
}

void UnitClones::freeze(ParameterSet& parameters, const std::vector<int>& units) const {
    at::Tensor entries = at::zeros(m_rows->value.sizes(), at::kBool);
    for (std::size_t clone = 0; clone < m_owners.size(); ++clone) {
        if (std::ranges::binary_search(units, static_cast<int>(m_owners[clone]))) {
            entries.select(0, static_cast<std::int64_t>(clone)).fill_(true);
        }
    }
    if (entries.any().item<bool>()) {
        parameters.freeze(*m_rows, entries);
    }
}

} // namespace knife
