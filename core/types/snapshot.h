// SPDX-License-Identifier: GPL-3.0-or-later
// What the window shows of the networks at one update: an immutable value, the same live and from the store.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/types/clocks.h"
#include "core/types/env_view.h"
#include "core/types/run_state.h"

namespace knife {

/// One diagnostic over the units of one site, for example "rua". NaN: not measured for this unit.
struct UnitDiagnostic {
    std::string name;
    std::vector<float> values; ///< one per unit
    bool operator==(const UnitDiagnostic&) const = default;
};

/// The parts of one composite unit y_j = K_j + sum_e (A_je - C_je), as contributions to the consumers of the site.
/// Each figure is the root mean square over the valid rows of one batch and over consumer outputs.
struct CompositeInfo {
    int unit = 0;
    int events = 0;              ///< how many surgeries this unit has been through
    float knowledgeRms = 0.F;    ///< frozen: the unit as it was, plus the actives that later surgeries froze
    float activeRms = 0.F;       ///< trainable: the newest active neuron
    float compensationRms = 0.F; ///< frozen: what makes the sum start at zero
    float driftRms = 0.F;        ///< of active - compensation: how far the unit has moved since its newest surgery
    bool operator==(const CompositeInfo&) const = default;
};

struct SiteSnapshot {
    std::string name; ///< "agent.fc1", "mixer.hyper_w1", …
    int units = 0;
    bool acceptsComposites = false;
    std::string refusal; ///< why not, when it does not
    std::vector<UnitDiagnostic> diagnostics;
    std::vector<CompositeInfo> composites; ///< ascending by unit
    bool operator==(const SiteSnapshot&) const = default;

    /// The diagnostic of that name, or nullptr.
    [[nodiscard]] const UnitDiagnostic* find(const std::string& diagnostic) const {
        for (const UnitDiagnostic& candidate : diagnostics) {
            if (candidate.name == diagnostic) {
                return &candidate;
            }
        }
        return nullptr;
    }
};

/// All sites at one moment. This is what the store keeps as a neuron frame.
struct NeuronFrame {
    Clocks clocks;
    float staleBelow = 0.25F;   ///< RUA below this: stagnant
    float volatileAbove = 4.0F; ///< RUA above this: volatile
    std::vector<SiteSnapshot> sites;
    bool operator==(const NeuronFrame&) const = default;
};

/// What the run process answers to a snapshot request: the newest state, once.
struct Snapshot {
    RunState state = RunState::Idle;
    Clocks clocks;
    std::int64_t totalEnvSteps = 0; ///< budget of the run
    double envStepsPerS = 0.0;      ///< over the last few seconds
    double updatesPerS = 0.0;
    std::uint64_t memoryBytes = 0; ///< resident set of the run process
    std::string task;              ///< current task instance
    NeuronFrame neurons;           ///< frame of the newest finished window, possibly older than `clocks`
    EnvView env;
    bool operator==(const Snapshot&) const = default;
};

} // namespace knife
