// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/config/did_you_mean.h"

#include <algorithm>
#include <limits>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace knife {

namespace {

// Longer words come from garbage, not from slips; they would only cost time.
constexpr std::size_t kLongestWord = 64;

std::string folded(std::string_view word) {
    std::string result(word);
    for (char& c : result) {
        if (c >= 'A' && c <= 'Z') {
            c = static_cast<char>(c - 'A' + 'a');
        } else if (c == '-') {
            c = '_';
        }
    }
    return result;
}

// Optimal string alignment: Levenshtein plus swaps of neighbours, which is what fingers do wrong.
std::size_t editDistance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> beforePrevious(b.size() + 1);
    std::vector<std::size_t> previous(b.size() + 1);
    std::vector<std::size_t> current(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j) {
        previous[j] = j;
    }
    for (std::size_t i = 1; i <= a.size(); ++i) {
        current[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t replaced = previous[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
            current[j] = std::min({previous[j] + 1, current[j - 1] + 1, replaced});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                current[j] = std::min(current[j], beforePrevious[j - 2] + 1);
            }
        }
        std::swap(beforePrevious, previous);
        std::swap(previous, current);
    }
    return previous[b.size()];
}

} // namespace

std::string nearestWord(std::string_view word, const std::vector<std::string>& candidates) {
    if (word.empty() || word.size() > kLongestWord) {
        return {};
    }
    const std::string wanted = folded(word);
    std::size_t best = std::numeric_limits<std::size_t>::max();
    std::string nearest;
    for (const std::string& candidate : candidates) {
        const std::string known = folded(candidate);
        const bool begins = wanted.size() >= 3 && (known.starts_with(wanted) || wanted.starts_with(known));
        const std::size_t allowed = std::max<std::size_t>(1, std::min(wanted.size(), known.size()) / 3);
        std::size_t distance = editDistance(wanted, known);
        if (distance > allowed && begins && !known.empty()) {
            distance = allowed; // an abbreviation or a suffix too many
        }
        if (distance <= allowed && distance < best) {
            best = distance;
            nearest = candidate;
        }
    }
    return nearest;
}

std::string suggestion(std::string_view word, const std::vector<std::string>& candidates) {
    if (candidates.empty()) {
        return {};
    }
    const std::string nearest = nearestWord(word, candidates);
    if (!nearest.empty()) {
        return fmt::format("; did you mean '{}'?", nearest);
    }
    return fmt::format("; known: {}", fmt::join(candidates, ", "));
}

} // namespace knife
