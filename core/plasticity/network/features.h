// SPDX-License-Identifier: GPL-3.0-or-later
// Activations as matrices whose rows all count.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "core/nets/site.h"
#include "core/plasticity/network/probe.h"

namespace knife {

/// Features of one place, [rows, H]: real rows only, evenly taken where there are more than `kFeatureRows`.
struct Features {
    std::string place; ///< name of the site, or "agent.memory"
    at::Tensor rows;
};

/// Ranks of a few thousand rows say what those of a hundred thousand do (Kumar et al. 2021 take 2048).
inline constexpr std::int64_t kFeatureRows = 4096;

/// One column per unit: of a composite, its live neuron.
[[nodiscard]] at::Tensor liveActivations(const Site& site, const SiteTap& tap);

/// Every site that the pass reached, and the agents' memory where it has no site of its own.
[[nodiscard]] std::vector<Features> featuresOf(const FactorizedNet& net, const ProbeBatch& probe,
                                               const NetReading& reading, const SiteTaps& taps);

/// What the layers before the sites read in one pass over the probe, by sites: [rows, d_in], rows taken as above, of
/// agents that decide nothing too. Undefined where a pass does not record it.
[[nodiscard]] std::vector<at::Tensor> siteInputs(const FactorizedNet& net, const ProbeBatch& probe);

} // namespace knife
