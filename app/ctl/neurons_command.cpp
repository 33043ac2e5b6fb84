// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/ctl/neurons_command.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "app/ctl/integer_option.h"
#include "app/ctl/output.h"
#include "app/ctl/run_json.h"
#include "core/config/experiment.h"
#include "core/store/run_reader.h"
#include "core/types/counted.h"

namespace knife {

namespace {

struct NeuronsArguments {
    std::string run;
    std::optional<std::int64_t> update;
    std::string site;
    bool units = false;
};

/// A frame with the limits that its run judges units by.
struct JudgedFrame {
    RunId run;
    NeuronFrame frame;
    DiagnosticsConfig limits;
};

/// Unit counts of one site; empty where the diagnostic has not been measured.
struct SiteCounts {
    std::optional<std::int64_t> stagnant;
    std::optional<std::int64_t> volatileUnits;
    std::optional<std::int64_t> dormant;
    std::optional<std::int64_t> dead;
};

template <typename Predicate>
std::optional<std::int64_t> countWhere(const SiteSnapshot& site, const char* diagnostic, Predicate predicate) {
    const UnitDiagnostic* column = site.find(diagnostic);
    const auto measured = [](float value) {
        return !std::isnan(value);
    };
    if (column == nullptr || std::ranges::none_of(column->values, measured)) {
        return std::nullopt;
    }
    return std::ranges::count_if(column->values,
                                 [&](float value) { return measured(value) && predicate(static_cast<double>(value)); });
}

/// The same comparisons as those that training acts on.
SiteCounts countUnits(const SiteSnapshot& site, const JudgedFrame& judged) {
    const auto stagnantBelow = static_cast<double>(judged.frame.staleBelow);
    const auto volatileAbove = static_cast<double>(judged.frame.volatileAbove);
    return {countWhere(site, "rua", [&](double rua) { return rua < stagnantBelow; }),
            countWhere(site, "rua", [&](double rua) { return rua > volatileAbove; }),
            countWhere(site, "dormancy", [&](double score) { return score <= judged.limits.dormantBelow; }),
            countWhere(site, "firing_share", [&](double share) { return share < judged.limits.deadBelow; })};
}

Result<JudgedFrame> readFrame(const CommandContext& context, const NeuronsArguments& arguments) {
    const auto reader = RunReader::open(context.workspace);
    if (!reader) {
        return tl::unexpected(reader.error());
    }
    const Result<RunId> id = (*reader)->resolve(arguments.run);
    if (!id) {
        return tl::unexpected(id.error());
    }
    const UpdateStep update{arguments.update.value_or(std::numeric_limits<std::int64_t>::max())};
    Result<NeuronFrame> frame = (*reader)->frameAt(*id, update);
    if (!frame) {
        return tl::unexpected(std::move(frame).error());
    }
    const Result<std::string> config = (*reader)->configToml(*id);
    const Result<Experiment> experiment = parseExperiment(config.value_or(""), "the run's configuration");
    JudgedFrame judged{*id, std::move(*frame), experiment ? experiment->diagnostics : DiagnosticsConfig()};
    if (!arguments.site.empty()) {
        std::erase_if(judged.frame.sites, [&](const SiteSnapshot& site) { return site.name != arguments.site; });
        if (judged.frame.sites.empty()) {
            return fail(ErrorCode::NotFound, fmt::format("run {} has no site \"{}\"", id->value, arguments.site));
        }
    }
    return judged;
}

Json countJson(const std::optional<std::int64_t>& count) {
    return count ? Json(*count) : Json(nullptr);
}

Json siteJson(const SiteSnapshot& site, const JudgedFrame& judged) {
    const SiteCounts counts = countUnits(site, judged);
    Json json = {{"site", site.name},
                 {"units", site.units},
                 {"stagnant", countJson(counts.stagnant)},
                 {"volatile", countJson(counts.volatileUnits)},
                 {"dormant", countJson(counts.dormant)},
                 {"dead", countJson(counts.dead)},
                 {"accepts_composites", site.acceptsComposites},
                 {"refusal", site.refusal},
                 {"composites", Json::array()},
                 {"diagnostics", Json::object()}};
    for (const CompositeInfo& composite : site.composites) {
        json["composites"].push_back({{"unit", composite.unit},
                                      {"events", composite.events},
                                      {"knowledge_rms", composite.knowledgeRms},
                                      {"active_rms", composite.activeRms},
                                      {"compensation_rms", composite.compensationRms},
                                      {"drift_rms", composite.driftRms}});
    }
    for (const UnitDiagnostic& diagnostic : site.diagnostics) {
        json["diagnostics"][diagnostic.name] = diagnostic.values;
    }
    return json;
}

Json frameJson(const JudgedFrame& judged) {
    Json json = {{"run", judged.run.value}};
    json.update(toJson(judged.frame.clocks));
    json["limits"] = {{"stagnant_below", judged.frame.staleBelow},
                      {"volatile_above", judged.frame.volatileAbove},
                      {"dormant_below", judged.limits.dormantBelow},
                      {"dead_below", judged.limits.deadBelow}};
    json["sites"] = Json::array();
    for (const SiteSnapshot& site : judged.frame.sites) {
        json["sites"].push_back(siteJson(site, judged));
    }
    return json;
}

std::string countText(const std::optional<std::int64_t>& count) {
    return count ? std::to_string(*count) : "—";
}

void printSites(const JudgedFrame& judged) {
    fmt::print("run {} at update {}, env step {}\n\n", judged.run.value, judged.frame.clocks.update.value,
               judged.frame.clocks.envStep.value);
    TextTable table({{"site", false},
                     {"units", true},
                     {"stagnant", true},
                     {"volatile", true},
                     {"dormant", true},
                     {"dead", true},
                     {"composites", true},
                     {"", false}});
    for (const SiteSnapshot& site : judged.frame.sites) {
        const SiteCounts counts = countUnits(site, judged);
        table.add({site.name, std::to_string(site.units), countText(counts.stagnant), countText(counts.volatileUnits),
                   countText(counts.dormant), countText(counts.dead), std::to_string(site.composites.size()),
                   site.refusal});
    }
    table.print();
}

/// "K 0.5  A 0.1  C 0.1  drift 0.02 (2 surgeries)"
std::string compositeText(const SiteSnapshot& site, int unit) {
    const auto found = std::ranges::find(site.composites, unit, &CompositeInfo::unit);
    if (found == site.composites.end()) {
        return {};
    }
    const std::string surgeries = counted(static_cast<std::size_t>(found->events), "surgery", "surgeries");
    if (std::isnan(found->knowledgeRms)) { // the parts have no outputs that add up, or nothing has been measured yet
        return surgeries;
    }
    return fmt::format("K {:.3g}  A {:.3g}  C {:.3g}  drift {:.3g} ({})", found->knowledgeRms, found->activeRms,
                       found->compensationRms, found->driftRms, surgeries);
}

void printUnits(const SiteSnapshot& site) {
    fmt::print("\n{}\n", site.name);
    std::vector<TextTable::Column> columns = {{"unit", true}};
    for (const UnitDiagnostic& diagnostic : site.diagnostics) {
        columns.push_back({diagnostic.name, true});
    }
    columns.push_back({"composite", false});
    TextTable table(std::move(columns));
    for (int unit = 0; unit < site.units; ++unit) {
        std::vector<std::string> row = {std::to_string(unit)};
        for (const UnitDiagnostic& diagnostic : site.diagnostics) {
            const auto index = static_cast<std::size_t>(unit);
            row.push_back(index < diagnostic.values.size() ? formatNumber(static_cast<double>(diagnostic.values[index]))
                                                           : "—");
        }
        row.push_back(compositeText(site, unit));
        table.add(std::move(row));
    }
    table.print();
}

int showNeurons(const CommandContext& context, const NeuronsArguments& arguments) {
    const Result<JudgedFrame> judged = readFrame(context, arguments);
    if (!judged) {
        return failWith(judged.error(), context.json);
    }
    if (context.json) {
        printJson(frameJson(*judged));
        return 0;
    }
    printSites(*judged);
    for (const SiteSnapshot& site : judged->frame.sites) {
        if (arguments.units) {
            printUnits(site);
        }
    }
    return 0;
}

} // namespace

void addNeuronsCommand(CLI::App& root, CommandContext& context) {
    CLI::App* command = root.add_subcommand("neurons", "Show the diagnostics of every site of a run");
    const auto arguments = std::make_shared<NeuronsArguments>();
    command->add_option("run", arguments->run, "Id of a run, the beginning of one, or \"last\"")
        ->required()
        ->type_name("RUN");
    addIntegerOption(*command, "--at", arguments->update, {},
                     "Newest stored frame up to this update; the newest of all without it");
    command->add_option("--site", arguments->site, "Only this site")->type_name("SITE");
    command->add_flag("--units", arguments->units, "One line per unit");
    command->callback([&context, arguments] {
        context.action = [&context, arguments] {
            return showNeurons(context, *arguments);
        };
    });
}

} // namespace knife
