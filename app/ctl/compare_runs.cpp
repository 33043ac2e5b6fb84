// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/ctl/compare_runs.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <sstream>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <toml++/toml.h>

#include "app/ctl/run_json.h"
#include "core/config/did_you_mean.h"
#include "core/store/run_reader.h"
#include "core/types/metric_names.h"

namespace knife {

namespace {

std::string textOf(const toml::node& node) {
    if (const auto* text = node.as_string()) {
        return text->get();
    }
    if (const auto* real = node.as_floating_point()) {
        return fmt::format("{}", real->get()); // the shortest text; toml++ writes 17 digits
    }
    std::ostringstream out;
    node.visit([&out](const auto& value) { out << value; });
    return out.str();
}

void flattenInto(FlatConfig& flat, const std::string& path, const toml::node& node) {
    if (const auto* table = node.as_table()) {
        for (const auto& [key, value] : *table) {
            flattenInto(flat, path.empty() ? std::string(key.str()) : fmt::format("{}.{}", path, key.str()), value);
        }
    } else if (const auto* list = node.as_array(); list != nullptr && list->is_array_of_tables()) {
        for (std::size_t i = 0; i < list->size(); ++i) {
            flattenInto(flat, fmt::format("{}[{}]", path, i), (*list)[i]);
        }
    } else {
        flat[path] = textOf(node);
    }
}

/// Keys of an environment that are shown, and are not its rules.
bool isLabel(std::string_view key) {
    constexpr std::array<std::string_view, 3> kLabels = {"title", "task_id", "task_count"};
    return std::ranges::find(kLabels, key) != kLabels.end();
}

/// The values of a table, without labels.
std::string tableText(const FlatConfig& config, const std::string& table) {
    std::string text;
    const std::string prefix = table + '.';
    for (auto entry = config.lower_bound(prefix); entry != config.end() && entry->first.starts_with(prefix); ++entry) {
        const std::string key = entry->first.substr(prefix.size());
        text += isLabel(key) ? "" : fmt::format("{}={}\n", key, entry->second);
    }
    return text;
}

/// Tasks are equal when their environments are. Those of a generator are told apart by the names that it gives.
std::string taskIdentity(const FlatConfig& config, std::size_t number, const std::string& name) {
    if (const std::string listed = tableText(config, fmt::format("tasks[{}].env", number)); !listed.empty()) {
        return listed;
    }
    const std::string generator = tableText(config, "task_generator");
    const std::string environment = tableText(config, "env");
    return generator.empty() ? environment : environment + generator + name;
}

std::vector<TaskSwitch> switchesOf(const std::vector<EventRecord>& events) {
    std::vector<TaskSwitch> switches;
    for (const EventRecord& event : events) {
        if (event.kind == "task_switch") {
            const Json payload = parsedOrNull(event.payloadJson);
            const Json details = payload.is_object() ? payload : Json::object();
            switches.push_back({event.clocks.envStep.value, details.value("from", ""), details.value("to", "")});
        }
    }
    return switches;
}

class RunsReader {
  public:
    RunsReader(RunReader& reader, std::string metric) : m_reader(reader), m_metric(std::move(metric)) {}

    Result<ComparedRuns> read(const RunChoice& choice) {
        const auto chosen = choose(choice);
        if (!chosen) {
            return tl::unexpected(chosen.error());
        }
        if (auto added = addNewestOfEqual(*chosen); !added) {
            return tl::unexpected(added.error());
        }
        noteLeftOut();
        if (m_runs.curves.empty()) {
            return fail(ErrorCode::NotFound, chosen->empty()
                                                 ? std::string("there are no runs to compare")
                                                 : fmt::format("none of {} runs can be compared: {}", chosen->size(),
                                                               fmt::join(m_runs.notes, "; ")));
        }
        return std::move(m_runs);
    }

