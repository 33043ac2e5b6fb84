// SPDX-License-Identifier: GPL-3.0-or-later
// Batches: rows, activity, independence of the batch size, and no memory from the heap while they step.
#include <QTest>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <new>

#include "core/envs/vector_env.h"
#include "played.h"

using namespace knife;

namespace {

std::atomic<long> allocations = 0;

} // namespace

// The whole family, so that a sanitizer sees no memory change hands between two of them.
void* operator new(std::size_t size) {
    ++allocations;
    if (void* memory = std::malloc(size > 0 ? size : 1)) {
        return memory;
    }
    throw std::bad_alloc();
}

void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
    ++allocations;
    return std::malloc(size > 0 ? size : 1);
}

void* operator new[](std::size_t size) {
    return operator new(size);
}

void* operator new[](std::size_t size, const std::nothrow_t& nothrow) noexcept {
    return operator new(size, nothrow);
}

void operator delete(void* memory) noexcept {
    std::free(memory);
}

void operator delete(void* memory, std::size_t) noexcept {
    std::free(memory);
}

void operator delete[](void* memory) noexcept {
    std::free(memory);
}

void operator delete[](void* memory, std::size_t) noexcept {
    std::free(memory);
}

namespace {

template <typename T>
std::vector<T> row(std::span<const T> all, int index, int count) {
    const auto width = all.size() / static_cast<std::size_t>(count);
    const auto part = all.subspan(static_cast<std::size_t>(index) * width, width);
    return {part.begin(), part.end()};
}

// Actions of an episode that depend on nothing but the episode and the step.
std::vector<std::int32_t> actionsOf(const EnvSpec& spec, const std::vector<std::uint8_t>& avail, std::uint64_t episode,
                                    int step) {
    CounterRng random({3, "actions", episode * 1000 + static_cast<std::uint64_t>(step)});
    return legalActions(spec, avail, random);
}

struct Trace {
    std::vector<float> rewards;
    std::vector<std::vector<float>> obs;
    bool operator==(const Trace&) const = default;
};

// Plays the given episodes in a batch of `count`, each environment taking the next one as it becomes free.
std::vector<Trace> playAll(const Section& env, int count, std::uint64_t episodes) {
    VectorEnv batch = VectorEnv::make(env, count).value();
    const EnvSpec& spec = batch.spec();
    std::vector<Trace> traces(episodes);
    std::vector<std::uint64_t> playing(static_cast<std::size_t>(count));
    std::vector<int> steps(static_cast<std::size_t>(count));
    std::uint64_t next = 0;
    std::vector<std::int32_t> actions(static_cast<std::size_t>(count * spec.nAgents));
    while (true) {
        for (int e = 0; e < count; ++e) {
            const auto i = static_cast<std::size_t>(e);
            if (batch.active()[i] == 0 && next < episodes) {
                batch.reset(e, {17, false, next});
                playing[i] = next++;
                steps[i] = 0;
            }
            if (batch.active()[i] != 0) {
                const auto mine = actionsOf(spec, row(batch.avail(), e, count), playing[i], steps[i]++);
                std::copy(mine.begin(), mine.end(), actions.begin() + e * spec.nAgents);
            }
        }
        if (batch.activeCount() == 0) {
            return traces;
        }
        const std::vector<std::uint8_t> wasActive(batch.active().begin(), batch.active().end());
        if (!batch.step(actions)) {
            return {};
        }
        for (int e = 0; e < count; ++e) {
            const auto i = static_cast<std::size_t>(e);
            if (wasActive[i] != 0) {
                traces[playing[i]].rewards.push_back(batch.rewards()[i]);
                traces[playing[i]].obs.push_back(row(batch.obs(), e, count));
            }
        }
    }
}

const char* const kShortHunt = "name = \"stag_hunt\"\nepisode_limit = 12\nrandom_ghosts = true\np_stags_rest = 0.3\n";

} // namespace

class TestVectorEnv : public QObject {
    Q_OBJECT
  private Q_SLOTS:
    void inactiveRowsAreLeftAlone();
    void episodesDoNotDependOnTheBatch();
    void errorsNameTheEnvironment();
    void badConfigurationsAreRefused();
    void steppingDoesNotAllocate_data();
    void steppingDoesNotAllocate();
};

void TestVectorEnv::inactiveRowsAreLeftAlone() {
    VectorEnv batch = VectorEnv::make(envSection("name = \"matrix\"\ntable = \"mmdp\"\nhorizon = 2"), 3).value();
    QCOMPARE(batch.activeCount(), 0);
    batch.reset(0, {1, false, 0});
    batch.reset(2, {1, false, 1});
    QCOMPARE(batch.activeCount(), 2);
    QVERIFY(batch.step(std::vector<std::int32_t>{0, 0, 9, 9, 1, 1}).has_value()); // nobody looks at the middle row
    QCOMPARE(row(batch.rewards(), 0, 1), (std::vector<float>{1, 0, 0}));
    QCOMPARE(row(batch.state(), 0, 1), (std::vector<float>{0, 1, 0, 0, 1, 0}));
    QVERIFY(batch.step(std::vector<std::int32_t>{0, 0, 0, 0, 0, 0}).has_value());
    QCOMPARE(batch.activeCount(), 0);
    QCOMPARE(row(batch.truncated(), 0, 1), (std::vector<std::uint8_t>{1, 0, 1}));
    QCOMPARE(row(batch.terminated(), 0, 1), (std::vector<std::uint8_t>{0, 0, 0}));
    batch.reset(1, {1, false, 2});
    batch.reset(0, {1, false, 3});
    QCOMPARE(row(batch.truncated(), 0, 1), (std::vector<std::uint8_t>{0, 0, 1}));
    QCOMPARE(row(batch.rewards(), 0, 1), (std::vector<float>{0, 0, 0}));
    batch.reset(0, {1, false, 4});
    QCOMPARE(batch.activeCount(), 2);
}

