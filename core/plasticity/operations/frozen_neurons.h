// SPDX-License-Identifier: GPL-3.0-or-later
// The frozen neurons of a layer's composites as values, and the layer with fewer of them: knowledge neurons, active
// neurons that a later surgery made knowledge, and compensation neurons.
#pragma once

#include <cstdint>
#include <vector>

#include "core/nets/factorized_net.h"
#include "core/plasticity/operations/neuron_draw.h"

namespace knife {

/// n neurons that together add sum_i out_i relu(in_i x + bias_i) to what the layer's consumer reads.
struct FrozenNeurons {
    Neurons neurons;               ///< float64, in the CPU's memory; compensation neurons with the sign of `out` turned
    std::vector<int> owners;       ///< the unit that each belongs to
    std::vector<char> compensates; ///< whether it is a compensation neuron
    [[nodiscard]] std::size_t size() const { return owners.size(); }
};

/// Units that are composites, ascending.
[[nodiscard]] std::vector<int> compositesOf(const CompositeLinear& layer);
/// In an order that follows from the structure alone: the same for an online and its target network.
[[nodiscard]] FrozenNeurons frozenNeurons(const CompositeLinear& layer);
/// Some of them, in the given order.
[[nodiscard]] FrozenNeurons choose(const FrozenNeurons& all, const std::vector<std::int64_t>& which);
/// The first ones, then the others.
[[nodiscard]] FrozenNeurons join(const FrozenNeurons& first, const FrozenNeurons& second);

/// Neurons that share a place in branches: each has room for two frozen ones beside a live one.
[[nodiscard]] std::int64_t columnsFor(std::size_t frozen);
[[nodiscard]] std::int64_t columnsOf(const CompositeLinear& layer);

/// Leaves these as the only frozen neurons of a site and adds `shift` [d_out] to the bias of what reads it. Live
/// neurons keep weights, masks and moments, but a unit without frozen neurons is no composite any more. Requires
/// columnsFor(kept.size()) < columnsOf(the site). The new structure follows from `kept.owners` and `kept.compensates`
/// alone. A neuron that finds no place with its owner gets another composite's; compensation neurons that go leave
/// their incoming weights behind, which say how the active neuron began.
void keepFrozen(FactorizedNet& net, const Site& site, const FrozenNeurons& kept, const at::Tensor& shift);

} // namespace knife
