// SPDX-License-Identifier: GPL-3.0-or-later
#include <algorithm>
#include <array>

#include "core/plasticity/network/catalogue.h"

namespace knife {

namespace {

struct Entry {
    const char* name;
    std::unique_ptr<NetworkDiagnostic> (*make)(const DiagnosticsConfig&);
};

constexpr std::array<Entry, 7> kEntries{{{"ranks", makeRanks},
                                         {"weights", makeWeights},
                                         {"behaviour", makeBehaviour},
                                         {"churn", makeChurn},
                                         {"gradient_covariance", makeGradientCovariance},
                                         {"ntk", makeNtk},
                                         {"trainability", makeTrainability}}};

} // namespace

std::unique_ptr<NetworkDiagnostic> makeNetworkDiagnostic(const std::string& name, const DiagnosticsConfig& config) {
    const auto* entry = std::ranges::find_if(kEntries, [&](const Entry& known) { return known.name == name; });
    return entry != kEntries.end() ? entry->make(config) : nullptr;
}

std::vector<std::string> registeredNetworkDiagnostics() {
    std::vector<std::string> names;
    for (const Entry& entry : kEntries) {
        names.emplace_back(entry.name);
    }
    return names;
}

} // namespace knife
