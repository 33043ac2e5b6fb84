// SPDX-License-Identifier: GPL-3.0-or-later
#include <QTest>

#include <algorithm>
#include <array>
#include <cmath>
#include <set>
#include <vector>

#include "core/types/counter_rng.h"

using namespace knife;

namespace {

std::vector<std::uint32_t> draws(const StreamKey& key, int count) {
    CounterRng random(key);
    std::vector<std::uint32_t> result;
    for (int i = 0; i < count; ++i) {
        result.push_back(random.next());
    }
    return result;
}

} // namespace

class TestCounterRng : public QObject {
    Q_OBJECT
  private Q_SLOTS:
    void streamsNeverChange();
    void equalKeysGiveEqualStreams();
    void everyPartOfTheKeyMatters();
    void copiesGoOnFromTheirPosition();
    void uniformStaysInside();
    void uniformHasItsMoments();
    void belowIsUnbiased_data();
    void belowIsUnbiased();
    void chanceAtTheEnds();
    void normalHasItsMoments();
    void shuffleIsAUniformPermutation();
};

// Stored runs depend on these numbers: a change here breaks every resume and every published seed.
void TestCounterRng::streamsNeverChange() {
    QCOMPARE(draws({1, "env", 0}, 5),
             (std::vector<std::uint32_t>{3810013294U, 3662525730U, 510681896U, 1226430721U, 2060985025U}));
    QCOMPARE(draws({0xFFFFFFFFFFFFFFFFULL, "replay", 0x123456789ABCDEFULL}, 3),
             (std::vector<std::uint32_t>{3063477293U, 700943979U, 3191652205U}));
}

void TestCounterRng::equalKeysGiveEqualStreams() {
    QCOMPARE(draws({7, "explore", 3}, 1000), draws({7, "explore", 3}, 1000));
}

void TestCounterRng::everyPartOfTheKeyMatters() {
    std::set<std::vector<std::uint32_t>> streams;
    for (const std::uint64_t seed : {0ULL, 1ULL, 1ULL << 32U}) {
        for (const char* name : {"", "env", "eval", "vne"}) {
            for (const std::uint64_t index : {0ULL, 1ULL, 1ULL << 32U, ~0ULL}) {
                QVERIFY(streams.insert(draws({seed, name, index}, 4)).second);
            }
        }
    }
    // Neighbours share no draw within a long stretch either.
    const auto a = draws({1, "env", 0}, 1000);
    const auto b = draws({1, "env", 1}, 1000);
    int equal = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        equal += a[i] == b[i] ? 1 : 0;
    }
    QCOMPARE(equal, 0);
}

void TestCounterRng::copiesGoOnFromTheirPosition() {
    CounterRng random({3, "env", 1});
    for (int i = 0; i < 7; ++i) {
        random.next();
    }
    CounterRng copy = random;
    for (int i = 0; i < 20; ++i) {
        QCOMPARE(copy.next(), random.next());
    }
}

void TestCounterRng::uniformStaysInside() {
    CounterRng random({3, "env", 1});
    for (int i = 0; i < 100'000; ++i) {
        const double x = random.uniform();
        QVERIFY(x > 0.0 && x < 1.0);
        const double y = random.uniform(-2.0, -1.0);
        QVERIFY(y > -2.0 && y < -1.0);
    }
}

void TestCounterRng::uniformHasItsMoments() {
    constexpr int kDraws = 100'000;
    CounterRng random({4, "env", 1});
    double sum = 0.0;
    double squares = 0.0;
    for (int i = 0; i < kDraws; ++i) {
        const double x = random.uniform();
        sum += x;
        squares += x * x;
    }
    QVERIFY(std::abs(sum / kDraws - 0.5) < 0.005);
    QVERIFY(std::abs(squares / kDraws - 1.0 / 3.0) < 0.005);
}

void TestCounterRng::belowIsUnbiased_data() {
    QTest::addColumn<unsigned>("bound");
    QTest::newRow("1") << 1U;
    QTest::newRow("2") << 2U;
    QTest::newRow("3") << 3U;
    QTest::newRow("10") << 10U;
    // Multiply-and-shift alone would give every third value twice as often here.
    QTest::newRow("three quarters of the range") << 3'221'225'472U;
}

void TestCounterRng::belowIsUnbiased() {
    QFETCH(unsigned, bound);
    constexpr int kDraws = 60'000;
    CounterRng random({5, "env", 2});
    const unsigned bins = std::min(bound, 12U);
    std::vector<int> histogram(bins);
    for (int i = 0; i < kDraws; ++i) {
        const std::uint32_t x = random.below(bound);
        QVERIFY(x < bound);
        ++histogram[bins == bound ? x : x % 3];
    }
    const unsigned used = bins == bound ? bins : 3U;
    const double expected = static_cast<double>(kDraws) / used;
    for (unsigned bin = 0; bin < used; ++bin) {
        QVERIFY2(std::abs(histogram[bin] - expected) < 5.0 * std::sqrt(expected),
                 std::to_string(histogram[bin]).c_str());
    }
}

void TestCounterRng::chanceAtTheEnds() {
    CounterRng random({6, "env", 2});
    for (int i = 0; i < 1000; ++i) {
        QVERIFY(!random.chance(0.0));
        QVERIFY(random.chance(1.0));
    }
}

void TestCounterRng::normalHasItsMoments() {
    constexpr int kDraws = 100'000;
    CounterRng random({7, "init", 0});
    double sum = 0.0;
    double squares = 0.0;
    for (int i = 0; i < kDraws; ++i) {
        const double x = random.normal();
        QVERIFY(std::isfinite(x));
        sum += x;
        squares += x * x;
    }
    QVERIFY(std::abs(sum / kDraws) < 0.02);
    QVERIFY(std::abs(squares / kDraws - 1.0) < 0.03);
}

void TestCounterRng::shuffleIsAUniformPermutation() {
    constexpr int kDraws = 24'000;
    std::map<std::array<int, 4>, int> seen;
    for (int i = 0; i < kDraws; ++i) {
        CounterRng random({8, "env", static_cast<std::uint64_t>(i)});
        std::array<int, 4> items = {0, 1, 2, 3};
        random.shuffle(std::span<int>(items));
        ++seen[items];
    }
    QCOMPARE(seen.size(), std::size_t{24});
    for (const auto& [items, count] : seen) {
        QVERIFY2(std::abs(count - 1000) < 160, std::to_string(count).c_str());
    }
    std::vector<int> none;
    CounterRng({8, "env", 0}).shuffle(std::span<int>(none));
}

QTEST_APPLESS_MAIN(TestCounterRng)
#include "tst_counter_rng.moc"
