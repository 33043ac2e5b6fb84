// SPDX-License-Identifier: GPL-3.0-or-later
// A network's structure and contents as a value: for undoing a surgery, and for taking composites out of a network.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "core/nets/factorized_net.h"

namespace knife {

struct NetState {
    /// Undefined tensors where the block has none.
    struct Block {
        at::Tensor value;
        at::Tensor mask;
        at::Tensor moment1;
        at::Tensor moment2;
        bool anyFrozen = false;
    };
    /// What one surgery added to one site or injectable layer: two blocks, its active and its compensation neurons, or
    /// clones and what they were born as.
    struct Branch {
        std::string site; ///< or the layer
        std::int64_t event = 0;
        std::vector<int> units;       ///< empty for a whole layer
        std::vector<int> groups = {}; ///< of clones (AgentGroups::groups); else empty
        bool operator==(const Branch&) const = default;
    };
    std::vector<Block> blocks;    ///< the first is the network as it was built, then two per branch
    std::vector<Branch> branches; ///< in the order of events, then of sites, then of layers
};

/// Declares a branch of that structure behind the others; false: the network has no such place.
[[nodiscard]] bool addBranch(FactorizedNet& net, const NetState::Branch& branch);
[[nodiscard]] NetState captureState(const FactorizedNet& net);
/// The branches alone; the first half of captureState().
[[nodiscard]] std::vector<NetState::Branch> branchesOf(const FactorizedNet& net);
/// Gives a network built from the same spec this structure and these contents. Parameters of branches may move.
void restoreState(FactorizedNet& net, const NetState& state);
/// Takes some of its branches out of a network; everything else keeps its values, masks and moments.
void takeOut(FactorizedNet& net, const std::vector<NetState::Branch>& dropped);

} // namespace knife
