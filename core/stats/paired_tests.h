// SPDX-License-Identifier: GPL-3.0-or-later
// Tests of paired differences against "no difference", two-sided. Seeds are the pairs where two arms share them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace knife {

struct PairedTest {
    double statistic = 0.0; ///< mean difference, or the sum of the positive ranks
    double p = 1.0;         ///< two-sided; NaN without pairs or with a difference that is NaN
    std::size_t pairs = 0;  ///< that the test looked at
    /// The whole null distribution was counted. Otherwise p is from random signs (permutation) or normal (Wilcoxon).
    bool exact = false;
};

struct PermutationOptions {
    std::size_t exactUpTo = 20; ///< pairs up to which all 2^n sign patterns are counted; at most 24
    std::int64_t reps = 50'000; ///< random sign patterns beyond that
    std::uint64_t seed = 0;
};

/// Sign-flip (permutation) test of the mean difference: share of sign patterns whose mean is at least as far from 0 as
/// the observed one. With random patterns (1 + hits) / (1 + reps), which is never 0 (Phipson & Smyth 2010).
[[nodiscard]] PairedTest pairedPermutationTest(std::span<const double> differences,
                                               const PermutationOptions& options = {});

/// Pairs up to which the distribution of Wilcoxon's statistic is counted: 2^50 patterns are exact in a double.
inline constexpr std::size_t kWilcoxonExactUpTo = 50;

/// Wilcoxon's signed-rank test. Zero differences are dropped (Wilcoxon's own treatment), equal ones share the mean of
/// their ranks, for which the exact distribution is counted, too. Beyond kWilcoxonExactUpTo the normal approximation
/// with correction for ties and continuity. Without a difference that is not zero: p = 1.
[[nodiscard]] PairedTest wilcoxonSignedRank(std::span<const double> differences);

/// The smallest p that `pairs` pairs can give in either test: 2 / 2^n.
[[nodiscard]] double smallestPairedP(std::size_t pairs);

} // namespace knife
