// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/ctl/show_command.h"

#include <algorithm>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <toml++/toml.h>

#include "app/ctl/metric_points.h"
#include "app/ctl/output.h"
#include "app/ctl/run_json.h"
#include "core/store/run_reader.h"

namespace knife {

namespace {

/// Everything that is said about a run, read once.
struct RunStory {
    RunRecord record;
    std::string configToml;
    std::vector<SegmentRecord> segments;
    std::vector<EventRecord> events;
    std::vector<SurgeryReceipt> surgeries;
    std::vector<MetricRecord> metrics;
    std::vector<CheckpointRecord> checkpoints;
};

Result<RunStory> readStory(const std::filesystem::path& workspace, const std::string& name) {
    const auto reader = RunReader::open(workspace);
    if (!reader) {
        return tl::unexpected(reader.error());
    }
    const Result<RunId> id = (*reader)->resolve(name);
    if (!id) {
        return tl::unexpected(id.error());
    }
    RunStory story;
    Result<void> outcome;
    const auto take = [&outcome](auto& part, auto result) {
        if (!result && outcome) {
            outcome = tl::unexpected(std::move(result).error());
        } else if (result) {
            part = std::move(*result);
        }
    };
    take(story.record, (*reader)->run(*id));
    take(story.configToml, (*reader)->configToml(*id));
    take(story.segments, (*reader)->segments(*id));
    take(story.events, (*reader)->events(*id));
    take(story.surgeries, (*reader)->surgeries(*id));
    take(story.metrics, (*reader)->metrics(*id));
    take(story.checkpoints, (*reader)->checkpoints(*id));
    return outcome ? Result<RunStory>(std::move(story)) : tl::unexpected(outcome.error());
}

/// null when the stored text is no TOML: the text itself is given out beside it.
Json configJson(const std::string& text) {
    try {
        std::ostringstream json;
        json << toml::json_formatter{toml::parse(text)};
        return parsedOrNull(json.str());
    } catch (const toml::parse_error&) {
        return nullptr;
    }
}

/// The task that the run began with, and one entry for each switch.
Json tasksJson(const RunStory& story) {
    Json tasks = Json::array();
    for (const EventRecord& event : story.events) {
        if (event.kind != "task_switch") {
            continue;
        }
        const Json payload = parsedOrNull(event.payloadJson);
        const Json details = payload.is_object() ? payload : Json::object();
        if (tasks.empty()) {
            tasks.push_back({{"index", 0}, {"name", details.value("from", "")}, {"begin", toJson(Clocks{})}});
        }
        tasks.back()["final_test_return"] = details.value("final_test_return", Json(nullptr));
        tasks.push_back({{"index", tasks.size()}, {"name", details.value("to", "")}, {"begin", toJson(event.clocks)}});
    }
    if (tasks.empty()) {
        tasks.push_back({{"index", 0}, {"name", story.record.task}, {"begin", toJson(Clocks{})}});
    }
    tasks.back()["final_test_return"] = numberOrNull(story.record.lastTestReturn);
    return tasks;
}

Json surgeryJson(const SurgeryReceipt& receipt, const SiteReceipt& site) {
    return {{"event", receipt.event},
            {"update", receipt.clocks.update.value},
            {"env_step", receipt.clocks.envStep.value},
            {"site", site.site},
            {"units", site.units},
            {"kind", site.kind},
            {"intervention", receipt.plan.intervention},
            {"reason", receipt.plan.reason},
            {"max_abs_change", numberOrNull(receipt.change.max())},
            {"change",
             {{"q", numberOrNull(receipt.change.q)},
              {"q_tot", numberOrNull(receipt.change.qTot)},
              {"target_q_tot", numberOrNull(receipt.change.targetQTot)},
              {"loss", numberOrNull(receipt.change.loss)},
              {"episodes", receipt.change.episodes}}},
            {"rua_before", site.ruaBefore},
            {"frozen_parameters", site.frozenParameters},
            {"trainable_parameters", site.trainableParameters}};
}

Json segmentJson(const SegmentRecord& segment) {
    return {{"id", segment.id.value},
            {"reason", segment.reason},
            {"started_ms", segment.startedMs},
            {"begin", toJson(segment.begin)},
            {"end", segment.end ? toJson(*segment.end) : Json(nullptr)}};
}

Json eventJson(const EventRecord& event) {
    Json json = toJson(event.clocks);
    json["id"] = event.id;
    json["segment"] = event.segment.value;
    json["kind"] = event.kind;
    json["text"] = event.text;
    json["payload"] = parsedOrNull(event.payloadJson);
    return json;
}

Json metricJson(const MetricRecord& metric) {
    return {{"name", metric.name},
            {"points", metric.points},
            {"minimum", numberOrNull(metric.minimum)},
            {"maximum", numberOrNull(metric.maximum)},
            {"last", numberOrNull(metric.last)}};
}

Json checkpointJson(const CheckpointRecord& checkpoint) {
    Json json = toJson(checkpoint.clocks);
    json["blob"] = checkpoint.blob;
    json["bytes"] = checkpoint.bytes;
    json["created_ms"] = checkpoint.createdMs;
    return json;
}

template <typename Record, typename Convert>
Json listOf(const std::vector<Record>& records, Convert convert) {
    Json list = Json::array();
    for (const Record& record : records) {
        list.push_back(convert(record));
    }
    return list;
}

Json storyJson(const RunStory& story) {
    Json json = toJson(story.record);
    json["config"] = configJson(story.configToml);
    json["config_toml"] = story.configToml;
    json["segments"] = listOf(story.segments, &segmentJson);
    json["tasks"] = tasksJson(story);
    json["surgeries"] = Json::array();
    for (const SurgeryReceipt& receipt : story.surgeries) {
        for (const SiteReceipt& site : receipt.sites) {
            json["surgeries"].push_back(surgeryJson(receipt, site));
        }
    }
    json["metrics"] = listOf(story.metrics, &metricJson);
    json["checkpoints"] = listOf(story.checkpoints, &checkpointJson);
    json["events"] = listOf(story.events, &eventJson);
    return json;
}

void printHead(const RunRecord& run) {
    const auto line = [](const char* key, const std::string& value) {
        if (!value.empty()) {
            fmt::print("{:<13} {}\n", key, value);
        }
    };
    line("run", run.id.value);
    line("experiment", fmt::format("{}, seed {}", run.experiment, run.seed));
    line("state", fmt::format("{}{}{}", toString(run.state), run.failure.empty() ? "" : ": ", run.failure));
    line("progress", fmt::format("{} of {} env steps ({}), {} updates, {} episodes, {} s of training",
                                 run.clocks.envStep.value, run.totalEnvSteps, formatPercent(progressOf(run)),
                                 run.clocks.update.value, run.clocks.episode.value, formatNumber(run.clocks.wallS)));
    line("test return", formatNumber(run.lastTestReturn));
    line("task", run.task);
    line("started", formatTime(run.createdMs));
    line("process", run.pid > 0 ? fmt::format("{} on {}", run.pid, run.host) : "");
    line("parent", run.parent ? fmt::format("{} at env step {}", run.parent->value, run.forkStep.value) : "");
    line("build", run.build);
}

void printSection(const char* title) {
    fmt::print("\n{}\n", title);
}

void printSegments(const std::vector<SegmentRecord>& segments) {
    TextTable table({{"segment", true}, {"reason", false}, {"from env step", true}, {"to", true}, {"started", false}});
    for (const SegmentRecord& segment : segments) {
        table.add({std::to_string(segment.id.value), segment.reason, std::to_string(segment.begin.envStep.value),
                   segment.end ? std::to_string(segment.end->envStep.value) : "", formatTime(segment.startedMs)});
    }
    table.print();
}

void printTasks(const Json& tasks) {
    TextTable table({{"task", true}, {"name", false}, {"from env step", true}, {"last test return", true}});
    for (const Json& task : tasks) {
        const Json& result = task["final_test_return"];
        table.add({std::to_string(task["index"].get<int>() + 1), task["name"].get<std::string>(),
                   std::to_string(task["begin"]["env_step"].get<std::int64_t>()),
                   result.is_number() ? formatNumber(result.get<double>()) : "—"});
    }
    table.print();
}

void printSurgeries(const std::vector<SurgeryReceipt>& surgeries) {
    TextTable table({{"update", true},
                     {"env step", true},
                     {"site", false},
                     {"kind", false},
                     {"reason", false},
                     {"change of Q", true},
                     {"of Q_tot", true},
                     {"of the loss", true},
                     {"units", false}});
    for (const SurgeryReceipt& receipt : surgeries) {
        bool first = true; // the change is that of the whole surgery
        for (const SiteReceipt& site : receipt.sites) {
            const auto once = [first](double value) {
                return first ? formatNumber(value) : std::string();
            };
            table.add({std::to_string(receipt.clocks.update.value), std::to_string(receipt.clocks.envStep.value),
                       site.site, site.kind, receipt.plan.reason, once(receipt.change.q), once(receipt.change.qTot),
                       once(receipt.change.loss), fmt::format("{}", fmt::join(site.units, " "))});
            first = false;
        }
    }
    table.print();
}

void printMetrics(const std::vector<MetricRecord>& metrics) {
    TextTable table({{"metric", false}, {"points", true}, {"minimum", true}, {"maximum", true}, {"last", true}});
    for (const MetricRecord& metric : metrics) {
        table.add({metric.name, std::to_string(metric.points), formatNumber(metric.minimum),
                   formatNumber(metric.maximum), formatNumber(metric.last)});
    }
    table.print();
}

void printEvents(const std::vector<EventRecord>& events) {
    TextTable table({{"env step", true}, {"update", true}, {"event", false}, {"", false}});
    for (const EventRecord& event : events) {
        table.add({std::to_string(event.clocks.envStep.value), std::to_string(event.clocks.update.value), event.kind,
                   event.text});
    }
    table.print();
}

void printStory(const RunStory& story) {
    printHead(story.record);
    printSection("Segments");
    printSegments(story.segments);
    printSection("Tasks");
    printTasks(tasksJson(story));
    if (!story.surgeries.empty()) {
        printSection("Surgeries");
        printSurgeries(story.surgeries);
    }
    printSection("Metrics");
    printMetrics(story.metrics);
    printSection("Events");
    printEvents(story.events);
    printSection("Configuration");
    fmt::print("{}\n", story.configToml);
}

int show(const CommandContext& context, const std::string& run) {
    const Result<RunStory> story = readStory(context.workspace, run);
    if (!story) {
        return failWith(story.error(), context.json);
    }
    if (context.json) {
        printJson(storyJson(*story));
    } else {
        printStory(*story);
    }
    return 0;
}

} // namespace

void addShowCommand(CLI::App& root, CommandContext& context) {
    CLI::App* command = root.add_subcommand("show", "Show one run: configuration, tasks, surgeries, metrics, events");
    struct Arguments {
        std::string run;
        std::string metric;
    };
    const auto arguments = std::make_shared<Arguments>();
    command->add_option("run", arguments->run, "Id of a run, the beginning of one, or \"last\"")
        ->required()
        ->type_name("RUN");
    command->add_option("--metric", arguments->metric, "All points of one metric instead")->type_name("METRIC");
    command->callback([&context, arguments] {
        context.action = [&context, arguments] {
            return arguments->metric.empty() ? show(context, arguments->run)
                                             : showMetric(context, arguments->run, arguments->metric);
        };
    });
}

} // namespace knife
