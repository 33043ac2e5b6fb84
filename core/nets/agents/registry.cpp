// SPDX-License-Identifier: GPL-3.0-or-later
#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "core/config/did_you_mean.h"
#include "core/nets/agents/agent.h"
#include "core/nets/agents/mlp_agent.h"
#include "core/nets/agents/rnn_agent.h"
#include "core/nets/agents/rnn_crelu_agent.h"
#include "core/nets/agents/rnn_layernorm_agent.h"
#include "core/nets/initialise.h"

namespace knife {

namespace {

template <typename T>
std::unique_ptr<Agent> make(const AgentShape& shape, const AgentMaterials& materials) {
    return std::make_unique<T>(shape, materials);
}

struct Entry {
    const char* kind;
    std::unique_ptr<Agent> (*make)(const AgentShape&, const AgentMaterials&);
};

// A new agent is one file and one line here.
constexpr std::array kAgents{
    Entry{"rnn", &make<RnnAgent>},
    Entry{"mlp", &make<MlpAgent>},
    Entry{"rnn_layernorm", &make<RnnLayerNormAgent>},
    Entry{"rnn_crelu", &make<RnnCreluAgent>},
};

// PyMARL2's n_rnn draws its fully connected layers so: orthogonal weights, zero biases; the gates stay uniform.
void initialiseOrthogonally(const Parameter& parameter, std::uint64_t seed) {
    if (parameter.value.dim() == 1) {
        parameter.value.zero_();
        return;
    }
    parameter.value.copy_(drawOrthogonal(parameter.value.size(0), parameter.value.size(1), 1.0,
                                         {seed, "orthogonal/" + parameter.name, 0}));
}

void initialise(const AgentConfig& config, const AgentMaterials& materials) {
    const auto isPartOf = [&](const Parameter& parameter, const char* layer) {
        return parameter.name == materials.name + layer + ".weight" ||
               parameter.name == materials.name + layer + ".bias";
    };
    for (const Parameter& parameter : materials.parameters.all()) {
        const bool isHead = isPartOf(parameter, ".head");
        const bool isLayer = isHead || isPartOf(parameter, ".fc1") || isPartOf(parameter, ".fc2");
        if (config.init == "orthogonal" && isLayer) {
            initialiseOrthogonally(parameter, materials.seed);
        }
        if (isHead && parameter.value.dim() > 1 && config.headGain != 1.0) {
            parameter.value.mul_(config.headGain);
        }
    }
}

Result<void> checkFurtherSites(const AgentShape& shape) {
    const auto refuse = [](const std::string& site, const std::string& why) {
        return fail(ErrorCode::Usage, fmt::format("agent.further_sites: \"{}\": {}", site, why));
    };
    for (const std::string& site : shape.config.furtherSites) {
        if (site != kGruSite && site != kHeadSite) {
            return refuse(site, fmt::format("expected \"{}\" or \"{}\"", kGruSite, kHeadSite));
        }
        if (site == kGruSite && shape.config.kind == "mlp") {
            return refuse(site, "agents of kind \"mlp\" have no GRU cell");
        }
        if (site == kHeadSite && shape.outputs == 0) {
            return refuse(site, "the agents of this method have no head of their own, its quantile network in [mixer] "
                                "takes the place");
        }
    }
    return {};
}

// Settings that the agent would silently ignore.
Result<void> checkSettings(const AgentShape& shape) {
    const AgentConfig& config = shape.config;
    if (config.fcLayers != 1 && config.kind != "rnn") {
        return fail(ErrorCode::Usage,
                    fmt::format("agent.fc_layers = {}: only agents of kind \"rnn\" have a choice of layers, not \"{}\"",
                                config.fcLayers, config.kind));
    }
    if (config.creluWidth != AgentConfig().creluWidth && config.kind != "rnn_crelu") {
        return fail(ErrorCode::Usage,
                    fmt::format("agent.crelu_width = \"{}\": only agents of kind \"rnn_crelu\" have a choice of that "
                                "width, not \"{}\"",
                                config.creluWidth, config.kind));
    }
    if (config.headGain != AgentConfig().headGain && shape.outputs == 0) {
        return fail(ErrorCode::Usage,
                    fmt::format("agent.head_gain = {}: the agents of this method have no head of their own, its "
                                "quantile network in [mixer] takes the place",
                                config.headGain));
    }
    return checkFurtherSites(shape);
}

} // namespace

bool offers(const AgentConfig& config, std::string_view site) {
    return std::ranges::find(config.furtherSites, site) != config.furtherSites.end();
}

std::unique_ptr<AgentKernel> Agent::makeKernel(WorkerPool&) const {
    return nullptr;
}

Result<std::unique_ptr<Agent>> makeAgent(const AgentShape& shape, const AgentMaterials& materials) {
    const std::string& kind = shape.config.kind;
    std::vector<std::string> known;
    for (const Entry& entry : kAgents) {
        if (kind == entry.kind) {
            if (auto checked = checkSettings(shape); !checked) {
                return tl::unexpected(checked.error());
            }
            auto agent = entry.make(shape, materials);
            initialise(shape.config, materials);
            return agent;
        }
        known.emplace_back(entry.kind);
    }
    return fail(ErrorCode::Usage, fmt::format("agent.kind: there is no agent '{}'{}", kind, suggestion(kind, known)));
}

} // namespace knife
