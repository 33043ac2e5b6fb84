// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/stats/arms.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <optional>
#include <set>
#include <tuple>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace knife {

namespace {

using Texts = std::vector<std::string>;

/// Whether `key` is `name` or lies in the table or list of that name.
bool belongsTo(std::string_view key, std::string_view name) {
    return key == name || (key.starts_with(name) && (key[name.size()] == '.' || key[name.size()] == '['));
}

/// What names an arm best comes first.
int nameRank(std::string_view key) {
    if (key.ends_with(".method")) {
        return 0;
    }
    if (key.ends_with(".kind")) {
        return 1;
    }
    return saysTasks(key) ? 3 : 2;
}

/// Groups in the order in which their labels come up.
std::vector<Arm> groupByLabel(const Texts& labels) {
    std::vector<Arm> arms;
    std::map<std::string, std::size_t> known;
    for (std::size_t run = 0; run < labels.size(); ++run) {
        const auto [entry, isNew] = known.try_emplace(labels[run], arms.size());
        if (isNew) {
            arms.push_back({labels[run], {}});
        }
        arms[entry->second].members.push_back(run);
    }
    return arms;
}

std::set<Texts> distinct(const std::vector<Texts>& names) {
    return {names.begin(), names.end()};
}

void nameArms(std::span<const RunConfig> runs, std::vector<Arm>& arms) {
    std::vector<DifferingKey> keys = configDiff(runs, arms);
    std::ranges::stable_sort(keys, {}, [](const DifferingKey& key) { return nameRank(key.key); });
    std::vector<Texts> names(arms.size());
    for (const DifferingKey& key : keys) {
        std::vector<Texts> longer = names;
        for (std::size_t arm = 0; arm < arms.size(); ++arm) {
            longer[arm].push_back(fmt::format("{}={}", key.key, key.values[arm]));
        }
        if (distinct(longer).size() > distinct(names).size()) {
            names = std::move(longer);
        }
    }
    for (std::size_t arm = 0; arm < arms.size(); ++arm) {
        arms[arm].name = arms.size() == 1 ? runs[arms[arm].members.front()].experiment
                                          : fmt::format("{}", fmt::join(names[arm], ", "));
    }
}

template <typename Number>
std::optional<Number> asNumber(const std::string& digits) {
    Number number{};
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    return error == std::errc() && end == digits.data() + digits.size() ? std::optional(number) : std::nullopt;
}

/// Decimal numbers are equal however they are written: 480_000, 1e-3.
bool isSameValue(const std::string& stored, std::string_view asked) {
    std::string digits(asked);
    std::erase(digits, '_');
    const auto integer = asNumber<std::int64_t>(stored);
    if (integer && asNumber<std::int64_t>(digits)) {
        return integer == asNumber<std::int64_t>(digits); // doubles do not tell large ones apart
    }
    const auto number = asNumber<double>(stored);
    return stored == asked || (number && number == asNumber<double>(digits));
}

bool hasValue(const RunConfig& run, std::string_view key, std::string_view value) {
    const auto inside = [&](const auto& entry) {
        return belongsTo(entry.first, key);
    };
    if (key != "experiment" && value == kNoValue && !run.config->contains(key)) {
        return std::ranges::none_of(*run.config, inside); // a table has no value of its own, and yet is there
    }
    return isSameValue(valueOf(run, key), value);
}

/// "a=1, b=2" as pairs; empty if a part has no "=".
std::vector<std::pair<std::string, std::string>> parseTerms(std::string_view selector) {
    const auto trimmed = [](std::string_view text) {
        const auto first = text.find_first_not_of(' ');
        return first == std::string_view::npos
                   ? std::string()
                   : std::string(text.substr(first, text.find_last_not_of(' ') - first + 1));
    };
    std::vector<std::pair<std::string, std::string>> terms;
    while (!selector.empty()) {
        const auto comma = std::min(selector.find(','), selector.size());
        const std::string_view term = selector.substr(0, comma);
        const auto equals = term.find('=');
        if (equals == std::string_view::npos) {
            return {};
        }
        terms.emplace_back(trimmed(term.substr(0, equals)), trimmed(term.substr(equals + 1)));
        selector.remove_prefix(std::min(comma + 1, selector.size()));
    }
    return terms;
}

template <typename Fits>
std::vector<std::size_t> armsWhere(std::span<const Arm> arms, Fits fits) {
    std::vector<std::size_t> found;
    for (std::size_t arm = 0; arm < arms.size(); ++arm) {
        if (fits(arms[arm])) {
            found.push_back(arm);
        }
    }
    return found;
}

/// Keys other than those of the tasks that only one of them has, or that have different values.
std::size_t differences(const FlatConfig& a, const FlatConfig& b) {
    std::set<std::string> keys;
    const auto collect = [&keys](const FlatConfig& from, const FlatConfig& other) {
        for (const auto& [key, value] : from) {
            const auto found = other.find(key);
            if (!isBookkeeping(key) && !saysTasks(key) && (found == other.end() || found->second != value)) {
                keys.insert(key);
            }
        }
    };
    collect(a, b);
    collect(b, a);
    return keys.size();
}

} // namespace

