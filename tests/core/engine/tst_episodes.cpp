// SPDX-License-Identifier: GPL-3.0-or-later
// The way of an episode: played, recorded, packed, replayed, sampled, laid out as a batch.
#include <bit>
#include <cmath>
#include <limits>
#include <map>
#include <set>

#include <ATen/ATen.h>
#include <QTest>
#include <rapidcheck.h>

#include "core/envs/registry.h"
#include "core/learning/replay.h"
#include "core/learning/rollout.h"
#include "core/learning/schedules.h"
#include "engine_fixtures.h"

using namespace knife;
using namespace knife::test;

namespace {

std::vector<float> unpack(const PackedFloats& packed) {
    std::vector<float> values(packed.size());
    packed.copyTo(0, values);
    return values;
}

bool sameFloats(const std::vector<float>& a, const std::vector<float>& b) {
    return std::ranges::equal(
        a, b, [](float x, float y) { return std::bit_cast<std::uint32_t>(x) == std::bit_cast<std::uint32_t>(y); });
}

bool sameRecord(const EpisodeRecord& a, const EpisodeRecord& b) {
    return a.length == b.length && a.terminated == b.terminated && a.won == b.won && a.totalReward == b.totalReward &&
           a.avail == b.avail && a.actions == b.actions && sameFloats(a.reward, b.reward) &&
           sameFloats(unpack(a.obs), unpack(b.obs)) && sameFloats(unpack(a.state), unpack(b.state));
}

// Game worlds by name, as an experiment file would name them.
struct Game {
    const char* name;
    const char* toml;
};
constexpr Game kGames[] = {
    {"one step", "name = \"matrix\"\ntable = \"climbing\""},
    {"one step, coins", "name = \"matrix\"\ntable = \"climbing_fully_stochastic\"\nnoise = 0.5"},
    {"two steps", "name = \"matrix\"\ntable = \"two_step\""},
    {"n steps", "name = \"matrix\"\ntable = \"nstep\"\nsteps = 6"},
    {"hunt", "name = \"stag_hunt\"\nworld_shape = [5, 6]\nn_agents = 3\nn_stags = 2\nn_hare = 1\nepisode_limit = 25"},
    {"hunt to the end", "name = \"stag_hunt\"\nworld_shape = [3, 3]\nn_agents = 2\nn_stags = 1\nepisode_limit = 200\n"
                        "capture_terminal = true\nmiscapture_punishment = 0.0"},
};

Section envOf(const QString& toml) {
    return sectionOf(toml.toStdString(), "env");
}

// A network for the game and a rollout of that many parallel environments.
struct Player {
    Setup setup;
    std::unique_ptr<Learner> learner;
    std::unique_ptr<Rollout> rollout;

    Player(const Section& env, int parallel) {
        auto environments = VectorEnv::make(env, parallel);
        if (!environments) {
            throw std::runtime_error(environments.error().describe());
        }
        setup.spec = environments->spec();
        learner = setup.learner();
        rollout = std::make_unique<Rollout>(std::move(*environments), setup.layout());
    }

    Episodes play(std::uint64_t first, int count, double epsilon) {
        std::vector<EpisodeOrigin> origins;
        for (int i = 0; i < count; ++i) {
            origins.push_back(
                {.task = 0, .key = {.seed = 3, .greedy = false, .episode = first + static_cast<std::uint64_t>(i)}});
        }
        auto played = rollout->play(learner->online(), origins, epsilon, nullptr);
        if (!played) {
            throw std::runtime_error(played.error().describe());
        }
        Episodes episodes;
        for (EpisodeRecord& episode : *played) {
            episodes.push_back(std::make_shared<const EpisodeRecord>(std::move(episode)));
        }
        return episodes;
    }
};

void addGames() {
    QTest::addColumn<QString>("toml");
    for (const Game& game : kGames) {
        QTest::addRow("%s", game.name) << QString(game.toml);
    }
}

// Visits what every agent could do and did.
template <typename Visit>
void forEachChoice(const EpisodeRecord& episode, const EnvSpec& spec, Visit visit) {
    for (int t = 0; t < episode.length; ++t) {
        for (int a = 0; a < spec.nAgents; ++a) {
            const auto row = static_cast<std::size_t>(t * spec.nAgents + a);
            const auto actions = static_cast<std::size_t>(spec.nActions);
            visit(t, a, std::span(episode.avail).subspan(row * actions, actions), episode.actions[row]);
        }
    }
}

} // namespace

