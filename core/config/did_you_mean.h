// SPDX-License-Identifier: GPL-3.0-or-later
// Finds the word that a person probably meant.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace knife {

/// The candidate nearest to `word` by insertions, deletions, replacements and swaps of neighbours, if it is near enough
/// to be a slip of the fingers; otherwise empty. Upper and lower case count as equal, '-' as '_'.
[[nodiscard]] std::string nearestWord(std::string_view word, const std::vector<std::string>& candidates);

/// "; did you mean 'x'?" or, when nothing is near, "; known: a, b, c". Empty when there are no candidates.
[[nodiscard]] std::string suggestion(std::string_view word, const std::vector<std::string>& candidates);

} // namespace knife
