// SPDX-License-Identifier: GPL-3.0-or-later
// Runs that differ in nothing but their seed are one arm of a study. Arms are told apart, named and chosen by the
// configuration keys in which they differ.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/types/error.h"

namespace knife {

/// Dotted keys ("learning.lr", "interventions[0].method") and their values, texts without quotes.
using FlatConfig = std::map<std::string, std::string, std::less<>>;

/// What stands for a key that a configuration does not have; no choice has that name.
inline constexpr const char* kNoValue = "unset";

struct RunConfig {
    std::string experiment;
    std::shared_ptr<const FlatConfig> config; ///< shared by runs with equal texts
};

struct Arm {
    std::string name;
    std::vector<std::size_t> members; ///< indices into the runs that were grouped, in their order
};

/// Keys that make no other experiment: names and seeds, and what changes no bit of the weights (threads, checkpoints,
/// evaluations of earlier tasks, what is measured beside).
[[nodiscard]] bool isBookkeeping(std::string_view key);
/// Keys that say which tasks are met, and for how long.
[[nodiscard]] bool saysTasks(std::string_view key);

/// The value of a key, kNoValue if it is not there. "experiment" is the experiment's name.
[[nodiscard]] std::string valueOf(const RunConfig& run, std::string_view key);

/// The configuration without bookkeeping, as one text: equal for equal experiments.
[[nodiscard]] std::string configSignature(const FlatConfig& config);

/// One arm for each configuration, bookkeeping aside, in the order in which they come up. Each is named by the fewest
/// keys, methods first, that tell it from the others ("mixer.method=qmix, learning.lr=0.001"); a single one by its
/// experiment.
[[nodiscard]] std::vector<Arm> groupByConfig(std::span<const RunConfig> runs);

/// One arm for each value of a key, or of "experiment".
[[nodiscard]] std::vector<Arm> groupByKey(std::span<const RunConfig> runs, std::string_view key);

/// A key in which arms differ, and its value in each: those of all members, joined by " | ".
struct DifferingKey {
    std::string key;
    std::vector<std::string> values;
};
[[nodiscard]] std::vector<DifferingKey> configDiff(std::span<const RunConfig> runs, std::span<const Arm> arms);

/// The arms that a selector means: an arm's name; the name of an experiment; or KEY=VALUE, several joined by commas,
/// decimal numbers written in any way; KEY=unset means that no such key or table is there. ErrorCode::Usage when it
/// means none.
[[nodiscard]] Result<std::vector<std::size_t>> selectArms(std::span<const RunConfig> runs, std::span<const Arm> arms,
                                                          std::string_view selector);

/// Those of `candidates` whose configuration differs from that of `arm` in the fewest keys; keys that say tasks are not
/// counted.
[[nodiscard]] std::vector<std::size_t> nearestArms(std::span<const RunConfig> runs, std::span<const Arm> arms,
                                                   std::size_t arm, std::span<const std::size_t> candidates);

} // namespace knife
