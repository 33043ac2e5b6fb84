// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/plasticity/operations/frozen_neurons.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include <ATen/ATen.h>

#include "core/nets/live_unit.h"
#include "core/plasticity/net_state.h"

namespace knife {

namespace {

// Where one neuron of a layer is.
struct Place {
    const Parameter* in = nullptr;
    const Parameter* bias = nullptr;
    const Parameter* out = nullptr;
    std::int64_t index = 0; ///< row of `in` and `bias`, column of `out`
    int owner = 0;
    bool compensates = false;
};

// Knowledge before compensation of each branch, oldest first.
std::vector<Place> frozenPlaces(const CompositeLinear& layer) {
    std::vector<Place> places;
    std::vector<char> seen(static_cast<std::size_t>(layer.shape().hidden), 0);
    for (const CompositeBranch& branch : layer.branches()) {
        for (std::size_t k = 0; k < branch.units.size(); ++k) {
            const int unit = branch.units[k];
            const auto column = static_cast<std::int64_t>(k);
            if (std::exchange(seen[static_cast<std::size_t>(unit)], 1) == 0) {
                places.push_back({layer.weight(), layer.bias(), layer.out(), unit, unit, false});
            }
            if (branch.superseded[k] != 0) {
                places.push_back({branch.activeIn, branch.activeBias, branch.activeOut, column, unit, false});
            }
            places.push_back(
                {branch.compensationIn, branch.compensationBias, branch.compensationOut, column, unit, true});
        }
    }
    return places;
}

at::Tensor rowAt(const Place& place, const Parameter* parameter) {
    return parameter->value.detach().select(parameter == place.out ? 1 : 0, place.index);
}

// Values, mask and moments of the live neuron of every unit, in this order; a network that is copied has values alone.
using Member = at::Tensor Parameter::*;
constexpr Member kMembers[] = {&Parameter::value, &Parameter::mask, &Parameter::moment1, &Parameter::moment2};

template <typename Visit>
void eachLivePart(const Site& site, const Visit& visit) {
    for (int unit = 0; unit < site.units; ++unit) {
        const LiveUnit live = liveUnit(site, unit);
        for (const Member member : kMembers) {
            if (!(live.weight->*member).defined()) {
                continue;
            }
            visit((live.weight->*member).detach().select(0, live.row));
            visit((live.bias->*member).detach().select(0, live.row));
            visit((live.outgoing.front().weight->*member).detach().select(1, live.outgoing.front().column));
        }
    }
}

// Branches that have that many columns together: as many as possible with all composites, then one with those that own
// most.
std::vector<std::vector<int>> unitsOfBranches(const FrozenNeurons& kept, std::vector<int> composites) {
    const auto columns = static_cast<std::size_t>(columnsFor(kept.size()));
    std::vector<std::vector<int>> branches(columns / composites.size(), composites);
    if (const std::size_t rest = columns % composites.size(); rest > 0) {
        std::ranges::stable_sort(composites, std::greater<>{},
                                 [&](int unit) { return std::ranges::count(kept.owners, unit); });
        composites.resize(rest);
        std::ranges::sort(composites);
        branches.push_back(std::move(composites));
    }
    return branches;
}

NetState::Block blankLike(const NetState::Block& old, std::int64_t size) {
    const auto filled = [size](const at::Tensor& like, double value) {
        return like.defined() ? at::full({size}, value, like.options()) : at::Tensor();
    };
    return {filled(old.value, 0.0), filled(old.mask, 1.0), filled(old.moment1, 0.0), filled(old.moment2, 0.0), false};
}

// The site's branches become these, empty, under the names of its newest events: blocks are in the order of events.
void restructure(FactorizedNet& net, const Site& site, const std::vector<std::vector<int>>& branches) {
    const CompositeLinear::Shape shape = site.composite->shape();
    NetState state = captureState(net);
    NetState changed{.blocks = {state.blocks.front()}, .branches = {}};
    std::size_t superfluous = site.composite->branches().size() - branches.size();
    auto next = branches.begin();
    for (std::size_t i = 0; i < state.branches.size(); ++i) {
        const NetState::Block& active = state.blocks[1 + 2 * i];
        const NetState::Block& compensation = state.blocks[2 + 2 * i];
        if (state.branches[i].site != site.name) {
            changed.branches.push_back(state.branches[i]);
            changed.blocks.insert(changed.blocks.end(), {active, compensation});
        } else if (superfluous > 0) {
            --superfluous;
        } else {
            const auto size = static_cast<std::int64_t>(next->size()) * (shape.in + 1 + shape.out);
            changed.branches.push_back({site.name, state.branches[i].event, *next++});
            changed.blocks.insert(changed.blocks.end(), {blankLike(active, size), blankLike(compensation, size)});
        }
    }
    restoreState(net, changed);
}

// Which of the neurons goes to each place, -1: none. With their owners first, then wherever there is room.
std::vector<std::int64_t> seat(const FrozenNeurons& kept, const std::vector<Place>& places) {
    std::vector<std::int64_t> seated(places.size(), -1);
    std::vector<std::int64_t> standing;
    const auto sit = [&](std::int64_t neuron, const auto& fits) {
        for (std::size_t p = 0; p < places.size(); ++p) {
            if (seated[p] < 0 && fits(places[p])) {
                seated[p] = neuron;
                return true;
            }
        }
        return false;
    };
    for (std::size_t i = 0; i < kept.size(); ++i) {
        const auto neuron = static_cast<std::int64_t>(i);
        const bool home = sit(neuron, [&](const Place& place) {
            return place.owner == kept.owners[i] && place.compensates == (kept.compensates[i] != 0);
        });
        if (!home) {
            standing.push_back(neuron);
        }
    }
    for (const std::int64_t neuron : standing) {
        (void)sit(neuron, [](const Place&) { return true; }); // there is room: columnsFor()
    }
    return seated;
}

// How the active neurons of composites began, as far as it is known: incoming weights and bias by unit.
using Births = std::map<int, std::pair<at::Tensor, at::Tensor>>;

Births birthsOf(const CompositeLinear& layer) {
    Births births;
    for (const Place& place : frozenPlaces(layer)) {
        if (place.compensates) {
            births[place.owner] = {rowAt(place, place.in).clone(), rowAt(place, place.bias).clone()};
        }
    }
    return births;
}

void fillFrozen(const CompositeLinear& layer, const FrozenNeurons& kept, const Births& births) {
    const std::vector<Place> places = frozenPlaces(layer);
    const std::vector<std::int64_t> seated = seat(kept, places);
    for (std::size_t p = 0; p < places.size(); ++p) {
        const Place& place = places[p];
        if (seated[p] >= 0) {
            const at::Tensor out = kept.neurons.out.select(1, seated[p]);
            rowAt(place, place.in).copy_(kept.neurons.in.select(0, seated[p]));
            rowAt(place, place.bias).copy_(kept.neurons.bias.select(0, seated[p]));
            rowAt(place, place.out).copy_(place.compensates ? -out : out);
        } else {
            rowAt(place, place.out).zero_();
            if (const auto born = births.find(place.owner); place.compensates && born != births.end()) {
                rowAt(place, place.in).copy_(born->second.first);
                rowAt(place, place.bias).copy_(born->second.second);
            }
        }
        for (const Member member : {&Parameter::mask, &Parameter::moment1, &Parameter::moment2}) {
            if ((place.in->*member).defined()) {
                (place.in->*member).select(0, place.index).zero_();
                (place.bias->*member).select(0, place.index).zero_();
                (place.out->*member).select(1, place.index).zero_();
            }
        }
    }
}

} // namespace

std::vector<int> compositesOf(const CompositeLinear& layer) {
    std::set<int> units;
    for (const CompositeBranch& branch : layer.branches()) {
        units.insert(branch.units.begin(), branch.units.end());
    }
    return {units.begin(), units.end()};
}

FrozenNeurons frozenNeurons(const CompositeLinear& layer) {
    const at::NoGradGuard noGrad;
    FrozenNeurons frozen;
    std::vector<at::Tensor> in;
    std::vector<at::Tensor> bias;
    std::vector<at::Tensor> out;
    for (const Place& place : frozenPlaces(layer)) {
        frozen.owners.push_back(place.owner);
        frozen.compensates.push_back(place.compensates ? 1 : 0);
        in.push_back(rowAt(place, place.in));
        bias.push_back(rowAt(place, place.bias));
        out.push_back(place.compensates ? -rowAt(place, place.out) : rowAt(place, place.out));
    }
    const auto stacked = [](const std::vector<at::Tensor>& rows, std::int64_t dimension) {
        return at::stack(rows, dimension).cpu().to(at::kDouble);
    };
    if (!in.empty()) {
        frozen.neurons = {stacked(in, 0), stacked(bias, 0), stacked(out, 1)};
    }
    return frozen;
}

FrozenNeurons choose(const FrozenNeurons& all, const std::vector<std::int64_t>& which) {
    const at::Tensor index = at::tensor(which, at::kLong);
    FrozenNeurons chosen{.neurons = {all.neurons.in.index_select(0, index), all.neurons.bias.index_select(0, index),
                                     all.neurons.out.index_select(1, index)},
                         .owners = {},
                         .compensates = {}};
    for (const std::int64_t i : which) {
        chosen.owners.push_back(all.owners[static_cast<std::size_t>(i)]);
        chosen.compensates.push_back(all.compensates[static_cast<std::size_t>(i)]);
    }
    return chosen;
}

FrozenNeurons join(const FrozenNeurons& first, const FrozenNeurons& second) {
    FrozenNeurons joined = first;
    joined.neurons = {at::cat({first.neurons.in, second.neurons.in}),
                      at::cat({first.neurons.bias, second.neurons.bias}),
                      at::cat({first.neurons.out, second.neurons.out}, 1)};
    joined.owners.insert(joined.owners.end(), second.owners.begin(), second.owners.end());
    joined.compensates.insert(joined.compensates.end(), second.compensates.begin(), second.compensates.end());
    return joined;
}

std::int64_t columnsFor(std::size_t frozen) {
    return static_cast<std::int64_t>((frozen + 1) / 2);
}

std::int64_t columnsOf(const CompositeLinear& layer) {
    std::int64_t columns = 0;
    for (const CompositeBranch& branch : layer.branches()) {
        columns += static_cast<std::int64_t>(branch.units.size());
    }
    return columns;
}

void keepFrozen(FactorizedNet& net, const Site& site, const FrozenNeurons& kept, const at::Tensor& shift) {
    const at::NoGradGuard noGrad;
    const CompositeLinear& layer = *site.composite;
    TORCH_INTERNAL_ASSERT(columnsFor(kept.size()) < columnsOf(layer));
    std::vector<at::Tensor> live;
    eachLivePart(site, [&](const at::Tensor& part) { live.push_back(part.clone()); });
    const Births births = birthsOf(layer);
    restructure(net, site, unitsOfBranches(kept, compositesOf(layer)));
    fillFrozen(layer, kept, births);
    auto next = live.begin();
    eachLivePart(site, [&next](const at::Tensor& part) { part.copy_(*next++); });
    layer.outBiasParameter()->value.detach().add_(shift.to(layer.outBiasParameter()->value.options()));
    for (ParameterBlock& block : net.parameters().blocks()) {
        block.anyFrozen = block.mask.defined() && block.mask.eq(0.0).any().item<bool>();
    }
}

} // namespace knife
