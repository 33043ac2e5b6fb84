// SPDX-License-Identifier: GPL-3.0-or-later
// A learner with a replay buffer of made-up episodes, as diagnostics of whole networks see them in a run.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "core/session/network_probe.h"
#include "engine_fixtures.h"

namespace knife::test {

class ProbeRig {
  public:
    ProbeRig(const Setup& setup, const Episodes& episodes, const DiagnosticsConfig& config = {});

    [[nodiscard]] Learner& learner() { return *m_learner; }
    [[nodiscard]] const NetSpec& spec() const { return m_spec; }
    [[nodiscard]] NetworkProbe& probe() { return *m_probe; }
    [[nodiscard]] ProbeBatch batch() const { return m_probe->gather(0); }
    /// One diagnostic over the replay buffer, or over `probe`, by name of the figure. Throws on failure.
    [[nodiscard]] std::map<std::string, double> measure(const std::string& diagnostic);
    [[nodiscard]] std::map<std::string, double> measure(const std::string& diagnostic, const ProbeBatch& probe);

  private:
    Setup m_setup;
    DiagnosticsConfig m_config;
    NetSpec m_spec;
    std::unique_ptr<Learner> m_learner;
    Replay m_replay{1000};
    std::unique_ptr<NetworkProbe> m_probe;
};

/// The probe with padded steps at its end, filled with what no statistic may read.
[[nodiscard]] ProbeBatch padded(const ProbeBatch& probe, std::int64_t steps);

/// Makes composites of these units, with their present weights for the active and the compensation neurons.
void addComposites(FactorizedNet& net, const std::string& site, std::int64_t event, const std::vector<int>& units);

} // namespace knife::test
