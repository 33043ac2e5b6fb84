// SPDX-License-Identifier: GPL-3.0-or-later
#include <array>

#include <fmt/format.h>

#include "core/nets/agents/agent.h"
#include "core/nets/agents/mlp_agent.h"
#include "core/nets/agents/rnn_agent.h"

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
};

} // namespace

std::unique_ptr<AgentKernel> Agent::makeKernel(WorkerPool&) const {
    return nullptr;
}

Result<std::unique_ptr<Agent>> makeAgent(const AgentShape& shape, const AgentMaterials& materials) {
    const std::string& kind = shape.config.kind;
    std::string known;
    for (const Entry& entry : kAgents) {
        if (kind == entry.kind) {
            return entry.make(shape, materials);
        }
        known += fmt::format("{}\"{}\"", known.empty() ? "" : ", ", entry.kind);
    }
    return fail(ErrorCode::Usage, fmt::format("agent.kind = \"{}\": expected one of {}", kind, known));
}

} // namespace knife