class TestEpisodes : public QObject {
    Q_OBJECT

  private Q_SLOTS:
    void packingIsLossless() {
        using Limits = std::numeric_limits<float>;
        const std::vector<std::vector<float>> cases = {
            {},
            {0.F},
            {-0.F},
            {127.F, -128.F},
            {128.F},
            {-129.F},
            {0.5F, 1.F},
            {127.5F},
            {-128.5F},
            {Limits::quiet_NaN()},
            {std::bit_cast<float>(0x7fc12345U)},
            {Limits::infinity(), -Limits::infinity()},
            {Limits::denorm_min()},
            {Limits::max()},
        };
        for (const auto& values : cases) {
            const PackedFloats packed(values);
            QCOMPARE(packed.size(), values.size());
            QVERIFY(sameFloats(unpack(packed), values));
        }
        QCOMPARE(PackedFloats(std::vector<float>{0.F, -128.F, 127.F}).bytes(), std::size_t(3));
        QCOMPARE(PackedFloats(std::vector<float>{0.F, -0.F}).bytes(), std::size_t(8));
    }

    void packingAnyBitsIsLossless() {
        QVERIFY(rc::check("any bits come back, from any place", [](const std::vector<std::uint32_t>& bits) {
            std::vector<float> values;
            for (const std::uint32_t word : bits) {
                // Half of the words become small integers, so that narrow and wide arrays both come up.
                values.push_back(word % 2 == 0 ? static_cast<float>(static_cast<int>(word % 300) - 150)
                                               : std::bit_cast<float>(word));
            }
            const PackedFloats packed(values);
            RC_ASSERT(sameFloats(unpack(packed), values));
            const auto first = *rc::gen::inRange<std::size_t>(0, values.size() + 1);
            std::vector<float> tail(values.size() - first);
            packed.copyTo(first, tail);
            RC_ASSERT(sameFloats(tail, {values.begin() + static_cast<std::ptrdiff_t>(first), values.end()}));
        }));
    }

    // What is shown of a choice is what it was made by: of the first environment, in its last step.
    void choicesAreShownAsTheyWereMade_data() { addGames(); }
    void choicesAreShownAsTheyWereMade() {
        QFETCH(QString, toml);
        Player player(envOf(toml), 3);
        QVERIFY(player.rollout->lastChoices().empty());
        for (std::uint64_t first = 0; first < 9; first += 3) {
            const Episodes episodes = player.play(first, 3, 0.0);
            const std::vector<ChoiceView> choices = player.rollout->lastChoices();
            const EnvSpec& spec = player.setup.spec;
            QCOMPARE(choices.size(), static_cast<std::size_t>(spec.nAgents));
            const std::vector<float> seen = unpack(episodes[0]->obs);
            forEachChoice(*episodes[0], spec, [&](int t, int a, std::span<const std::uint8_t> legal, int action) {
                if (t + 1 < episodes[0]->length) {
                    return;
                }
                const ChoiceView& choice = choices[static_cast<std::size_t>(a)];
                QCOMPARE(choice.action, action);
                QVERIFY(std::ranges::equal(choice.legal, legal));
                const auto from = seen.begin() + static_cast<std::ptrdiff_t>(t * spec.nAgents + a) * spec.obsDim;
                QVERIFY(std::equal(choice.observation.begin(), choice.observation.end(), from, from + spec.obsDim));
                // Without exploration, nothing legal is worth more than what was done.
                for (std::size_t other = 0; other < legal.size(); ++other) {
                    QVERIFY(legal[other] == 0 ||
                            choice.values[other] <= choice.values[static_cast<std::size_t>(action)]);
                }
            });
        }
    }

    void theBufferKeepsTheNewestEpisodes() {
        Replay replay(4);
        const Episodes episodes = randomEpisodes(smallWorld(), {1, 2, 3, 4, 5, 6});
        for (const auto& episode : episodes) {
            replay.add(episode);
        }
        QCOMPARE(replay.size(), std::size_t(4));
        QVERIFY(std::ranges::equal(replay.episodes(), std::span(episodes).subspan(2)));
        QVERIFY(std::ranges::equal(replay.newest(2), std::span(episodes).subspan(4)));
        QVERIFY(std::ranges::equal(replay.newest(100), std::span(episodes).subspan(2)));
        replay.clear();
        QCOMPARE(replay.size(), std::size_t(0));
        QVERIFY(replay.newest(3).empty());
    }

