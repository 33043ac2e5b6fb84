// SPDX-License-Identifier: GPL-3.0-or-later
// The contract of a diagnostic of whole networks. It looks at a probe of recent episodes and never takes part in
// training: with and without it, a run's weights are the same bit for bit.
//
// A new one is a file in this folder, its name in the room's CMakeLists.txt, one line in registry.cpp and one in
// networkDiagnosticNames() (core/config/experiment.h).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/config/experiment.h"
#include "core/nets/factorized_net.h"
#include "core/plasticity/network/probe.h"
#include "core/types/error.h"

namespace knife {

/// A step of a new optimiser with the run's own settings, clipping included: parameters move by their gradients.
using OptimiserStep = std::function<void(ParameterSet&)>;

/// What one report looks at. Nothing of it may be changed; whoever wants gradients takes a private copy (net_copy.h).
struct NetworkContext {
    const NetSpec& spec; ///< of the run, by which copies and the initial network are built
    const FactorizedNet& online;
    const FactorizedNet& target;
    const ProbeBatch& probe;
    const NetReading& reading; ///< of the online network
    const TdReading& td;       ///< of the same pass
    std::int64_t update = 0;   ///< learner updates so far
    std::uint64_t seed = 0;    ///< of the run
    std::function<OptimiserStep()> newOptimiser;
};

/// One figure. Names are paths as metrics have them: "rank/agent.fc1/srank". Values that are not finite are not stored.
struct NetworkValue {
    std::string name;
    double value = 0.0;
};

/// What a diagnostic keeps between its calls and a checkpoint has to hold.
struct DiagnosticMemory {
    std::string diagnostic;
    std::int64_t update = -1;       ///< when it was taken; -1: nothing is kept
    std::vector<at::Tensor> values; ///< flat float32 on the CPU, one per parameter block of the online network
};

class NetworkDiagnostic {
  public:
    virtual ~NetworkDiagnostic() = default;
    /// Measures, and may keep something for the next call.
    [[nodiscard]] virtual Result<std::vector<NetworkValue>> measure(const NetworkContext& context) = 0;

    /// Whether it wants to look again after this update, between its scheduled calls; afterUpdate() is then called.
    [[nodiscard]] virtual bool isDue(std::int64_t /*update*/) const { return false; }
    [[nodiscard]] virtual Result<std::vector<NetworkValue>> afterUpdate(const NetworkContext& /*context*/) {
        return std::vector<NetworkValue>{};
    }

    [[nodiscard]] virtual DiagnosticMemory memory() const { return {}; }
    virtual void restore(DiagnosticMemory /*memory*/) {}
};

/// Requires a name out of networkDiagnosticNames().
[[nodiscard]] std::unique_ptr<NetworkDiagnostic> makeNetworkDiagnostic(const std::string& name,
                                                                       const DiagnosticsConfig& config);
/// What the registry holds, in its order.
[[nodiscard]] std::vector<std::string> registeredNetworkDiagnostics();

} // namespace knife
