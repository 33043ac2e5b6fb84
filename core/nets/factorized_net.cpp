// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/nets/factorized_net.h"

#include <utility>

namespace knife {

Result<std::unique_ptr<FactorizedNet>> FactorizedNet::build(const NetSpec& spec) {
    std::unique_ptr<FactorizedNet> net(new FactorizedNet);
    auto agent = makeAgent(spec.agentKind, spec.agent, {net->m_parameters, net->m_sites, spec.seed});
    if (!agent) {
        return tl::unexpected(agent.error());
    }
    auto mixer = makeMixer(spec.mixer, spec.mixerShape, {net->m_parameters, net->m_sites, spec.seed});
    if (!mixer) {
        return tl::unexpected(mixer.error());
    }
    net->m_agent = std::move(*agent);
    net->m_mixer = std::move(*mixer);
    net->m_parameters.seal(Trainability::Trainable);
    return net;
}

} // namespace knife