    void theBufferCanForgetAllButTheNewest() {
        Replay replay(4);
        const Episodes episodes = randomEpisodes(smallWorld(), {1, 2, 3, 4, 5, 6});
        for (const auto& episode : episodes) {
            replay.add(episode);
        }
        replay.keepNewest(2);
        QVERIFY(std::ranges::equal(replay.episodes(), std::span(episodes).subspan(4)));
        replay.add(episodes[0]);
        QCOMPARE(replay.size(), std::size_t(3));
        replay.keepNewest(9);
        QCOMPARE(replay.size(), std::size_t(3));
        replay.keepNewest(0);
        QCOMPARE(replay.size(), std::size_t(0));
    }

    void heldEpisodesStayWhileOthersComeAndGo() {
        const Episodes episodes = randomEpisodes(smallWorld(), {1, 2, 3, 4, 5, 6, 7, 8, 9, 10});
        Replay replay(6);
        for (int i = 0; i < 4; ++i) {
            replay.add(episodes[static_cast<std::size_t>(i)]);
        }
        replay.holdSample(2, {.held = 0, .since = 4}, CounterRng({3, "test", 0}));
        QCOMPARE(replay.size(), std::size_t(2));
        QCOMPARE(replay.held(), std::size_t(2));
        const std::vector<std::shared_ptr<const EpisodeRecord>> held{replay.episodes().begin(),
                                                                     replay.episodes().end()};
        QVERIFY(held[0]->length < held[1]->length && held[1]->length <= 4); // a sample, in its order
        for (std::size_t i = 4; i < 10; ++i) {
            replay.add(episodes[i]);
        }
        QCOMPARE(replay.size(), std::size_t(6));
        QVERIFY(std::equal(held.begin(), held.end(), replay.episodes().begin()));
        QVERIFY(std::ranges::equal(replay.newest(4), std::span(episodes).subspan(6)));
        replay.holdSample(9, {.held = 4, .since = 6}, CounterRng({3, "test", 1})); // more than there are
        QCOMPARE(replay.size(), std::size_t(6));
        QCOMPARE(replay.held(), std::size_t(6));
        replay.clear();
        QCOMPARE(replay.held(), std::size_t(0));
    }

    void aHeldSampleIsUniformOverAllThatWereCollected() {
        // Ten held episodes stand for 300 before, twenty for 100 since then: of eight, six should be old on average.
        const Episodes old = randomEpisodes(smallWorld(), std::vector<int>(10, 1));
        const Episodes young = randomEpisodes(smallWorld(), std::vector<int>(20, 2));
        constexpr int kSamples = 4000;
        std::map<const EpisodeRecord*, int> seen;
        double oldOnes = 0.0;
        for (int i = 0; i < kSamples; ++i) {
            Replay replay(40);
            for (const Episodes* part : {&old, &young}) {
                for (const auto& episode : *part) {
                    replay.add(episode);
                }
            }
            replay.hold(old.size());
            replay.holdSample(4, {.held = 300, .since = 100}, CounterRng({5, "test", static_cast<std::uint64_t>(i)}));
            for (const auto& episode : replay.episodes()) {
                ++seen[episode.get()];
                oldOnes += episode->length == 1 ? 1.0 : 0.0;
            }
        }
        // Each old one weighs 30, each young one 5; without replacement the old ones are a little fewer than 3 of 4.
        const double share = oldOnes / (4.0 * kSamples);
        QVERIFY2(share > 0.68 && share < 0.75, qPrintable(QString::number(share)));
        for (const auto& [episode, count] : seen) {
            const double expected = episode->length == 1 ? oldOnes / 10.0 : (4.0 * kSamples - oldOnes) / 20.0;
            QVERIFY(std::abs(count - expected) < 5.0 * std::sqrt(expected));
        }
    }

