// SPDX-License-Identifier: GPL-3.0-or-later
// Values that a network could have been built with: those it was, or those of another draw. Building it again from its
// spec gives either, so that nobody has to keep a copy of the initial weights.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/nets/factorized_net.h"
#include "core/plasticity/operations/operation.h"

namespace knife {

/// The spec's seed of a fresh draw: a function of the run's seed, what draws, and its count.
[[nodiscard]] std::uint64_t freshSeed(std::uint64_t seed, std::string_view drawer, std::int64_t count);

/// A network as `net` was built but for the seed: values only, on the CPU, without branches.
[[nodiscard]] std::unique_ptr<FactorizedNet> sourceNet(const FactorizedNet& net, std::uint64_t seed);
/// "fresh": of surgery number draws.event, the same for online and target network. "initial": as the net was built.
[[nodiscard]] std::unique_ptr<FactorizedNet> sourceNet(const FactorizedNet& net, const std::string& source,
                                                       const SurgeryDraws& draws);

/// Whether a parameter is one of these modules' ("agent", "mixer.v", "agent.head.bias") or below one.
[[nodiscard]] bool isWithin(std::string_view parameter, const std::vector<std::string>& modules);

/// ErrorCode::Usage when a plan names units, or a module that consists of branches alone.
[[nodiscard]] Result<void> checkWholeModules(const SurgeryPlan& plan, const FactorizedNet& net);

/// What the optimiser knows of a parameter whose every entry was rewritten. MeanFill: second moments their mean, first
/// moments 0. Nothing to do in a copied network.
void settleAllMoments(const Parameter& parameter, OptimiserPolicy policy);

} // namespace knife
