// SPDX-License-Identifier: GPL-3.0-or-later
// Probability of improvement, paired tests and Holm's correction.
#include <algorithm>
#include <bit>
#include <limits>

#include <QTest>
#include <rapidcheck.h>

#include "core/stats/holm.h"
#include "core/stats/paired_tests.h"
#include "core/stats/probability_of_improvement.h"
#include "core/types/counter_rng.h"
#include "tests/core/stats/stats_checks.h"

using namespace knife;
using knife::test::close;

namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

std::vector<double> someNumbers(std::size_t least, std::size_t most) {
    std::vector<double> values(*rc::gen::inRange<std::size_t>(least, most + 1));
    for (double& value : values) {
        value = *rc::gen::inRange(-6, 7);
    }
    return values;
}

/// Both tests by writing all sign patterns out.
struct Enumerated {
    double permutation = 0.0;
    double wilcoxon = 0.0;
};

double positiveRanks(const std::vector<double>& differences) {
    double sum = 0.0;
    for (const double d : differences) {
        const auto below = std::ranges::count_if(differences, [d](double e) { return std::abs(e) < std::abs(d); });
        const auto equal = std::ranges::count_if(differences, [d](double e) { return std::abs(e) == std::abs(d); });
        sum += d > 0 ? static_cast<double>(below) + static_cast<double>(equal + 1) / 2.0 : 0.0;
    }
    return sum;
}

Enumerated enumerate(const std::vector<double>& differences) {
    std::vector<double> nonZero = differences;
    std::erase(nonZero, 0.0);
    const auto shareOf = [](const std::vector<double>& magnitudes, auto counts) {
        int hits = 0;
        for (unsigned pattern = 0; pattern < 1U << magnitudes.size(); ++pattern) {
            std::vector<double> flipped = magnitudes;
            for (std::size_t i = 0; i < flipped.size(); ++i) {
                flipped[i] = (pattern >> i & 1U) != 0 ? std::abs(flipped[i]) : -std::abs(flipped[i]);
            }
            hits += counts(flipped) ? 1 : 0;
        }
        return hits / static_cast<double>(1U << magnitudes.size());
    };
    const auto sum = [](const std::vector<double>& values) {
        double total = 0.0;
        for (const double value : values) {
            total += value;
        }
        return total;
    };
    const double bound = std::abs(sum(differences));
    const double ranks = positiveRanks(nonZero);
    const double below = shareOf(nonZero, [&](const auto& flipped) { return positiveRanks(flipped) <= ranks; });
    const double above = shareOf(nonZero, [&](const auto& flipped) { return positiveRanks(flipped) >= ranks; });
    return {shareOf(differences, [&](const auto& flipped) { return std::abs(sum(flipped)) >= bound; }),
            std::min(1.0, 2.0 * std::min(below, above))};
}

} // namespace

class TestSignificance : public QObject {
    Q_OBJECT

  private Q_SLOTS:
    void improvementGolden() {
        VERIFY_CLOSE(probabilityOfImprovement(std::vector{.2, .5, .9}, std::vector{.1, .5, .6}), 5.5 / 9); // 0.6111
        const std::vector<double> same{3, 1, 2, 2};
        QCOMPARE(probabilityOfImprovement(same, same), 0.5);
        QCOMPARE(probabilityOfImprovement(std::vector{2.0}, std::vector{1.0, 0.0}), 1.0);
        const ScoreMatrix x(3, 2, {.2, 1, .5, 1, .9, 1});
        const ScoreMatrix y(3, 2, {.1, 1, .5, 1, .6, 1});
        VERIFY_CLOSE(probabilityOfImprovement(x, y), (5.5 / 9 + 0.5) / 2);
        QVERIFY(std::isnan(probabilityOfImprovement(std::vector{kNaN}, std::vector{1.0})));
        QVERIFY(std::isnan(probabilityOfImprovement(std::vector<double>{}, std::vector{1.0})));
    }

    void improvementProperties() {
        QVERIFY(rc::check("either way adds up to 1, and order does not matter", [] {
            auto x = someNumbers(1, 9);
            const auto y = someNumbers(1, 9);
            const double forth = probabilityOfImprovement(x, y);
            RC_ASSERT(close(forth + probabilityOfImprovement(y, x), 1.0));
            std::ranges::reverse(x);
            RC_ASSERT(close(forth, probabilityOfImprovement(x, y)));
        }));
    }

    void permutationByHand() {
        const PairedTest clear = pairedPermutationTest(std::vector{1.0, 2.0, 3.0});
        QCOMPARE(clear.p, 0.25); // only all plus and all minus reach 6
        QCOMPARE(clear.statistic, 2.0);
        QVERIFY(clear.exact);
        QCOMPARE(pairedPermutationTest(std::vector{1.0, 2.0, -1.0}).p, 0.75); // 4 2 0 -2 2 0 -2 -4
        QCOMPARE(pairedPermutationTest(std::vector{0.0, 0.0}).p, 1.0);
        // 0.1 + 0.2 + 0.3 depends on the order of adding; that is no smaller sum.
        QCOMPARE(pairedPermutationTest(std::vector{0.3, 0.2, 0.1}).p, 0.25);
    }

