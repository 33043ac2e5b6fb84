// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/stats/paired_tests.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>
#include <vector>

#include <boost/math/distributions/normal.hpp>

#include "core/types/counter_rng.h"

namespace knife {

namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
constexpr std::size_t kMostExactPairs = 24; // 2^23 sums: a tenth of a second

bool holdsNaN(std::span<const double> values) {
    return std::ranges::any_of(values, [](double value) { return std::isnan(value); });
}

/// Sign patterns of `rest`, each added to `sum`, that reach `bound` from either side. Sums are built along the tree of
/// signs, so no sum carries more rounding than its own additions.
std::uint64_t patternsReaching(std::span<const double> rest, double sum, double bound) {
    if (rest.empty()) {
        return std::abs(sum) >= bound ? 1 : 0;
    }
    const auto others = rest.subspan(1);
    return patternsReaching(others, sum + rest.front(), bound) + patternsReaching(others, sum - rest.front(), bound);
}

double randomSignsP(std::span<const double> differences, double bound, const PermutationOptions& options) {
    std::int64_t hits = 0;
    for (std::int64_t rep = 0; rep < options.reps; ++rep) {
        CounterRng random({options.seed, "permutation", static_cast<std::uint64_t>(rep)});
        double sum = 0.0;
        std::uint32_t bits = 0;
        for (std::size_t i = 0; i < differences.size(); ++i) {
            bits = i % 32 == 0 ? random.next() : bits >> 1;
            sum += (bits & 1U) != 0 ? differences[i] : -differences[i];
        }
        hits += std::abs(sum) >= bound ? 1 : 0;
    }
    return static_cast<double>(1 + hits) / static_cast<double>(1 + options.reps);
}

/// Ranks of the absolute differences, doubled so that the mean rank of ties is a whole number, in ascending order of
/// the differences they belong to; and the sum over groups of t equal ones of t^3 - t.
struct SignedRanks {
    std::vector<std::size_t> doubled;
    std::size_t doubledPositive = 0;
    double ties = 0.0;
};

SignedRanks rank(std::vector<double> differences) {
    std::ranges::sort(differences, {}, [](double difference) { return std::abs(difference); });
    SignedRanks ranks;
    for (std::size_t begin = 0; begin < differences.size();) {
        std::size_t end = begin + 1;
        while (end < differences.size() && std::abs(differences[end]) == std::abs(differences[begin])) {
            ++end;
        }
        for (std::size_t i = begin; i < end; ++i) {
            ranks.doubled.push_back(begin + end + 1); // ranks begin + 1 … end, twice their mean
            ranks.doubledPositive += differences[i] > 0.0 ? begin + end + 1 : 0;
        }
        const auto group = static_cast<double>(end - begin);
        ranks.ties += group * group * group - group;
        begin = end;
    }
    return ranks;
}

double exactWilcoxonP(const SignedRanks& ranks) {
    std::size_t total = 0;
    std::vector<double> patterns{1.0}; // how many sign patterns give each doubled sum of positive ranks
    for (const std::size_t doubled : ranks.doubled) {
        patterns.resize(total + doubled + 1, 0.0);
        for (std::size_t sum = total + 1; sum-- > 0;) {
            patterns[sum + doubled] += patterns[sum];
        }
        total += doubled;
    }
    // The distribution is symmetric about half the total.
    const std::size_t tail = std::min(ranks.doubledPositive, total - ranks.doubledPositive);
    double below = 0.0;
    for (std::size_t sum = 0; sum <= tail; ++sum) {
        below += patterns[sum];
    }
    return std::min(1.0, 2.0 * std::ldexp(below, -static_cast<int>(ranks.doubled.size())));
}

double normalWilcoxonP(const SignedRanks& ranks) {
    const auto n = static_cast<double>(ranks.doubled.size());
    const double variance = n * (n + 1.0) * (2.0 * n + 1.0) / 24.0 - ranks.ties / 48.0;
    const double distance = std::abs(static_cast<double>(ranks.doubledPositive) / 2.0 - n * (n + 1.0) / 4.0);
    const double z = std::max(distance - 0.5, 0.0) / std::sqrt(variance);
    return 2.0 * boost::math::cdf(boost::math::complement(boost::math::normal(), z));
}

} // namespace

PairedTest pairedPermutationTest(std::span<const double> differences, const PermutationOptions& options) {
    assert(options.exactUpTo <= kMostExactPairs);
    if (differences.empty() || holdsNaN(differences)) {
        return {kNone, kNone, differences.size(), false};
    }
    double sum = 0.0;
    double size = 0.0;
    for (const double difference : differences) {
        sum += difference;
        size += std::abs(difference);
    }
    const double bound = std::abs(sum) - 1e-12 * size; // other orders of adding the same numbers are no smaller
    const auto n = static_cast<double>(differences.size());
    if (differences.size() > options.exactUpTo) {
        return {sum / n, randomSignsP(differences, bound, options), differences.size(), false};
    }
    // A pattern and its opposite are equally far from 0, so the first sign may stand still.
    const std::uint64_t hits = patternsReaching(differences.subspan(1), differences.front(), bound);
    const double p = std::ldexp(static_cast<double>(hits), 1 - static_cast<int>(differences.size()));
    return {sum / n, p, differences.size(), true};
}

PairedTest wilcoxonSignedRank(std::span<const double> differences) {
    if (differences.empty() || holdsNaN(differences)) {
        return {kNone, kNone, differences.size(), false};
    }
    std::vector<double> nonZero(differences.begin(), differences.end());
    std::erase(nonZero, 0.0);
    const SignedRanks ranks = rank(std::move(nonZero));
    const std::size_t pairs = ranks.doubled.size();
    const bool exact = pairs <= kWilcoxonExactUpTo;
    return {static_cast<double>(ranks.doubledPositive) / 2.0, exact ? exactWilcoxonP(ranks) : normalWilcoxonP(ranks),
            pairs, exact};
}

double smallestPairedP(std::size_t pairs) {
    return pairs == 0 ? 1.0 : std::ldexp(1.0, 1 - static_cast<int>(std::min<std::size_t>(pairs, 1000)));
}

} // namespace knife