void TestVectorEnv::episodesDoNotDependOnTheBatch() {
    for (const char* config : {kShortHunt, "name = \"matrix\"\ntable = \"nstep\"\nnoise = 1.0", "name = \"smac:2s3z\"",
                               "name = \"smacv2:zerg_5_vs_5_epo\"\nhealth_level = [0.1, 0.5]", "name = \"tag\""}) {
        const Section env = envSection(config);
        const std::vector<Trace> alone = playAll(env, 1, 40);
        QCOMPARE(alone.size(), std::size_t{40});
        QVERIFY(alone[0] != alone[1]);
        QVERIFY(playAll(env, 7, 40) == alone);
        QVERIFY(playAll(env, 40, 40) == alone);
    }
}

void TestVectorEnv::errorsNameTheEnvironment() {
    VectorEnv batch = VectorEnv::make(envSection("name = \"matrix\""), 2).value();
    batch.reset(1, {});
    const auto illegal = batch.step(std::vector<std::int32_t>{0, 0, 0, 7});
    QVERIFY(!illegal);
    QVERIFY(illegal.error().code == ErrorCode::IllegalAction);
    QCOMPARE(illegal.error().describe(),
             std::string("matrix: agent 1: there is no action 7; expected 0 to 2 (while stepping environment 1)"));
    QVERIFY(!batch.step(std::vector<std::int32_t>{0, 0}));
}

void TestVectorEnv::badConfigurationsAreRefused() {
    QVERIFY(!VectorEnv::make(envSection("name = \"matrix\"\nsize = 0"), 2));
}

void TestVectorEnv::steppingDoesNotAllocate_data() {
    QTest::addColumn<QString>("config");
    QTest::newRow("pred_prey_punish") << "name = \"stag_hunt\"";
    QTest::newRow("large, ids, one-hot, ghosts") << "name = \"stag_hunt\"\npreset = \"stag_hunt_l\"\nobserve_ids = "
                                                    "true\nobserve_one_hot = true\nrandom_ghosts = true";
    QTest::newRow("cone") << "name = \"stag_hunt\"\ndirected_observations = true\ntoroidal = true";
    QTest::newRow("whole grid") << "name = \"stag_hunt\"\nobserve_state = true\ncapture_action = false";
    QTest::newRow("battle") << "name = \"smac:3s5z_vs_3s6z\"";
    QTest::newRow("battle around cliffs") << "name = \"smac:2c_vs_64zg\"";
    QTest::newRow("random battle") << "name = \"smacv2:terran_10_vs_11\"\nobs_last_action = true";
    QTest::newRow("any team") << "name = \"smacv2:zerg_5_vs_5\"\nteam = \"all_teams\"\nunits = 3";
    QTest::newRow("extended partial observability") << "name = \"smacv2:zerg_10_vs_10_epo\"";
    QTest::newRow("capabilities") << "name = \"smacv2:protoss_5_vs_5\"\nhealth_level = [0.1, 0.6]\nconic_fov = "
                                     "true\nattack_probability = [0.5, 1.0]\nenemy_mask_probability = 0.5";
    QTest::newRow("fixed")
        << "name = \"smacv2:terran_5_vs_5\"\nteam = \"fixed\"\nteam_items = [\"marine marine marine "
           "medivac medivac\"]\nattack_items = [[0.5, 0.5, 1.0, 1.0, 1.0]]\nheuristic_ai = "
           "true\nheuristic_rest = true\ncompat_first_episode_scale = true\ncompat_enemy_wipe = true";
    QTest::newRow("plane") << "name = \"tag\"";
    QTest::newRow("matrix") << "name = \"matrix\"\ntable = \"nstep\"\nnoise = 1.0";
}

void TestVectorEnv::steppingDoesNotAllocate() {
    QFETCH(QString, config);
    const long beforeMaking = allocations;
    VectorEnv batch = VectorEnv::make(envSection(config.toStdString()), 4).value();
    QVERIFY2(allocations > beforeMaking + 4, "the counter does not count");
    const EnvSpec& spec = batch.spec();
    std::vector<std::int32_t> actions(static_cast<std::size_t>(4 * spec.nAgents));
    CounterRng random({2, "actions", 0});
    std::uint64_t episode = 0;
    bool fine = true;
    const long before = allocations;
    for (int step = 0; step < 500; ++step) {
        for (int e = 0; e < 4; ++e) {
            if (batch.active()[static_cast<std::size_t>(e)] == 0) {
                batch.reset(e, {4, false, episode++});
            }
        }
        for (std::size_t i = 0; i < actions.size(); ++i) {
            const std::uint8_t* legal = batch.avail().data() + i * static_cast<std::size_t>(spec.nActions);
            do {
                actions[i] = static_cast<std::int32_t>(random.below(static_cast<std::uint32_t>(spec.nActions)));
            } while (legal[actions[i]] == 0);
        }
        fine = fine && batch.step(actions).has_value();
    }
    const long after = allocations;
    QVERIFY(fine);
    QCOMPARE(after - before, 0L);
}

QTEST_APPLESS_MAIN(TestVectorEnv)
#include "tst_vector_env.moc"
