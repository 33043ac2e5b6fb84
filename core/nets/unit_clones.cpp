// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/nets/unit_clones.h"

#include <algorithm>
#include <iterator>
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

void UnitClones::add(ParameterSet& parameters, const std::string& name, std::int64_t event, const AgentGroups& groups,
                     const Parameter& weight) {
    const at::Device device = parameters.device();
    Event& added = m_events.emplace_back();
    added.event = event;
    added.groups = groups;
    for (std::size_t i = 0; i < groups.units.size(); ++i) {
        added.owners.insert(added.owners.end(), static_cast<std::size_t>(groups.clonesOf(i)), groups.units[i]);
    }
    const at::Tensor rows = weight.value.detach().index_select(0, indexTensor(added.owners, device)).cpu();
    added.rows = parameters.declare(name + ".clones", rows);
    parameters.seal(Trainability::Trainable);
    added.born = parameters.declare(name + ".born", rows);
    parameters.seal(Trainability::Frozen);

    m_levels.clear();
    for (int group = 1;; ++group) {
        Level level = levelOf(group, device);
        if (!level.units.defined()) {
            break;
        }
        m_levels.push_back(std::move(level));
    }
}

void UnitClones::clear() {
    m_events.clear();
    m_levels.clear();
}

bool UnitClones::has(int unit) const {
    return std::ranges::any_of(
        m_events, [unit](const Event& event) { return std::ranges::binary_search(event.groups.units, unit); });
}

std::vector<UnitClones::Row> UnitClones::rowsOf(int unit) const {
    std::vector<Row> rows;
    for (const Event& event : m_events) {
        for (std::size_t clone = 0; clone < event.owners.size(); ++clone) {
            if (event.owners[clone] == unit) {
                rows.push_back({event.rows, static_cast<std::int64_t>(clone)});
            }
        }
    }
    return rows;
}

UnitClones::Level UnitClones::levelOf(int group, at::Device device) const {
    std::vector<std::int64_t> units;
    std::vector<std::int64_t> clones;
    std::vector<at::Tensor> uses;
    std::int64_t firstClone = 0;
    for (const Event& event : m_events) {
        for (std::size_t i = 0; i < event.groups.units.size(); ++i) {
            const int count = event.groups.clonesOf(i);
            if (group <= count) {
                const std::span<const int> ofUnit = groupsOf(event.groups, i);
                units.push_back(event.groups.units[i]);
                clones.push_back(firstClone + group - 1);
                uses.push_back(at::tensor(std::vector<int>(ofUnit.begin(), ofUnit.end())) == group);
            }
            firstClone += count;
        }
    }
    if (units.empty()) {
        return {};
    }
    return {indexTensor(units, device), indexTensor(clones, device), at::stack(uses, 1).to(device)};
}

at::Tensor UnitClones::applied(const at::Tensor& x, const at::Tensor& z, const at::Tensor& weight,
                               const at::Tensor& bias) const {
    if (m_events.empty()) {
        return z;
    }
    std::vector<at::Tensor> rows;
    std::ranges::transform(m_events, std::back_inserter(rows), [](const Event& event) { return event.rows->value; });
    const at::Tensor allRows = at::cat(rows);
    at::Tensor result = z;
    for (const Level& level : m_levels) {
        const at::Tensor ownRows = weight.detach().index_select(0, level.units);
        const at::Tensor difference = allRows.index_select(0, level.clones) - ownRows;
        const at::Tensor ofUnits = bias.index_select(0, level.units);
        // The bias counts once in z; what is added here is 0 and carries its gradient.
        const at::Tensor cloned =
            z.detach().index_select(1, level.units) + at::linear(x, difference) + (ofUnits - ofUnits.detach());
        const at::Tensor own = result.index_select(1, level.units);
        const std::vector<std::int64_t> byAgent{-1, level.uses.size(0), level.uses.size(1)};
        const at::Tensor chosen = at::where(level.uses, cloned.view(byAgent), own.view(byAgent));
        result = result.index_copy(1, level.units, chosen.view(own.sizes()));
    }
    return result;
}

void UnitClones::freeze(ParameterSet& parameters, const std::vector<int>& units) const {
    for (const Event& event : m_events) {
        at::Tensor entries = at::zeros(event.rows->value.sizes(), at::kBool);
        for (std::size_t clone = 0; clone < event.owners.size(); ++clone) {
            if (std::ranges::binary_search(units, static_cast<int>(event.owners[clone]))) {
                entries.select(0, static_cast<std::int64_t>(clone)).fill_(true);
            }
        }
        if (entries.any().item<bool>()) {
            parameters.freeze(*event.rows, entries);
        }
    }
}

} // namespace knife
