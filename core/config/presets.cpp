// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/config/presets.h"

#include <array>
#include <string_view>
#include <utility>

#include "core/config/toml_text.h"

namespace knife {

namespace {

// Part of a preset; later parts lie on top of earlier ones.
struct Part {
    std::string_view preset;
    std::string_view concerns; ///< methods, or kinds of agent, between blanks; empty: everybody
    const char* toml;
};

// Methods that mix as QMIX does, with its keys.
constexpr const char* kQmixFamily = " qmix cw_qmix ow_qmix resq dmix rmix ";

constexpr const char* kPymarlLoop = R"(
[agent]
kind = "rnn"
hidden = 64
fc_layers = 1
init = "uniform"
head_gain = 1.0
last_action = true
agent_id = true

[learning]
gamma = 0.99
td_lambda = 0.0
td_variant = "td_lambda"
double_q = true
batch_episodes = 32
buffer_episodes = 5000
parallel_envs = 1
updates_per_rollout = 1
optimiser = "rmsprop"
lr = 5e-4
rmsprop_alpha = 0.99
grad_clip = 10.0
target_interval = 200
target_tau = 0.0
standardise_rewards = false

[exploration]
start = 1.0
finish = 0.05
anneal_steps = 50_000
)";

constexpr std::array kParts{
    Part{"group", "", kPymarlLoop},
    Part{"group", " rnn ", "agent.fc_layers = 2"},
    Part{"group", kQmixFamily, "mixer = { embed = 64, hypernet_layers = 2, hypernet_embed = 64 }"},

    Part{"pymarl", "", kPymarlLoop},
    Part{"pymarl", kQmixFamily, "mixer = { embed = 32, hypernet_layers = 2, hypernet_embed = 64 }"},

    Part{"pymarl2", "", kPymarlLoop},
    Part{"pymarl2", "", R"(
[learning]
td_lambda = 0.6
batch_episodes = 128
parallel_envs = 8
optimiser = "adam"
lr = 1e-3
adam_beta1 = 0.9
adam_beta2 = 0.999
[exploration]
anneal_steps = 100_000
)"},
    // The learners of these two have no lambda-returns.
    Part{"pymarl2", " iql ", "learning = { batch_episodes = 32, lr = 5e-4, td_lambda = 0.0 }"},
    Part{"pymarl2", " qtran_base qtran_alt ", "learning = { lr = 5e-4, td_lambda = 0.0 }"},
    Part{"pymarl2", " qplex ", "mixer.adv_hypernet_layers = 2"},
    Part{"pymarl2", kQmixFamily, "mixer = { embed = 32, hypernet_layers = 2, hypernet_embed = 64 }"},

    Part{"epymarl", "", kPymarlLoop},
    Part{"epymarl", "", R"(
[agent]
last_action = false
[learning]
optimiser = "adam"
adam_beta1 = 0.9
adam_beta2 = 0.999
standardise_rewards = true
)"},
    Part{"epymarl", " iql ", "agent.hidden = 128\nlearning.lr = 3e-4\nexploration.anneal_steps = 200_000"},
    Part{"epymarl", kQmixFamily, "mixer = { embed = 32, hypernet_layers = 2, hypernet_embed = 64 }"},
};

bool concerns(const Part& part, const std::string& word) {
    return part.concerns.find(" " + word + " ") != std::string_view::npos;
}

// Messages about a whole table point into the file that stands on it.
detail::Table withoutTablePlaces(const detail::Table& root) {
    auto copy = std::make_shared<detail::SectionNode>(*root);
    copy->place = {};
    for (detail::Entry& entry : copy->entries) {
        auto table = std::make_shared<detail::SectionNode>(*std::get<detail::Table>(entry.value.data));
        table->place = {};
        entry.value.data = detail::Table(std::move(table));
    }
    return copy;
}

} // namespace

std::vector<std::string> presetNames() {
    return {"none", "group", "pymarl", "pymarl2", "epymarl"};
}

Result<detail::Table> presetTables(const std::string& preset, const std::string& method, const std::string& agent) {
    Result<detail::Table> tables = std::make_shared<const detail::SectionNode>();
    for (const Part& part : kParts) {
        if (part.preset != preset || !(part.concerns.empty() || concerns(part, method) || concerns(part, agent))) {
            continue;
        }
        tables = tables.and_then([&](const detail::Table& below) {
            return detail::parseToml(part.toml, "preset " + preset).map([&](const detail::Table& above) {
                return detail::mergedTables(*below, *above, "");
            });
        });
    }
    return tables.map(withoutTablePlaces);
}

} // namespace knife
