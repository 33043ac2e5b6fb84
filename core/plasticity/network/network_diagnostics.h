// SPDX-License-Identifier: GPL-3.0-or-later
// The diagnostics of whole networks that one run has asked for, and when they look. Training thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/plasticity/network/diagnostic.h"

namespace knife {

/// When a report is made.
enum class ProbeOccasion : std::uint8_t {
    Evaluation, ///< after greedy episodes: diagnostics.per_evaluation
    TaskBegins, ///< before the first update on a task: diagnostics.per_task
    TaskEnds,   ///< before the interventions of a switch, and at the end of the run: what Evaluation did not measure
    Update,     ///< between two of the others, for diagnostics that compare weights at a distance
};

struct NetworkReport {
    std::vector<NetworkValue> values;
    std::vector<Error> failures; ///< one per diagnostic that could not be measured; training goes on
};

class NetworkDiagnostics {
  public:
    /// Requires that all names are known; the reader of experiment files has checked them.
    explicit NetworkDiagnostics(const DiagnosticsConfig& config);

    /// Whether anything would be measured after that many updates. Cheap: asked at every update.
    [[nodiscard]] bool isDue(ProbeOccasion occasion, std::int64_t update) const;
    [[nodiscard]] NetworkReport report(ProbeOccasion occasion, const NetworkContext& context);

    /// For checkpoints; of diagnostics that keep nothing, nothing.
    [[nodiscard]] std::vector<DiagnosticMemory> memories() const;
    /// Memories of diagnostics that are not asked for are forgotten.
    void restore(std::vector<DiagnosticMemory> memories);

  private:
    struct Entry {
        std::string name;
        bool perEvaluation = false;
        bool perTask = false;
        std::unique_ptr<NetworkDiagnostic> diagnostic;
        [[nodiscard]] bool acts(ProbeOccasion occasion, std::int64_t update) const;
    };
    std::vector<Entry> m_entries;
};

} // namespace knife
