// SPDX-License-Identifier: GPL-3.0-or-later
// What one call of each diagnostic of whole networks costs inside a run, beside an update of the same run.
//   bench_network_diagnostics FILE.toml [UPDATES] [NAME]...
// NAME may be several, as "ranks+behaviour": they share the probe. Prints milliseconds per call with that probe,
// updates that one call is worth, and the share of the run's update time when it is called at every evaluation of the
// file (at most once per update).
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "core/session/run_plan.h"
#include "core/session/trainer.h"
#include "core/store/run_writer.h"
#include "core/store/workspace.h"

using namespace knife;

namespace {

template <typename T>
T orExit(Result<T> result) {
    if (!result) {
        std::fprintf(stderr, "%s\n", result.error().describe().c_str());
        std::exit(1);
    }
    if constexpr (!std::is_void_v<T>) {
        return std::move(*result);
    }
}

struct Figures {
    double callMs = 0.0;
    double updateMs = 0.0;
    double updatesPerEvaluation = 0.0;
};

// Churn looks between evaluations: its cost is what the updates of one window cost more than their own diagnostics.
Figures measure(const Experiment& base, const std::string& name, std::int64_t updates, bool between) {
    Experiment experiment = base;
    experiment.evaluation.interval = base.steps;
    experiment.evaluation.episodes = 1;
    experiment.diagnostics.perEvaluation.clear();
    std::istringstream names(name);
    for (std::string one; std::getline(names, one, '+');) {
        experiment.diagnostics.perEvaluation.push_back(one);
    }
    experiment.diagnostics.perTask = {};
    const std::filesystem::path folder =
        std::filesystem::temp_directory_path() / ("knife-bench-" + std::to_string(std::rand()));
    orExit(prepareWorkspace(folder));
    auto store = orExit(RunWriter::create(
        folder,
        {.id = {}, .experiment = "bench", .seed = 1, .configToml = "", .totalEnvSteps = base.steps, .build = {}}));
    orExit(store->beginSegment({}, "start"));
    auto trainer = orExit(Trainer::build(orExit(planRun(experiment)), 1, *store, [] {}));
    const auto advanceTo = [&](std::int64_t update) {
        while (trainer->clocks().update.value < update) {
            orExit(trainer->advance());
        }
    };
    advanceTo(5);
    const double updateBefore = trainer->times().updateS;
    const std::int64_t stepBefore = trainer->clocks().envStep.value;
    advanceTo(5 + updates);
    Figures figures;
    figures.updateMs = (trainer->times().updateS - updateBefore) * 1e3 / static_cast<double>(updates);
    const double stepsPerUpdate =
        static_cast<double>(trainer->clocks().envStep.value - stepBefore) / static_cast<double>(updates);
    figures.updatesPerEvaluation = std::max(1.0, static_cast<double>(base.evaluation.interval) / stepsPerUpdate);
    const double before = trainer->times().diagnosticsS;
    if (between) {
        orExit(trainer->evaluate());
        const auto& distances = base.diagnostics.churnUpdates;
        advanceTo(trainer->clocks().update.value + *std::ranges::max_element(distances) + 1);
        figures.callMs = (trainer->times().diagnosticsS - before) * 1e3;
    } else {
        constexpr int kCalls = 3;
        for (int call = 0; call < kCalls; ++call) {
            orExit(trainer->evaluate());
        }
        figures.callMs = (trainer->times().diagnosticsS - before) * 1e3 / kCalls;
    }
    trainer.reset();
    store.reset();
    std::filesystem::remove_all(folder);
    return figures;
}

} // namespace

int main(int argc, char** argv) {
    if (argc < 2) {
        std::fprintf(stderr, "usage: %s FILE.toml [UPDATES] [NAME]...\n", argv[0]);
        return 2;
    }
    const Experiment experiment = orExit(loadExperiment(argv[1]));
    const std::int64_t updates = argc > 2 ? std::atoll(argv[2]) : 50;
    std::vector<std::string> names(argv + std::min(argc, 3), argv + argc);
    if (names.empty()) {
        names = networkDiagnosticNames();
    }
    std::printf("%-22s %10s %10s %10s %10s\n", "diagnostic", "ms/call", "ms/update", "updates", "% of time");
    for (const std::string& name : names) {
        const bool between = name == "churn";
        Figures figures = measure(experiment, name, updates, between);
        if (between) {
            figures.callMs = std::max(0.0, figures.callMs - measure(experiment, "", updates, true).callMs);
        }
        std::printf("%-22s %10.2f %10.3f %10.2f %10.2f\n", name.c_str(), figures.callMs, figures.updateMs,
                    figures.callMs / figures.updateMs,
                    100.0 * figures.callMs / (figures.updateMs * figures.updatesPerEvaluation));
        std::fflush(stdout);
    }
    return 0;
}
