// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/session/checkpoint.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <functional>
#include <limits>
#include <utility>

#include <ATen/ATen.h>
#include <fmt/format.h>

#include "checkpoint.pb.h"
#include "core/learning/rollout.h"
#include "core/plasticity/net_state.h"
#include "core/session/trainer.h"

namespace knife {

namespace {

namespace pb = knife::checkpoint;
constexpr std::uint32_t kVersion = 2; // 2: a surgery may be due with the last update
static_assert(std::endian::native == std::endian::little, "checkpoints store raw little-endian floats");

tl::unexpected<Error> corrupt(std::string what) {
    return fail(ErrorCode::Corrupt, fmt::format("the checkpoint does not fit this experiment: {}", what));
}

std::string bytesOf(const at::Tensor& tensor) {
    if (!tensor.defined()) {
        return {};
    }
    const at::Tensor host = tensor.cpu();
    return {reinterpret_cast<const char*>(host.data_ptr<float>()),
            static_cast<std::size_t>(host.numel()) * sizeof(float)};
}

// What a network does not have (moments of a target network, say) is not read, even where an older program wrote it.
bool fill(const at::Tensor& tensor, const std::string& bytes) {
    if (!tensor.defined()) {
        return true;
    }
    const std::size_t expected = static_cast<std::size_t>(tensor.numel()) * sizeof(float);
    if (bytes.size() != expected) {
        return false;
    }
    at::Tensor host = tensor.is_cpu() ? tensor : at::empty(tensor.sizes());
    std::memcpy(host.data_ptr<float>(), bytes.data(), expected);
    if (!tensor.is_cpu()) {
        tensor.copy_(host);
    }
    return true;
}

void writeBlocks(const ParameterSet& parameters, google::protobuf::RepeatedPtrField<pb::Block>& out) {
    for (const ParameterBlock& block : parameters.blocks()) {
        pb::Block& message = *out.Add();
        message.set_value(bytesOf(block.value));
        message.set_mask(bytesOf(block.mask));
        message.set_moment1(bytesOf(block.moment1));
        message.set_moment2(bytesOf(block.moment2));
        message.set_trainable(block.trainable);
        message.set_any_frozen(block.anyFrozen);
    }
}

Result<void> readBlocks(const google::protobuf::RepeatedPtrField<pb::Block>& in, ParameterSet& parameters) {
    if (static_cast<std::size_t>(in.size()) != parameters.blocks().size()) {
        return corrupt(fmt::format("{} parameter blocks instead of {}", in.size(), parameters.blocks().size()));
    }
    for (int i = 0; i < in.size(); ++i) {
        const pb::Block& message = in[i];
        ParameterBlock& block = parameters.blocks()[static_cast<std::size_t>(i)];
        if (message.trainable() != block.trainable || !fill(block.value, message.value()) ||
            !fill(block.mask, message.mask()) || !fill(block.moment1, message.moment1()) ||
            !fill(block.moment2, message.moment2())) {
            return corrupt(fmt::format("parameter block {} has another size", i));
        }
        block.anyFrozen = message.any_frozen();
    }
    return {};
}

// In the order of their surgeries: blocks are appended in exactly this order.
void writeBranches(const FactorizedNet& net, pb::Checkpoint& out) {
    for (const NetState::Branch& branch : branchesOf(net)) {
        pb::Branch& message = *out.add_branches();
        message.set_site(branch.site);
        message.set_event(branch.event);
        message.mutable_units()->Assign(branch.units.begin(), branch.units.end());
        message.mutable_groups()->Assign(branch.groups.begin(), branch.groups.end());
    }
}

bool isPossible(const NetState::Branch& branch, const FactorizedNet& net) {
    const InjectedLinear* layer = net.sites().findInjectable(branch.site);
    if (branch.units.empty()) {
        return layer != nullptr;
    }
    const std::int64_t units = layer != nullptr ? layer->units() : net.sites().find(branch.site)->units;
    const bool ascending = std::ranges::adjacent_find(branch.units, std::greater_equal<>{}) == branch.units.end();
    const bool sound = branch.groups.empty() ||
                       (layer == nullptr && areSound({branch.units, branch.groups}, net.spec().mixerShape.agents));
    return ascending && sound && branch.units.front() >= 0 && branch.units.back() < units;
}

Result<void> rebuildBranches(const pb::Checkpoint& in, FactorizedNet& net) {
    for (const pb::Branch& message : in.branches()) {
        const Site* site = net.sites().find(message.site());
        const bool holdsComposites = site != nullptr && site->acceptsComposites();
        if (!holdsComposites && net.sites().findInjectable(message.site()) == nullptr) {
            return corrupt(fmt::format("no site \"{}\" that holds composites", message.site()));
        }
        const NetState::Branch branch{.site = message.site(),
                                      .event = message.event(),
                                      .units = {message.units().begin(), message.units().end()},
                                      .groups = {message.groups().begin(), message.groups().end()}};
        if (!isPossible(branch, net) || !addBranch(net, branch)) {
            return corrupt(fmt::format("a surgery at site \"{}\" names impossible units", message.site()));
        }
    }
    return {};
}

void writeDiagnostics(const Diagnostics& diagnostics, const SiteList& sites, pb::Checkpoint& out) {
    out.set_window_updates(diagnostics.windowUpdates());
    for (std::size_t i = 0; i < diagnostics.state().sites.size(); ++i) {
        const Diagnostics::SiteState& state = diagnostics.state().sites[i];
        pb::SiteDiagnostics& message = *out.add_diagnostics();
        message.set_site(sites.all()[i].name);
        for (const UnitStatistic& statistic : state.statistics) {
            pb::Statistic& sums = *message.add_statistics();
            sums.set_name(statistic.name());
            sums.mutable_sums()->Assign(statistic.sums().begin(), statistic.sums().end());
            const std::vector<double> counts = statistic.counts();
            sums.mutable_counts()->Assign(counts.begin(), counts.end());
        }
        for (const UnitDiagnostic& column : state.lastWindow) {
            pb::UnitValues& values = *message.add_last_window();
            values.set_name(column.name);
            values.mutable_values()->Assign(column.values.begin(), column.values.end());
        }
        message.mutable_streak()->Assign(state.streak.begin(), state.streak.end());
        message.mutable_windows_since_touch()->Assign(state.windowsSinceTouch.begin(), state.windowsSinceTouch.end());
        message.set_last_flags(state.lastFlags.data(), state.lastFlags.size());
    }
}

bool readStatistics(const pb::SiteDiagnostics& in, std::vector<UnitStatistic>& statistics, std::size_t units) {
    for (UnitStatistic& statistic : statistics) {
        for (const pb::Statistic& sums : in.statistics()) {
            // A diagnostic that an older program did not have starts empty.
            if (sums.name() != statistic.name()) {
                continue;
            }
            const auto values = static_cast<std::size_t>(sums.sums_size()); // one per unit, or more
            if (values == 0 || values % units != 0 || static_cast<std::size_t>(sums.counts_size()) != units) {
                return false;
            }
            statistic.setState({sums.sums().begin(), sums.sums().end()}, {sums.counts().begin(), sums.counts().end()});
        }
    }
    return true;
}

Result<void> readDiagnostics(const pb::Checkpoint& in, const SiteList& sites, Diagnostics& diagnostics) {
    std::vector<Diagnostics::SiteState> states;
    for (const Site& site : sites.all()) {
        const auto units = static_cast<std::size_t>(site.units);
        const auto found = std::ranges::find(in.diagnostics(), site.name, &pb::SiteDiagnostics::site);
        Diagnostics::SiteState state = diagnostics.untouched(site);
        if (found == in.diagnostics().end()) {
            if (!site.onlyByName) {
                return corrupt(fmt::format("it knows nothing of site \"{}\"", site.name));
            }
            states.push_back(std::move(state)); // a site that a fork has asked for
            continue;
        }
        const pb::SiteDiagnostics& message = *found;
        state.streak.assign(message.streak().begin(), message.streak().end());
        state.windowsSinceTouch.assign(message.windows_since_touch().begin(), message.windows_since_touch().end());
        state.lastFlags.assign(message.last_flags().begin(), message.last_flags().end());
        const bool flagsFit = state.lastFlags.empty() || state.lastFlags.size() == units;
        if (state.streak.size() != units || state.windowsSinceTouch.size() != units || !flagsFit ||
            !readStatistics(message, state.statistics, units)) {
            return corrupt(fmt::format("site \"{}\" has another number of units", site.name));
        }
        for (const pb::UnitValues& column : message.last_window()) {
            if (static_cast<std::size_t>(column.values_size()) != units) {
                return corrupt(fmt::format("site \"{}\" has another number of units", site.name));
            }
            // An older program asked units of every kind whether they are dead; such a column would stand still for
            // ever.
            if (std::ranges::none_of(state.statistics, [&column](const UnitStatistic& statistic) {
                    return statistic.gives(column.name());
                })) {
                continue;
            }
            state.lastWindow.push_back({column.name(), {column.values().begin(), column.values().end()}});
            if (column.name() == "rua") {
                state.lastRua = state.lastWindow.back().values;
            }
        }
        states.push_back(std::move(state));
    }
    diagnostics.restore({std::move(states), in.window_updates()});
    return {};
}

void writeReplay(const Replay& replay, pb::Checkpoint& out) {
    out.set_replay_held(replay.held());
    for (const auto& episode : replay.episodes()) {
        pb::ReplayEpisode& message = *out.add_replay();
        message.set_task(episode->origin.task);
        message.set_seed(episode->origin.key.seed);
        message.set_episode(episode->origin.key.episode);
        message.set_actions(reinterpret_cast<const char*>(episode->actions.data()),
                            episode->actions.size() * sizeof(std::int16_t));
    }
}

Result<void> readReplay(const pb::Checkpoint& in, Replay& replay, const EnvironmentForTask& environments) {
    for (const pb::ReplayEpisode& message : in.replay()) {
        const auto environment = environments(message.task());
        if (!environment) {
            return tl::unexpected(environment.error());
        }
        std::vector<std::int16_t> actions(message.actions().size() / sizeof(std::int16_t));
        std::memcpy(actions.data(), message.actions().data(), actions.size() * sizeof(std::int16_t));
        const EpisodeOrigin origin{.task = message.task(),
                                   .key = {.seed = message.seed(), .greedy = false, .episode = message.episode()}};
        auto episode = replayEpisode(**environment, origin, actions);
        if (!episode) {
            return corrupt(
                fmt::format("episode {} cannot be played again: {}", message.episode(), episode.error().message));
        }
        replay.add(std::make_shared<const EpisodeRecord>(std::move(*episode)));
    }
    if (in.replay_held() > replay.size() || in.replay_held() >= replay.capacity()) {
        return corrupt(fmt::format("{} of {} episodes are held", in.replay_held(), replay.size()));
    }
    replay.hold(in.replay_held());
    return {};
}

void writeMemories(const NetworkDiagnostics& networks, pb::Checkpoint& out) {
    for (const DiagnosticMemory& memory : networks.memories()) {
        pb::NetworkMemory& message = *out.add_network_memories();
        message.set_diagnostic(memory.diagnostic);
        message.set_update(memory.update);
        for (const at::Tensor& values : memory.values) {
            message.add_values(bytesOf(values));
        }
    }
}

void readMemories(const pb::Checkpoint& in, NetworkDiagnostics& networks) {
    std::vector<DiagnosticMemory> memories;
    for (const pb::NetworkMemory& message : in.network_memories()) {
        DiagnosticMemory memory{.diagnostic = message.diagnostic(), .update = message.update(), .values = {}};
        for (const std::string& bytes : message.values()) {
            const at::Tensor values = at::empty({static_cast<std::int64_t>(bytes.size() / sizeof(float))});
            std::memcpy(values.data_ptr<float>(), bytes.data(), values.nbytes());
            memory.values.push_back(values);
        }
        memories.push_back(std::move(memory));
    }
    networks.restore(std::move(memories));
}

void writeCounters(const TrainingCounters& counters, pb::Checkpoint& out) {
    out.mutable_clocks()->set_update(counters.clocks.update.value);
    out.mutable_clocks()->set_env_step(counters.clocks.envStep.value);
    out.mutable_clocks()->set_episode(counters.clocks.episode.value);
    out.mutable_clocks()->set_wall_s(counters.clocks.wallS);
    out.set_task(counters.task);
    out.set_exploration_since(counters.explorationSince.value);
    out.set_target_copied_at(counters.targetCopiedAt);
    out.set_evaluated_at(counters.evaluatedAt);
    out.set_evaluation_episodes(counters.evaluationEpisodes);
    out.set_receipts(counters.receipts);
    out.set_surgeries(counters.surgeries);
    out.set_switched_at(counters.switchedAt);
    out.set_switched_at_episode(counters.switchedAtEpisode);
    out.set_target_copies(counters.targetCopies);
    out.set_evaluations(counters.evaluations);
    pb::Counts& askedAt = *out.mutable_asked_at();
    askedAt.set_updates(counters.askedAt.updates);
    askedAt.set_episodes(counters.askedAt.episodes);
    askedAt.set_env_steps(counters.askedAt.envSteps);
    askedAt.set_target_copies(counters.askedAt.targetCopies);
    askedAt.set_evaluations(counters.askedAt.evaluations);
    out.set_update_is_unasked(counters.updateIsUnasked);
    if (counters.closedShare) {
        out.set_closed_share(*counters.closedShare);
    }
    if (counters.testReturn) {
        out.set_test_return(*counters.testReturn);
    }
    if (counters.testWinRate) {
        out.set_test_win_rate(*counters.testWinRate);
    }
}

Clocks readClocks(const pb::Clocks& in) {
    return {.update = {in.update()}, .envStep = {in.env_step()}, .episode = {in.episode()}, .wallS = in.wall_s()};
}

// Of an older program's checkpoint: now.
TriggerCounts readAskedAt(const pb::Checkpoint& in) {
    if (!in.has_asked_at()) {
        return {.updates = in.clocks().update(),
                .episodes = in.clocks().episode(),
                .envSteps = in.clocks().env_step(),
                .targetCopies = in.target_copies(),
                .evaluations = in.evaluations()};
    }
    const pb::Counts& counts = in.asked_at();
    return {.updates = counts.updates(),
            .episodes = counts.episodes(),
            .envSteps = counts.env_steps(),
            .targetCopies = counts.target_copies(),
            .evaluations = counts.evaluations()};
}

TrainingCounters readCounters(const pb::Checkpoint& in) {
    TrainingCounters counters{.clocks = readClocks(in.clocks()),
                              .task = in.task(),
                              .explorationSince = {in.exploration_since()},
                              .targetCopiedAt = in.target_copied_at(),
                              .evaluatedAt = in.evaluated_at(),
                              .evaluationEpisodes = in.evaluation_episodes(),
                              .receipts = in.receipts(),
                              .surgeries = in.surgeries(),
                              .switchedAt = in.has_switched_at() ? in.switched_at() : -1,
                              .switchedAtEpisode = in.switched_at_episode(),
                              .targetCopies = in.target_copies(),
                              .evaluations = in.evaluations(),
                              .askedAt = readAskedAt(in),
                              .updateIsUnasked = in.update_is_unasked(),
                              .closedShare = {},
                              .testReturn = {},
                              .testWinRate = {}};
    if (in.has_closed_share()) {
        counters.closedShare = in.closed_share();
    }
    if (in.has_test_return()) {
        counters.testReturn = in.test_return();
    }
    if (in.has_test_win_rate()) {
        counters.testWinRate = in.test_win_rate();
    }
    return counters;
}

Result<pb::Checkpoint> parse(std::string_view bytes) {
    pb::Checkpoint message;
    if (bytes.size() > std::numeric_limits<int>::max() ||
        !message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
        return fail(ErrorCode::Corrupt, "these bytes are not a checkpoint");
    }
    if (message.version() > kVersion) {
        return fail(ErrorCode::NewerVersion, fmt::format("the checkpoint has version {}; this program reads up to {}",
                                                         message.version(), kVersion));
    }
    return message;
}

} // namespace

std::string writeCheckpoint(const TrainerState& state) {
    pb::Checkpoint message;
    message.set_version(kVersion);
    writeCounters(state.counters, message);
    message.set_optimiser_steps(state.learner.optimiser().steps());
    const RewardScale::State& scale = state.learner.rewardScale().state();
    message.mutable_reward_scale()->set_count(scale.count);
    message.mutable_reward_scale()->set_mean(scale.mean);
    message.mutable_reward_scale()->set_variance(scale.variance);
    writeBranches(state.learner.online(), message);
    writeBlocks(state.learner.online().parameters(), *message.mutable_online());
    writeBlocks(state.learner.target().parameters(), *message.mutable_target());
    writeDiagnostics(state.diagnostics, state.learner.online().sites(), message);
    for (const auto& intervention : state.interventions) {
        message.add_interventions(intervention->save());
    }
    writeReplay(state.replay, message);
    for (const RunningMean& mean : state.metrics.state().means) {
        pb::Mean& out = *message.add_metric_means();
        out.set_sum(mean.sum);
        out.set_count(mean.count);
    }
    message.set_metric_env_step(state.metrics.state().lastEnvStep);
    writeMemories(state.networks, message);
    return message.SerializeAsString();
}

Result<void> readCheckpoint(std::string_view bytes, const TrainerParts& parts, const EnvironmentForTask& environments) {
    const auto message = parse(bytes);
    if (!message) {
        return tl::unexpected(message.error());
    }
    for (FactorizedNet* net : {&parts.learner.online(), &parts.learner.target()}) {
        if (auto rebuilt = rebuildBranches(*message, *net); !rebuilt) {
            return rebuilt;
        }
    }
    if (auto read = readBlocks(message->online(), parts.learner.online().parameters()); !read) {
        return read;
    }
    if (auto read = readBlocks(message->target(), parts.learner.target().parameters()); !read) {
        return read;
    }
    if (auto read = readDiagnostics(*message, parts.learner.online().sites(), parts.diagnostics); !read) {
        return read;
    }
    for (std::size_t i = 0; i < parts.interventions.size(); ++i) {
        const bool known = i < static_cast<std::size_t>(message->interventions_size());
        if (!parts.interventions[i]->restore(known ? message->interventions(static_cast<int>(i)) : std::string())) {
            return corrupt(fmt::format("the state of intervention {} is another's", i));
        }
    }
    if (auto read = readReplay(*message, parts.replay, environments); !read) {
        return read;
    }
    MetricLog::State metrics = parts.metrics.state();
    for (std::size_t i = 0; i < metrics.means.size() && i < static_cast<std::size_t>(message->metric_means_size());
         ++i) {
        const pb::Mean& mean = message->metric_means(static_cast<int>(i));
        metrics.means[i] = {mean.sum(), mean.count()};
    }
    metrics.lastEnvStep = message->metric_env_step();
    parts.metrics.restore(std::move(metrics));
    readMemories(*message, parts.networks);
    parts.learner.optimiser().setSteps(message->optimiser_steps());
    if (message->has_reward_scale()) { // older programs did not standardise
        const pb::RewardScale& scale = message->reward_scale();
        parts.learner.rewardScale().restore({scale.count(), scale.mean(), scale.variance()});
    }
    parts.counters = readCounters(*message);
    return {};
}

} // namespace knife
