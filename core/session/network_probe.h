// SPDX-License-Identifier: GPL-3.0-or-later
// Shows the trainer's networks and its newest episodes to the diagnostics of whole networks. Training thread.
#pragma once

#include <cstdint>
#include <vector>

#include "core/learning/batch.h"
#include "core/learning/learner.h"
#include "core/learning/replay.h"
#include "core/plasticity/network/network_diagnostics.h"
#include "core/session/run_plan.h"

namespace knife {

class NetworkProbe {
  public:
    /// `spec` is what the learner's networks were built from; `learner` and `replay` must outlive the probe.
    NetworkProbe(const RunPlan& plan, NetSpec spec, const Learner& learner, const Replay& replay);

    /// Whether look() would measure anything: never while there are no episodes.
    [[nodiscard]] bool isDue(ProbeOccasion occasion, std::int64_t update) const;
    /// The episodes that a report after that many updates is about. Requires an episode.
    [[nodiscard]] ProbeBatch gather(std::int64_t update) const;
    /// What the sites of the learner's online or target network read there; empty while there are no episodes.
    [[nodiscard]] std::vector<at::Tensor> siteInputs(const FactorizedNet& net, std::int64_t update) const;
    /// Changes nothing that training reads.
    [[nodiscard]] NetworkReport look(ProbeOccasion occasion, std::int64_t update);

    [[nodiscard]] NetworkDiagnostics& diagnostics() { return m_diagnostics; }
    [[nodiscard]] const NetworkDiagnostics& diagnostics() const { return m_diagnostics; }

  private:
    [[nodiscard]] Batch newest(std::int64_t update) const;
    [[nodiscard]] ProbeBatch probeOf(const Batch& batch, const NetPass& online) const;

    DiagnosticsConfig m_config;
    LearningConfig m_learning;
    EnvSpec m_env;
    InputLayout m_layout;
    NetSpec m_spec;
    const Learner& m_learner;
    const Replay& m_replay;
    NetworkDiagnostics m_diagnostics;
};

} // namespace knife