  private:
    /// Oldest first. Forks only by name.
    Result<std::vector<RunRecord>> choose(const RunChoice& choice) {
        std::set<RunId> named;
        for (const std::string& text : choice.runs) {
            const auto id = m_reader.resolve(text);
            if (!id) {
                return tl::unexpected(id.error());
            }
            named.insert(*id);
        }
        auto records = m_reader.runs();
        if (!records) {
            return records;
        }
        std::set<std::string> experiments;
        std::vector<RunRecord> chosen;
        for (const RunRecord& record : *records) {
            experiments.insert(record.experiment);
            const bool meant = choice.all || std::ranges::count(choice.experiments, record.experiment) > 0;
            if (meant && record.parent && !named.contains(record.id)) {
                leaveOut("forks, which share a past with their parents", record);
            } else if (meant || named.contains(record.id)) {
                chosen.push_back(record);
            }
        }
        for (const std::string& experiment : choice.experiments) {
            if (!experiments.contains(experiment)) {
                const std::string hint = suggestion(experiment, {experiments.begin(), experiments.end()});
                return fail(ErrorCode::NotFound, fmt::format("no run of an experiment \"{}\"{}", experiment, hint));
            }
        }
        std::ranges::reverse(chosen);
        return chosen;
    }

    /// Runs of equal configuration and seed are the same run twice, and no two observations. Of those that have points
    /// the newest counts, and one that has evaluated its earlier tasks before one that has not.
    Result<void> addNewestOfEqual(const std::vector<RunRecord>& records) {
        struct Candidate {
            const RunRecord* record;
            std::shared_ptr<const FlatConfig> config;
        };
        std::vector<Candidate> candidates; // newest first
        for (auto record = records.rbegin(); record != records.rend(); ++record) {
            if (record->state != RunState::Finished) {
                leaveOut("not finished", *record);
                continue;
            }
            auto config = configOf(*record);
            if (!config) {
                return tl::unexpected(config.error());
            }
            candidates.push_back({&*record, std::move(*config)});
        }
        std::ranges::stable_partition(candidates, [](const Candidate& run) { return looksBack(*run.config); });
        std::set<std::pair<std::string, std::uint64_t>> known;
        std::map<std::int64_t, std::size_t> places; // of runs that count, by their place among the records
        for (const Candidate& run : candidates) {
            const std::pair key(signatureOf(run.config), run.record->seed);
            if (!run.record->parent && known.contains(key)) {
                leaveOut("equal in configuration and seed to a run that counts", *run.record);
                continue;
            }
            const auto added = add(*run.record, run.config);
            if (!added) {
                return tl::unexpected(added.error());
            }
            if (*added) {
                known.insert(key);
                places[run.record - records.data()] = places.size();
            }
        }
        orderBy(places);
        return {};
    }

    /// Oldest first again.
    void orderBy(const std::map<std::int64_t, std::size_t>& places) {
        ComparedRuns ordered;
        for (const auto& [place, index] : places) {
            ordered.configs.push_back(std::move(m_runs.configs[index]));
            ordered.curves.push_back(std::move(m_runs.curves[index]));
        }
        m_runs.configs = std::move(ordered.configs);
        m_runs.curves = std::move(ordered.curves);
    }

    static bool looksBack(const FlatConfig& config) {
        const auto when = config.find("evaluation.earlier_tasks");
        return when != config.end() && when->second != "never";
    }

    std::string signatureOf(const std::shared_ptr<const FlatConfig>& config) {
        const auto [entry, isNew] = m_signatures.try_emplace(config.get());
        if (isNew) {
            entry->second = configSignature(*config);
        }
        return entry->second;
    }

    /// Runs of one experiment have equal texts: each is read once.
    Result<std::shared_ptr<const FlatConfig>> configOf(const RunRecord& record) {
        auto text = m_reader.configToml(record.id);
        if (!text) {
            return tl::unexpected(text.error());
        }
        const auto [entry, isNew] = m_configs.try_emplace(std::move(*text));
        if (isNew) {
            entry->second = std::make_shared<const FlatConfig>(flatten(entry->first));
        }
        return entry->second;
    }

