// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine_fixtures.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>

#include <ATen/ATen.h>

#include "core/nets/initialise.h"
#include "core/types/counter_rng.h"

namespace knife::test {

namespace {

template <typename T>
T orThrow(Result<T> result) {
    if (!result) {
        throw std::runtime_error(result.error().describe());
    }
    return std::move(*result);
}

std::vector<float> draws(CounterRng& rng, int count) {
    std::vector<float> values(static_cast<std::size_t>(count));
    std::ranges::generate(values, [&] { return static_cast<float>(rng.uniform(-1.0, 1.0)); });
    return values;
}

// Every action is legal with probability 3/4, and at least one is.
std::vector<std::uint8_t> drawAvail(CounterRng& rng, const EnvSpec& spec) {
    std::vector<std::uint8_t> avail(static_cast<std::size_t>(spec.nAgents * spec.nActions));
    std::ranges::generate(avail, [&] { return static_cast<std::uint8_t>(rng.chance(0.75) ? 1 : 0); });
    for (int a = 0; a < spec.nAgents; ++a) {
        const auto always = static_cast<int>(rng.below(static_cast<std::uint32_t>(spec.nActions)));
        avail[static_cast<std::size_t>(a * spec.nActions + always)] = 1;
    }
    return avail;
}

std::vector<std::int32_t> drawActions(CounterRng& rng, const EnvSpec& spec, const std::vector<std::uint8_t>& avail) {
    std::vector<std::int32_t> actions;
    for (int a = 0; a < spec.nAgents; ++a) {
        std::int32_t action = 0;
        do {
            action = static_cast<std::int32_t>(rng.below(static_cast<std::uint32_t>(spec.nActions)));
        } while (avail[static_cast<std::size_t>(a * spec.nActions + action)] == 0);
        actions.push_back(action);
    }
    return actions;
}

} // namespace

EnvSpec smallWorld() {
    return {.name = "made_up",
            .nAgents = 3,
            .nActions = 4,
            .obsDim = 5,
            .stateDim = 6,
            .episodeLimit = 10,
            .hasWin = false};
}

std::shared_ptr<const EpisodeRecord> randomEpisode(const EnvSpec& spec, int length, End end, std::uint64_t number) {
    CounterRng rng({number, "test/episode", static_cast<std::uint64_t>(length)});
    EpisodeRecorder recorder(spec);
    recorder.begin({.task = 0, .key = {.seed = number, .greedy = false, .episode = 0}});
    for (int t = 0; t <= length; ++t) {
        const auto avail = drawAvail(rng, spec);
        recorder.observe(draws(rng, spec.nAgents * spec.obsDim), draws(rng, spec.stateDim), avail);
        if (t < length) {
            const bool last = t + 1 == length;
            recorder.act(drawActions(rng, spec, avail), {.reward = static_cast<float>(rng.uniform(-1.0, 1.0)),
                                                         .terminated = last && end == End::Terminated,
                                                         .truncated = last && end == End::Truncated,
                                                         .won = false});
        }
    }
    return std::make_shared<const EpisodeRecord>(recorder.finish());
}

Episodes randomEpisodes(const EnvSpec& spec, const std::vector<int>& lengths, std::uint64_t number) {
    Episodes episodes;
    for (std::size_t i = 0; i < lengths.size(); ++i) {
        episodes.push_back(
            randomEpisode(spec, lengths[i], i % 2 == 0 ? End::Terminated : End::Truncated, 1000 * number + i));
    }
    return episodes;
}

NetSpec Setup::net() const {
    AgentConfig config = agent;
    config.kind = agentKind;
    config.hidden = hidden;
    return {.agent = config,
            .input = layout().width(),
            .mixer = sectionOf(mixer, "mixer"),
            .mixerShape = {.agents = spec.nAgents,
                           .actions = spec.nActions,
                           .state = spec.stateDim,
                           .obs = spec.obsDim,
                           .hidden = hidden},
            .seed = seed,
            .pool = pool};
}

std::unique_ptr<Learner> Setup::learner() const {
    return orThrow(Learner::build(net(), learning));
}

std::unique_ptr<FactorizedNet> buildNet(const NetSpec& spec) {
    return orThrow(FactorizedNet::build(spec));
}

Section sectionOf(const std::string& toml, const std::string& path) {
    return orThrow(parseSection(toml, "test", path));
}

const Parameter& parameterNamed(const FactorizedNet& net, const std::string& name) {
    const auto& all = net.parameters().all();
    const auto found = std::ranges::find(all, name, &Parameter::name);
    if (found == all.end()) {
        throw std::runtime_error("no parameter " + name);
    }
    return *found;
}

const Site& siteNamed(const FactorizedNet& net, const std::string& name) {
    return net.sites().all()[siteIndex(net, name)];
}

std::size_t siteIndex(const FactorizedNet& net, const std::string& name) {
    const auto& all = net.sites().all();
    const auto found = std::ranges::find(all, name, &Site::name);
    if (found == all.end()) {
        throw std::runtime_error("no site " + name);
    }
    return static_cast<std::size_t>(found - all.begin());
}

JointView chosenValues(const at::Tensor& q, const at::Tensor& state) {
    return {.steps = 1,
            .episodes = q.size(0),
            .outputs = q.unsqueeze(2),
            .hidden = {},
            .inputs = {},
            .state = state,
            .unavailable = at::zeros({q.size(0), q.size(1), 1}, at::kBool),
            .actions = at::zeros({q.size(0), q.size(1)}, at::kLong),
            .further = {},
            .noise = {}};
}

SurgeryPlan planOf(std::vector<SiteOperation> operations) {
    SurgeryPlan plan;
    plan.reason = "by_hand";
    plan.operations = std::move(operations);
    return plan;
}

at::Tensor randomTensor(const std::vector<std::int64_t>& shape, std::uint64_t number) {
    return drawUniform(shape, 1.0, {number, "test/tensor", 0});
}

bool sameBits(const at::Tensor& a, const at::Tensor& b) {
    if (a.defined() != b.defined()) {
        return false;
    }
    if (!a.defined()) {
        return true;
    }
    const at::Tensor left = a.detach().contiguous();
    const at::Tensor right = b.detach().contiguous();
    return left.sizes() == right.sizes() && left.scalar_type() == right.scalar_type() &&
           std::memcmp(left.data_ptr(), right.data_ptr(), left.nbytes()) == 0;
}

bool sameBits(const ParameterSet& a, const ParameterSet& b) {
    return ParameterCopy(a).sameBitsAs(b);
}

std::vector<float> readingOf(const UnitStatistic& statistic, const std::string& name) {
    const std::vector<UnitDiagnostic> columns = statistic.read();
    return std::ranges::find(columns, name, &UnitDiagnostic::name)->values;
}

ParameterCopy::ParameterCopy(const ParameterSet& parameters) {
    const auto copy = [](const at::Tensor& t) {
        return t.defined() ? t.clone() : at::Tensor();
    };
    for (const ParameterBlock& block : parameters.blocks()) {
        blocks.push_back(
            {copy(block.value), copy(block.mask), copy(block.moment1), copy(block.moment2), block.anyFrozen});
    }
}

bool ParameterCopy::sameBitsAs(const ParameterSet& parameters) const {
    return std::ranges::equal(blocks, parameters.blocks(), [](const Block& a, const ParameterBlock& b) {
        return sameBits(a.value, b.value) && sameBits(a.mask, b.mask) && sameBits(a.moment1, b.moment1) &&
               sameBits(a.moment2, b.moment2) && a.anyFrozen == b.anyFrozen;
    });
}

} // namespace knife::test
