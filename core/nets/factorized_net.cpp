// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/nets/factorized_net.h"

#include <utility>

#include <ATen/ATen.h>

#include "core/nets/kernels/worker_pool.h"
#include "core/nets/mixers/mix_kernel.h"

namespace knife {

namespace {

void stopGradientOfFrozen(const SiteList& sites) {
    for (const Site& site : sites.all()) {
        visitHolder(site, [](auto& holder) { holder.stopGradientOfFrozen(); });
    }
    for (InjectedLinear* layer : sites.injectable()) {
        layer->stopGradientOfFrozen();
    }
}

} // namespace

FactorizedNet::FactorizedNet(const NetSpec& spec, ParameterUse use) : m_spec(spec), m_parameters(use, spec.device) {}

FactorizedNet::~FactorizedNet() = default;

Result<std::unique_ptr<FactorizedNet>> FactorizedNet::build(const NetSpec& spec, ParameterUse use) {
    std::unique_ptr<FactorizedNet> net(new FactorizedNet(spec, use));
    // What the mixer needs fixes the agents, and the agents' parameters come first: the mixer is asked on a copy.
    ParameterSet scratch(ParameterUse::Copied);
    SiteList scratchSites;
    const auto asked = makeMixer(spec.mixer, spec.mixerShape, {scratch, scratchSites, spec.seed});
    if (!asked) {
        return tl::unexpected(asked.error());
    }
    net->m_needs = (*asked)->needs();
    const auto addAgent = [&](const std::string& name, std::int64_t outputs) -> Result<void> {
        auto agent = makeAgent({.input = spec.input, .outputs = outputs, .config = spec.agent},
                               {net->m_parameters, net->m_sites, name, spec.seed});
        if (!agent) {
            return tl::unexpected(agent.error());
        }
        net->m_agents.push_back({std::move(*agent), nullptr});
        return {};
    };
    if (auto added = addAgent("agent", spec.mixerShape.actions * net->m_needs.valuesPerAction); !added) {
        return tl::unexpected(added.error());
    }
    for (const std::string& name : net->m_needs.furtherAgents) {
        if (auto added = addAgent(name, spec.mixerShape.actions); !added) {
            return tl::unexpected(added.error());
        }
    }
    auto mixer = makeMixer(spec.mixer, spec.mixerShape, {net->m_parameters, net->m_sites, spec.seed});
    if (!mixer) {
        return tl::unexpected(mixer.error());
    }
    net->m_mixer = std::move(*mixer);
    net->m_agent = net->m_agents.front().agent.get();
    net->m_parameters.seal(Trainability::Trainable);
    net->m_sites.linkReaders();
    if (spec.agent.stopGradientFrozen) {
        stopGradientOfFrozen(net->m_sites);
    }
    if (spec.pool && spec.device.is_cpu()) {
        // Only now do parameters have their place in memory.
        for (AgentNet& agent : net->m_agents) {
            // Frozen rows of a head have no backward pass of their own there.
            agent.kernel = spec.agent.stopGradientFrozen ? nullptr : agent.agent->makeKernel(*spec.pool);
        }
        net->m_mixKernel = net->m_mixer->makeKernel(*spec.pool);
        net->m_pool = spec.pool;
    }
    return net;
}

AgentPass FactorizedNet::AgentNet::pass(const at::Tensor& inputs, Keep keep, SiteTaps* taps, bool asLeaves) const {
    AgentKernel* const kernelNow = fast();
    if (kernelNow == nullptr) {
        const at::AutoGradMode mode(keep == Keep::Gradient);
        return agent->unroll(inputs, taps);
    }
    AgentPass pass = kernelNow->forward(inputs, keep, taps);
    // Leaves of the graph that the mixer builds; backward() takes over from their gradients.
    if (asLeaves) {
        for (at::Tensor* leaf : {&pass.outputs, &pass.hidden}) {
            if (leaf->defined()) {
                *leaf = leaf->detach().requires_grad_(true);
            }
        }
    }
    return pass;
}

NetPass FactorizedNet::pass(const at::Tensor& inputs, Keep keep, SiteTaps* taps) const {
    const bool asLeaves = keep == Keep::Gradient && m_mixKernel == nullptr;
    NetPass pass{.agent = m_agents.front().pass(inputs, keep, taps, asLeaves), .further = {}};
    for (std::size_t i = 1; i < m_agents.size(); ++i) {
        pass.further.push_back(m_agents[i].pass(inputs, keep, taps, asLeaves).outputs);
    }
    return pass;
}

void FactorizedNet::backward(const at::Tensor& inputs, const NetPass& pass, const at::Tensor& dOutputs) const {
    const auto gradientOf = [](const at::Tensor& leaf) {
        return leaf.defined() && leaf.requires_grad() ? leaf.grad() : at::Tensor();
    };
    const AgentNet& acting = m_agents.front();
    if (AgentKernel* kernel = acting.fast()) {
        kernel->backward(inputs, dOutputs.defined() ? dOutputs : gradientOf(pass.agent.outputs),
                         gradientOf(pass.agent.hidden));
    } else if (dOutputs.defined()) {
        pass.agent.outputs.backward(dOutputs);
    }
    for (std::size_t i = 1; i < m_agents.size(); ++i) {
        if (AgentKernel* kernel = m_agents[i].fast()) {
            kernel->backward(inputs, gradientOf(pass.further[i - 1]), {});
        }
    }
}

at::Tensor FactorizedNet::act(const at::Tensor& input, ActMemory& memory) const {
    const AgentPass step = m_agent->act(input, memory.agent);
    if (m_mixer->choosesByOutputs()) {
        return step.outputs;
    }
    const at::Tensor outputs = step.outputs.defined() ? step.outputs.unsqueeze(0) : step.outputs;
    return m_mixer->actionValues(outputs, step.hidden.unsqueeze(0), memory.mixer).squeeze(0);
}

ActMemory FactorizedNet::initialMemory(std::int64_t rows) const {
    return {.agent = m_agent->initialMemory(rows), .mixer = {}};
}

double FactorizedNet::agentFlopsPerRow() const {
    return static_cast<double>(m_agents.size()) * m_agent->flopsPerRow();
}

double FactorizedNet::agentInputFlopsPerRow() const {
    return static_cast<double>(m_agents.size()) * m_agent->inputFlopsPerRow();
}

} // namespace knife