bool isBookkeeping(std::string_view key) {
    constexpr std::array<std::string_view, 12> kKeys = {"experiment.name",
                                                        "experiment.seeds",
                                                        "experiment.threads",
                                                        "checkpoint",
                                                        "evaluation.earlier_tasks",
                                                        "evaluation.recorded_episodes",
                                                        "diagnostics.per_unit",
                                                        "diagnostics.per_agent",
                                                        "diagnostics.overlap",
                                                        "diagnostics.frame_interval",
                                                        "diagnostics.per_evaluation",
                                                        "diagnostics.per_task"};
    return std::ranges::any_of(kKeys, [key](std::string_view name) { return belongsTo(key, name); });
}

bool saysTasks(std::string_view key) {
    constexpr std::array<std::string_view, 4> kKeys = {"env", "tasks", "task_generator", "experiment.steps"};
    return std::ranges::any_of(kKeys, [key](std::string_view name) { return belongsTo(key, name); });
}

std::string configSignature(const FlatConfig& config) {
    std::string text;
    for (const auto& [key, value] : config) {
        if (!isBookkeeping(key)) {
            text += fmt::format("{}={}\n", key, value);
        }
    }
    return text;
}

std::string valueOf(const RunConfig& run, std::string_view key) {
    if (key == "experiment") {
        return run.experiment;
    }
    const auto found = run.config->find(key);
    return found == run.config->end() ? kNoValue : found->second;
}

std::vector<Arm> groupByConfig(std::span<const RunConfig> runs) {
    std::map<const FlatConfig*, std::string> signatures;
    Texts labels;
    for (const RunConfig& run : runs) {
        const auto [entry, isNew] = signatures.try_emplace(run.config.get());
        if (isNew) {
            entry->second = configSignature(*run.config);
        }
        labels.push_back(entry->second);
    }
    std::vector<Arm> arms = groupByLabel(labels);
    nameArms(runs, arms);
    return arms;
}

std::vector<Arm> groupByKey(std::span<const RunConfig> runs, std::string_view key) {
    Texts labels;
    for (const RunConfig& run : runs) {
        labels.push_back(valueOf(run, key));
    }
    return groupByLabel(labels);
}

std::vector<DifferingKey> configDiff(std::span<const RunConfig> runs, std::span<const Arm> arms) {
    std::vector<std::set<const FlatConfig*>> configs(arms.size()); // many members share one
    std::set<std::string> keys;
    for (std::size_t arm = 0; arm < arms.size(); ++arm) {
        for (const std::size_t member : arms[arm].members) {
            const FlatConfig* config = runs[member].config.get();
            if (configs[arm].insert(config).second) {
                for (const auto& [key, value] : *config) {
                    keys.insert(key);
                }
            }
        }
    }
    std::vector<DifferingKey> diff;
    for (const std::string& key : keys) {
        DifferingKey row{key, {}};
        for (const auto& members : configs) {
            std::set<std::string> values;
            for (const FlatConfig* config : members) {
                const auto found = config->find(key);
                values.insert(found == config->end() ? kNoValue : found->second);
            }
            row.values.push_back(fmt::format("{}", fmt::join(values, " | ")));
        }
        const bool differs = std::ranges::adjacent_find(row.values, std::not_equal_to<>()) != row.values.end();
        if (differs && !isBookkeeping(key)) {
            diff.push_back(std::move(row));
        }
    }
    return diff;
}

Result<std::vector<std::size_t>> selectArms(std::span<const RunConfig> runs, std::span<const Arm> arms,
                                            std::string_view selector) {
    const auto allMembers = [runs](const Arm& arm, auto fits) {
        return std::ranges::all_of(arm.members, [&](std::size_t member) { return fits(runs[member]); });
    };
    std::vector<std::size_t> found = armsWhere(arms, [&](const Arm& arm) { return arm.name == selector; });
    if (found.empty()) {
        found = armsWhere(arms, [&](const Arm& arm) {
            return allMembers(arm, [&](const RunConfig& run) { return run.experiment == selector; });
        });
    }
    const auto terms = parseTerms(selector);
    if (found.empty() && !terms.empty()) {
        found = armsWhere(arms, [&](const Arm& arm) {
            return std::ranges::all_of(terms, [&](const auto& term) {
                return allMembers(arm, [&](const RunConfig& run) { return hasValue(run, term.first, term.second); });
            });
        });
    }
    if (!found.empty()) {
        return found;
    }
    constexpr std::size_t kNamed = 5; // names are long, and a message is read in a terminal
    Texts names;
    for (const Arm& arm : arms.first(std::min(kNamed, arms.size()))) {
        names.push_back(fmt::format("\"{}\"", arm.name));
    }
    const std::string more = arms.size() > kNamed ? fmt::format(" and {} more", arms.size() - kNamed) : "";
    return fail(
        ErrorCode::Usage,
        fmt::format("no arm is meant by \"{}\"; give the name of an experiment, KEY=VALUE or one of the arms: {}{}",
                    selector, fmt::join(names, ", "), more));
}

std::vector<std::size_t> nearestArms(std::span<const RunConfig> runs, std::span<const Arm> arms, std::size_t arm,
                                     std::span<const std::size_t> candidates) {
    const FlatConfig& mine = *runs[arms[arm].members.front()].config;
    std::vector<std::size_t> nearest;
    std::size_t fewest = std::numeric_limits<std::size_t>::max();
    for (const std::size_t candidate : candidates) {
        const std::size_t count = differences(mine, *runs[arms[candidate].members.front()].config);
        if (count < fewest) {
            nearest.clear();
            fewest = count;
        }
        if (count == fewest) {
            nearest.push_back(candidate);
        }
    }
    return nearest;
}

} // namespace knife
