// SPDX-License-Identifier: GPL-3.0-or-later
// Takes branches out of a network that add exactly nothing: every active neuron of theirs was made knowledge by a later
// surgery before its first update, and so still equals its compensation neuron bit for bit; layers that plasticity is
// injected into alike. Exact, because what is taken out is a sum of +0.
#pragma once

#include "core/nets/factorized_net.h"

namespace knife {

/// Judged on the online network, done to both. Parameters of branches may move.
void cancelPairs(FactorizedNet& online, FactorizedNet& target);

} // namespace knife
