// SPDX-License-Identifier: GPL-3.0-or-later
// A method's networks with their parameters and sites: agents, the further agents that the method asks for, and the
// mixer. One online and one target instance make a learner.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/config/section.h"
#include "core/nets/agents/agent.h"
#include "core/nets/mixers/mixer.h"
#include "core/nets/parameters.h"
#include "core/nets/site.h"
#include "core/types/error.h"

namespace knife {

class WorkerPool;

/// Everything that fixes the structure of the networks.
struct NetSpec {
    AgentConfig agent;
    std::int64_t input = 0; ///< width of an agent's input
    Section mixer;
    MixerShape mixerShape;
    std::uint64_t seed = 0;
    /// Threads of the fast path; nullptr: the reference path only. Shared by the nets of one learner.
    std::shared_ptr<WorkerPool> pool;
    /// Where parameters live. The fast path is of the CPU alone; elsewhere the pool is left alone.
    at::Device device = at::kCPU;
};

/// All agents over whole episodes. Tensors [T, rows, ...]; those of a fast path live until the net's next pass.
struct NetPass {
    AgentPass agent;
    std::vector<at::Tensor> further; ///< outputs of the further agents
};

/// What acting carries from step to step.
struct ActMemory {
    at::Tensor agent;
    at::Tensor mixer;
};

/// Not copyable: parameters are observed by address.
class FactorizedNet {
  public:
    [[nodiscard]] static Result<std::unique_ptr<FactorizedNet>> build(const NetSpec& spec,
                                                                      ParameterUse use = ParameterUse::Trained);
    ~FactorizedNet();
    FactorizedNet(const FactorizedNet&) = delete;
    FactorizedNet& operator=(const FactorizedNet&) = delete;

    /// What it was built from: building it again gives the initial values again.
    [[nodiscard]] const NetSpec& spec() const { return m_spec; }
    /// Where inputs must be and outputs are.
    [[nodiscard]] at::Device device() const { return m_parameters.device(); }

    /// inputs [T, rows, input]. With Keep::Gradient the tensors of the pass take part in a graph: after a loss over
    /// them has been differentiated, backward() carries their gradients on to the parameters.
    [[nodiscard]] NetPass pass(const at::Tensor& inputs, Keep keep, SiteTaps* taps) const;
    /// `dOutputs`: gradient of the acting agents' outputs where no graph was differentiated; else undefined.
    void backward(const at::Tensor& inputs, const NetPass& pass, const at::Tensor& dOutputs) const;

    /// One step of all agents: input [rows, input] -> the values that actions are chosen by [rows, A].
    [[nodiscard]] at::Tensor act(const at::Tensor& input, ActMemory& memory) const;
    [[nodiscard]] ActMemory initialMemory(std::int64_t rows) const;

    [[nodiscard]] const Agent& agent() const { return *m_agent; }
    [[nodiscard]] const Mixer& mixer() const { return *m_mixer; }
    /// The mixer's fast path; nullptr where there is none.
    [[nodiscard]] MixKernel* mixKernel() const { return m_mixKernel.get(); }
    [[nodiscard]] const MixerNeeds& needs() const { return m_needs; }
    [[nodiscard]] ParameterSet& parameters() { return m_parameters; }
    [[nodiscard]] const ParameterSet& parameters() const { return m_parameters; }
    [[nodiscard]] const SiteList& sites() const { return m_sites; }
    /// Multiply-adds times two of one forward row of all agents together, and the part that reads raw inputs.
    [[nodiscard]] double agentFlopsPerRow() const;
    [[nodiscard]] double agentInputFlopsPerRow() const;

  private:
    struct AgentNet {
        std::unique_ptr<Agent> agent;
        std::unique_ptr<AgentKernel> kernel;
        /// nullptr: passes are made by graph.
        [[nodiscard]] AgentKernel* fast() const { return kernel && !agent->outgrewKernel() ? kernel.get() : nullptr; }
        [[nodiscard]] AgentPass pass(const at::Tensor& inputs, Keep keep, SiteTaps* taps, bool asLeaves) const;
    };
    FactorizedNet(const NetSpec& spec, ParameterUse use);

    NetSpec m_spec;
    ParameterSet m_parameters;
    SiteList m_sites;
    MixerNeeds m_needs;
    std::unique_ptr<Mixer> m_mixer;
    std::unique_ptr<MixKernel> m_mixKernel;
    Agent* m_agent = nullptr;
    std::vector<AgentNet> m_agents; ///< the acting agent first
    std::shared_ptr<WorkerPool> m_pool;
};

} // namespace knife