    void samplesAreUniformOverSetsWithoutRepeats() {
        Replay replay(8);
        for (const auto& episode : randomEpisodes(smallWorld(), {1, 2, 3, 4, 5, 6})) {
            replay.add(episode);
        }
        constexpr int kSamples = 20'000;
        std::map<std::set<int>, int> seen;
        for (int i = 0; i < kSamples; ++i) {
            std::set<int> lengths;
            for (const auto& episode : replay.sample(3, CounterRng({9, "replay", static_cast<std::uint64_t>(i)}))) {
                lengths.insert(episode->length);
            }
            QCOMPARE(lengths.size(), std::size_t(3));
            ++seen[lengths];
        }
        QCOMPARE(seen.size(), std::size_t(20)); // 6 over 3
        const double expected = kSamples / 20.0;
        double chiSquare = 0.0;
        for (const auto& [lengths, count] : seen) {
            chiSquare += (count - expected) * (count - expected) / expected;
        }
        QVERIFY2(chiSquare < 43.8, qPrintable(QString::number(chiSquare))); // 19 degrees of freedom, p = 0.001
        QCOMPARE(replay.sample(6, CounterRng({9, "replay", 0})).size(), std::size_t(6));
        QVERIFY(replay.sample(0, CounterRng({9, "replay", 0})).empty());
    }

    void batchesAreLaidOutAsTheySay_data() {
        QTest::addColumn<bool>("lastAction");
        QTest::addColumn<bool>("agentId");
        for (const bool lastAction : {false, true}) {
            for (const bool agentId : {false, true}) {
                QTest::addRow("last action %d, agent id %d", lastAction, agentId) << lastAction << agentId;
            }
        }
    }
    void batchesAreLaidOutAsTheySay() {
        QFETCH(bool, lastAction);
        QFETCH(bool, agentId);
        Setup setup;
        setup.agent.lastAction = lastAction;
        setup.agent.agentId = agentId;
        const EnvSpec& spec = setup.spec;
        const Episodes episodes = randomEpisodes(spec, {2, 5, 1});
        const Batch batch = setup.batch(episodes);
        const int width = spec.obsDim + (lastAction ? spec.nActions : 0) + (agentId ? spec.nAgents : 0);
        QCOMPARE(batch.steps, std::int64_t(5));
        QCOMPARE(batch.inputs.sizes().vec(), (std::vector<std::int64_t>{6, 3 * 3, width}));
        QCOMPARE(batch.lengths, (std::vector<int>{2, 5, 1}));
        QCOMPARE(batch.terminated, (std::vector<char>{1, 0, 1}));
        for (std::int64_t b = 0; b < 3; ++b) {
            const EpisodeRecord& episode = *episodes[static_cast<std::size_t>(b)];
            const auto obs = unpack(episode.obs);
            const auto state = unpack(episode.state);
            for (std::int64_t t = 0; t <= batch.steps; ++t) {
                const bool observed = t <= episode.length;
                std::vector<float> expectedState(static_cast<std::size_t>(spec.stateDim), 0.F);
                if (observed) {
                    std::copy_n(state.begin() + t * spec.stateDim, spec.stateDim, expectedState.begin());
                }
                QVERIFY(sameBits(batch.state[t][b], at::tensor(expectedState)));
                if (t < batch.steps) {
                    const bool valid = t < episode.length;
                    QCOMPARE(batch.valid[t][b].item<float>(), valid ? 1.F : 0.F);
                    QCOMPARE(batch.reward[static_cast<std::size_t>(t * 3 + b)],
                             valid ? episode.reward[static_cast<std::size_t>(t)] : 0.F);
                }
                for (int a = 0; a < spec.nAgents; ++a) {
                    const auto row = static_cast<std::size_t>(t * spec.nAgents + a);
                    std::vector<float> input(static_cast<std::size_t>(width), 0.F);
                    if (observed) {
                        std::copy_n(obs.begin() + static_cast<std::ptrdiff_t>(row) * spec.obsDim, spec.obsDim,
                                    input.begin());
                        if (lastAction && t > 0) {
                            const int last = episode.actions[row - static_cast<std::size_t>(spec.nAgents)];
                            input[static_cast<std::size_t>(spec.obsDim + last)] = 1.F;
                        }
                        if (agentId) {
                            input[static_cast<std::size_t>(width - spec.nAgents + a)] = 1.F;
                        }
                    }
                    QVERIFY(sameBits(batch.inputs[t][b * spec.nAgents + a], at::tensor(input)));
                    for (int action = 0; action < spec.nActions; ++action) {
                        const bool illegal = observed && episode.avail[row * static_cast<std::size_t>(spec.nActions) +
                                                                       static_cast<std::size_t>(action)] == 0;
                        QCOMPARE(batch.unavailable[t][b][a][action].item<bool>(), illegal);
                    }
                    if (t < batch.steps) {
                        QCOMPARE(batch.actions[t][b][a].item<std::int64_t>(),
                                 t < episode.length ? std::int64_t(episode.actions[row]) : std::int64_t(0));
                    }
                }
            }
        }
    }