    /// Whether it can be compared.
    Result<bool> add(const RunRecord& record, const std::shared_ptr<const FlatConfig>& config) {
        const auto events = m_reader.events(record.id);
        const auto series = m_reader.series(record.id, m_metric);
        if (!events || !series) {
            return tl::unexpected(!events ? events.error() : series.error());
        }
        if (series->size() == 0) {
            const auto hint = metricHint(record);
            if (!hint) {
                return tl::unexpected(hint.error());
            }
            leaveOut(fmt::format("without points of \"{}\"{}", m_metric, *hint), record);
            return false;
        }
        RunCurves curves{
            record.id.value, record.seed,
            splitByTask(series->envStep, series->value, switchesOf(*events), record.clocks.envStep.value, record.task)};
        if (auto read = readEnds(record, *config, *events, curves.tasks); !read) {
            return tl::unexpected(read.error());
        }
        for (std::size_t k = 0; k < curves.tasks.size(); ++k) {
            TaskCurve& task = curves.tasks[k];
            task.identity = taskIdentity(*config, k, task.name);
            if (!std::isfinite(areaUnderCurve(task))) {
                leaveOut("with a task that has no evaluation, or one that is not finite", record);
                return false;
            }
        }
        m_builds.insert(record.build);
        m_runs.configs.push_back({record.experiment, config});
        m_runs.curves.push_back(std::move(curves));
        return true;
    }

    /// A metric of the run that may have been meant.
    Result<std::string> metricHint(const RunRecord& record) {
        return m_reader.metrics(record.id).map([this](const std::vector<MetricRecord>& metrics) {
            std::vector<std::string> names;
            std::ranges::transform(metrics, std::back_inserter(names), &MetricRecord::name);
            return suggestion(m_metric, names);
        });
    }

    /// What the run still knew of its earlier tasks at the end, where it asked itself.
    Result<void> readEnds(const RunRecord& record, const FlatConfig& config, const std::vector<EventRecord>& events,
                          std::vector<TaskCurve>& tasks) {
        if (!looksBack(config) || tasks.size() < 2) {
            return {};
        }
        const std::int64_t lastSwitch = switchesOf(events).back().envStep;
        for (std::size_t k = 0; k + 1 < tasks.size(); ++k) {
            const auto series = m_reader.series(record.id, metricOfTask(m_metric, k));
            if (!series) {
                return tl::unexpected(series.error());
            }
            if (series->size() > 0 && series->envStep.back() > lastSwitch) {
                tasks[k].atEnd = series->value.back();
            }
        }
        return {};
    }

    void leaveOut(const std::string& reason, const RunRecord& record) { m_leftOut[reason].push_back(record.id.value); }

    void noteLeftOut() {
        constexpr std::size_t kNamed = 5;
        for (const auto& [reason, runs] : m_leftOut) {
            const std::string more = runs.size() > kNamed ? fmt::format(" and {} more", runs.size() - kNamed) : "";
            const auto named = std::span(runs).first(std::min(kNamed, runs.size()));
            m_runs.notes.push_back(fmt::format("left out, {}: {}{}", reason, fmt::join(named, ", "), more));
        }
        if (m_builds.size() > 1) {
            m_runs.notes.push_back(
                fmt::format("runs of {} builds are compared: {}", m_builds.size(), fmt::join(m_builds, "; ")));
        }
    }

    RunReader& m_reader;
    std::string m_metric;
    std::map<std::string, std::shared_ptr<const FlatConfig>> m_configs;
    std::map<const FlatConfig*, std::string> m_signatures;
    std::map<std::string, std::vector<std::string>> m_leftOut;
    std::set<std::string> m_builds;
    ComparedRuns m_runs;
};

} // namespace

FlatConfig flatten(const std::string& text) {
    FlatConfig flat;
    try {
        flattenInto(flat, "", toml::parse(text));
    } catch (const toml::parse_error&) {
        flat.clear();
    }
    return flat;
}

Result<ComparedRuns> readRuns(const std::filesystem::path& workspace, const RunChoice& choice,
                              const std::string& metric) {
    const auto reader = RunReader::open(workspace);
    if (!reader) {
        return tl::unexpected(reader.error());
    }
    return RunsReader(**reader, metric).read(choice);
}

} // namespace knife
