// SPDX-License-Identifier: GPL-3.0-or-later
// An agent and a mixer with their parameters and sites: one online and one target instance make a learner.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "core/config/section.h"
#include "core/nets/agents/agent.h"
#include "core/nets/mixers/mixer.h"
#include "core/nets/parameters.h"
#include "core/nets/site.h"
#include "core/types/error.h"

namespace knife {

/// Everything that fixes the structure of the networks.
struct NetSpec {
    std::string agentKind = "rnn";
    AgentShape agent;
    Section mixer;
    MixerShape mixerShape;
    std::uint64_t seed = 0;
};

/// Not copyable: parameters are observed by address.
class FactorizedNet {
  public:
    [[nodiscard]] static Result<std::unique_ptr<FactorizedNet>> build(const NetSpec& spec);
    FactorizedNet(const FactorizedNet&) = delete;
    FactorizedNet& operator=(const FactorizedNet&) = delete;

    [[nodiscard]] const Agent& agent() const { return *m_agent; }
    [[nodiscard]] const Mixer& mixer() const { return *m_mixer; }
    [[nodiscard]] ParameterSet& parameters() { return m_parameters; }
    [[nodiscard]] const ParameterSet& parameters() const { return m_parameters; }
    [[nodiscard]] const SiteList& sites() const { return m_sites; }

  private:
    FactorizedNet() = default;
    ParameterSet m_parameters;
    SiteList m_sites;
    std::unique_ptr<Agent> m_agent;
    std::unique_ptr<Mixer> m_mixer;
};

} // namespace knife