    void agentsMayBeToldTheTask() {
        Setup setup;
        const InputLayout plain = setup.layout();
        const InputLayout told(setup.spec, setup.agent, {0, 1, 0, 2});
        QCOMPARE(told.width(), plain.width() + 3);
        for (const int task : {0, 1, 2, 3}) {
            auto episode = std::make_shared<EpisodeRecord>(*randomEpisode(setup.spec, 3, End::Terminated, 5));
            episode->origin.task = task;
            const Batch batch = makeBatch({episode}, setup.spec, told);
            QVERIFY(sameBits(batch.inputs.narrow(2, 0, plain.width()).contiguous(), setup.batch({episode}).inputs));
            const at::Tensor id = batch.inputs.narrow(2, plain.width(), 3);
            QCOMPARE(id.sum().item<float>(), 4.F * 3.F); // every step of every agent
            QCOMPARE(id.select(2, told.taskIds[static_cast<std::size_t>(task)]).sum().item<float>(), 12.F);
        }
    }

    void epsilonFallsInAStraightLine() {
        const ExplorationConfig config{.start = 1.0, .finish = 0.2, .annealSteps = 100, .onSwitch = "restart"};
        const auto at = [&](std::int64_t now, std::int64_t since = 0) {
            return epsilonAt(config, EnvStep{now}, EnvStep{since});
        };
        QCOMPARE(at(0), 1.0);
        QCOMPARE(at(50), 0.6);
        QCOMPARE(at(100), 0.2);
        QCOMPARE(at(1'000'000'000'000), 0.2);
        QCOMPARE(at(550, 500), 0.6);
        QCOMPARE(epsilonAt({.start = 1.0, .finish = 0.2, .annealSteps = 0, .onSwitch = ""}, EnvStep{0}, EnvStep{0}),
                 0.2);
    }

    void anEpisodePlayedAgainIsTheSameBitForBit_data() { addGames(); }
    void anEpisodePlayedAgainIsTheSameBitForBit() {
        QFETCH(QString, toml);
        Player player(envOf(toml), 4);
        for (const double epsilon : {0.0, 0.3, 1.0}) {
            for (const auto& episode : player.play(10, 4, epsilon)) {
                const auto environment = makeEnvironment(envOf(toml));
                QVERIFY(environment);
                const auto again = replayEpisode(**environment, episode->origin, episode->actions);
                QVERIFY(again);
                QVERIFY(sameRecord(*again, *episode));
                QCOMPARE(again->origin.key.episode, episode->origin.key.episode);
            }
        }
    }

    void replayingAnIllegalActionIsAnError() {
        const auto environment = makeEnvironment(envOf(kGames[0].toml));
        QVERIFY(environment);
        const auto replayed = replayEpisode(**environment, {}, {0, 77});
        QVERIFY(!replayed);
        QVERIFY(replayed.error().code == ErrorCode::IllegalAction);
    }

    void recordsHoldWhatTheySay_data() { addGames(); }
    void recordsHoldWhatTheySay() {
        QFETCH(QString, toml);
        Player player(envOf(toml), 3);
        const EnvSpec& spec = player.setup.spec;
        for (const auto& episode : player.play(0, 3, 1.0)) {
            const auto length = static_cast<std::size_t>(episode->length);
            QVERIFY(episode->length >= 1 && episode->length <= spec.episodeLimit);
            QCOMPARE(episode->obs.size(), (length + 1) * static_cast<std::size_t>(spec.nAgents * spec.obsDim));
            QCOMPARE(episode->state.size(), (length + 1) * static_cast<std::size_t>(spec.stateDim));
            QCOMPARE(episode->avail.size(), (length + 1) * static_cast<std::size_t>(spec.nAgents * spec.nActions));
            QCOMPARE(episode->actions.size(), length * static_cast<std::size_t>(spec.nAgents));
            QCOMPARE(episode->reward.size(), length);
            double sum = 0.0;
            for (const float reward : episode->reward) {
                sum += static_cast<double>(reward);
            }
            QCOMPARE(episode->totalReward, sum);
        }
    }