    void wilcoxonByHand() {
        const PairedTest clear = wilcoxonSignedRank(std::vector{1.0, 2.0, 3.0, 4.0, 5.0});
        QCOMPARE(clear.statistic, 15.0);
        QCOMPARE(clear.p, 2.0 / 32);
        QCOMPARE(wilcoxonSignedRank(std::vector{1.0, -2.0, 3.0, 4.0, 5.0}).p, 6.0 / 32); // {} {1} {2} below
        QCOMPARE(wilcoxonSignedRank(std::vector{1.0, 1.0, 2.0}).p, 2.0 / 8);
        QCOMPARE(wilcoxonSignedRank(std::vector{1.0, 1.0, 2.0}).statistic, 6.0); // 1.5 + 1.5 + 3
        const PairedTest ties = wilcoxonSignedRank(std::vector{-1.0, 1.0, 2.0, 2.0});
        QCOMPARE(ties.statistic, 8.5);
        QCOMPARE(ties.p, 6.0 / 16); // {} and either of the two ranks 1.5 below
        const PairedTest zeros = wilcoxonSignedRank(std::vector{0.0, 1.0, 2.0, 0.0, 3.0});
        QCOMPARE(zeros.pairs, 3U);
        QCOMPARE(zeros.p, 0.25);
        QCOMPARE(wilcoxonSignedRank(std::vector{0.0, 0.0}).p, 1.0);
    }

    void exactTestsAgreeWithEnumeration() {
        QVERIFY(rc::check("all sign patterns written out give the same p", [] {
            const auto differences = someNumbers(1, 9);
            const Enumerated expected = enumerate(differences);
            RC_ASSERT(close(pairedPermutationTest(differences).p, expected.permutation));
            RC_ASSERT(close(wilcoxonSignedRank(differences).p, expected.wilcoxon));
        }));
    }

    void testsAreTwoSided() {
        QVERIFY(rc::check("the opposite differences give the same p", [] {
            const auto differences = someNumbers(1, 12);
            auto opposite = differences;
            for (double& difference : opposite) {
                difference = -difference;
            }
            RC_ASSERT(pairedPermutationTest(differences).p == pairedPermutationTest(opposite).p);
            RC_ASSERT(wilcoxonSignedRank(differences).p == wilcoxonSignedRank(opposite).p);
        }));
    }

    void randomSignsComeClose() {
        std::vector<double> differences;
        CounterRng random({5, "test.differences"});
        for (int i = 0; i < 16; ++i) {
            differences.push_back(random.normal() + 0.4);
        }
        const PairedTest exact = pairedPermutationTest(differences);
        const PairedTest drawn = pairedPermutationTest(differences, {.exactUpTo = 0, .seed = 3});
        QVERIFY(exact.exact && !drawn.exact);
        QVERIFY(exact.p > 0.005 && exact.p < 0.5);
        QVERIFY2(std::abs(exact.p - drawn.p) < 0.01, qPrintable(QString("%1 %2").arg(exact.p).arg(drawn.p)));
        QCOMPARE(pairedPermutationTest(differences, {.exactUpTo = 0, .seed = 3}).p, drawn.p);
    }

    void normalApproximationComesClose() {
        // One pair beyond the exact limit, with ties; the sign-flip test of the ranks is the same test by drawing.
        std::vector<double> differences;
        std::vector<double> signedRanks;
        for (int i = 0; i < 52; ++i) {
            const double sign = i % 5 < 2 ? -1.0 : 1.0;
            differences.push_back(sign * (1 + i / 2));
            signedRanks.push_back(sign * (2 * (i / 2) + 1.5));
        }
        const PairedTest normal = wilcoxonSignedRank(differences);
        QVERIFY(!normal.exact);
        const double drawn = pairedPermutationTest(signedRanks, {.reps = 200'000}).p;
        QVERIFY2(std::abs(normal.p - drawn) < 0.005, qPrintable(QString("%1 %2").arg(normal.p).arg(drawn)));
        QVERIFY(normal.p > 0.02 && normal.p < 0.9);
    }

    void pairsThatAreMissing() {
        QVERIFY(std::isnan(pairedPermutationTest(std::vector<double>{}).p));
        QVERIFY(std::isnan(wilcoxonSignedRank(std::vector{1.0, kNaN}).p));
        QCOMPARE(smallestPairedP(5), 0.0625);
        QCOMPARE(wilcoxonSignedRank(std::vector{1.0, 2.0, 3.0, 4.0, 5.0}).p, smallestPairedP(5));
    }

    void holmByHand() {
        const auto adjusted = holmAdjusted(std::vector{.01, .04, .03, .005});
        VERIFY_CLOSE(adjusted[0], .03);
        VERIFY_CLOSE(adjusted[1], .06); // not .04: it cannot pass where .03 x 2 fails
        VERIFY_CLOSE(adjusted[2], .06);
        VERIFY_CLOSE(adjusted[3], .02);
        const auto gaps = holmAdjusted(std::vector{.2, kNaN, .8});
        VERIFY_CLOSE(gaps[0], .4);
        QVERIFY(std::isnan(gaps[1]));
        VERIFY_CLOSE(gaps[2], .8);
    }

    void holmProperties() {
        QVERIFY(rc::check("adjusted p never fall below p or above 1, and keep their order", [] {
            std::vector<double> p(*rc::gen::inRange<std::size_t>(0, 12));
            for (double& value : p) {
                value = *rc::gen::inRange(0, 101) / 100.0;
            }
            const auto adjusted = holmAdjusted(p);
            for (std::size_t i = 0; i < p.size(); ++i) {
                RC_ASSERT(adjusted[i] >= p[i] && adjusted[i] <= 1.0);
                RC_ASSERT(adjusted[i] <= std::min(1.0, p[i] * static_cast<double>(p.size())) + 1e-12 ||
                          std::ranges::any_of(p, [&](double other) { return other < p[i]; }));
                for (std::size_t j = 0; j < p.size(); ++j) {
                    RC_ASSERT(p[i] > p[j] || adjusted[i] <= adjusted[j]);
                }
            }
        }));
    }
};

QTEST_APPLESS_MAIN(TestSignificance)
#include "tst_significance.moc"