    void episodesDoNotDependOnTheirCompany_data() { addGames(); }
    void episodesDoNotDependOnTheirCompany() {
        QFETCH(QString, toml);
        Player together(envOf(toml), 4);
        Player alone(envOf(toml), 1);
        (void)together.play(90, 4, 1.0); // leftovers of earlier episodes must not show
        const Episodes four = together.play(20, 4, 1.0);
        const Episodes two = together.play(20, 2, 1.0); // fewer episodes than environments
        for (std::size_t i = 0; i < four.size(); ++i) {
            QVERIFY(sameRecord(*four[i], *alone.play(20 + i, 1, 1.0)[0]));
            if (i < two.size()) {
                QVERIFY(sameRecord(*four[i], *two[i]));
            }
        }
    }

    void withoutExplorationActionsAreGreedyAndLegal_data() { addGames(); }
    void withoutExplorationActionsAreGreedyAndLegal() {
        QFETCH(QString, toml);
        Player player(envOf(toml), 2);
        const EnvSpec& spec = player.setup.spec;
        const Episodes episodes = player.play(0, 2, 0.0);
        const Batch batch = player.setup.batch(episodes);
        const at::NoGradGuard noGrad;
        const at::Tensor q = player.learner->online()
                                 .agent()
                                 .unroll(batch.inputs, nullptr)
                                 .outputs.view({batch.steps + 1, 2, spec.nAgents, spec.nActions});
        for (std::int64_t b = 0; b < 2; ++b) {
            forEachChoice(*episodes[static_cast<std::size_t>(b)], spec, [&](int t, int a, auto avail, int action) {
                QVERIFY(avail[static_cast<std::size_t>(action)] != 0);
                for (int other = 0; other < spec.nActions; ++other) {
                    const float advantage = (q[t][b][a][other] - q[t][b][a][action]).template item<float>();
                    // The unroll's kernels have another shape and round a little differently.
                    QVERIFY(avail[static_cast<std::size_t>(other)] == 0 || advantage <= 1e-5F);
                }
            });
        }
    }

    void fullExplorationIsUniformOverLegalActions() {
        Player player(envOf("name = \"stag_hunt\"\nworld_shape = [4, 4]\nn_agents = 4\nn_stags = 2\n"
                            "episode_limit = 50\nmiscapture_punishment = 0.0"),
                      8);
        std::map<std::string, std::map<int, int>> chosen; // by what was legal
        for (std::uint64_t first = 0; first < 400; first += 8) {
            for (const auto& episode : player.play(first, 8, 1.0)) {
                forEachChoice(*episode, player.setup.spec, [&](int, int, auto avail, int action) {
                    QVERIFY(avail[static_cast<std::size_t>(action)] != 0);
                    ++chosen[{avail.begin(), avail.end()}][action];
                });
            }
        }
        QVERIFY(chosen.size() > 3);
        for (const auto& [avail, counts] : chosen) {
            const auto legal = static_cast<double>(std::ranges::count(avail, char{1}));
            double total = 0.0;
            for (const auto& [action, count] : counts) {
                total += count;
            }
            if (total < 100.0) {
                continue;
            }
            double chiSquare = 0.0;
            for (std::size_t action = 0; action < avail.size(); ++action) {
                if (avail[action] != 0) {
                    const auto found = counts.find(static_cast<int>(action));
                    const double count = found == counts.end() ? 0.0 : found->second;
                    chiSquare += (count - total / legal) * (count - total / legal) / (total / legal);
                }
            }
            const double bound = legal + 5.0 * std::sqrt(2.0 * legal);
            QVERIFY2(chiSquare < bound, qPrintable(QString("%1 of %2 actions").arg(chiSquare).arg(legal)));
        }
    }

    void anExplorationRateInBetweenIsKept() {
        // The greedy action of an untrained network in a one-step game is one and the same all the time.
        Player player(envOf("name = \"matrix\"\ntable = \"climbing\""), 16);
        const int greedy = player.play(0, 1, 0.0)[0]->actions[0];
        double others = 0.0;
        constexpr int kEpisodes = 4000;
        for (std::uint64_t first = 0; first < kEpisodes; first += 16) {
            for (const auto& episode : player.play(first, 16, 0.3)) {
                others += episode->actions[0] == greedy ? 0.0 : 1.0;
            }
        }
        QVERIFY(std::abs(others / kEpisodes - 0.3 * 2.0 / 3.0) < 0.03);
    }
};

QTEST_APPLESS_MAIN(TestEpisodes)
#include "tst_episodes.moc"
