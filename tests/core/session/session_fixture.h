// SPDX-License-Identifier: GPL-3.0-or-later
// A small experiment, a temporary workspace and an observer that records what a session says.
#pragma once

#include <atomic>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include <QTemporaryDir>

#include <nlohmann/json.hpp>

#include "core/config/experiment.h"
#include "core/session/session.h"

namespace knife::test {

/// Two payoff tables with KNIFE at the switch; a few hundred updates, a second or so.
inline const char* const kMatrixSequence = R"(
[experiment]
name = "test sequence"
seeds = [1]
steps = 1600

[env]
name = "matrix"

[[tasks]]
name = "additive"
steps = 800
env = { table = "additive" }

[[tasks]]
name = "monotone"
env = { table = "monotone" }

[agent]
hidden = 16

[mixer]
method = "qmix"
embed = 8

[learning]
batch_episodes = 8
buffer_episodes = 64
parallel_envs = 4
target_interval = 40

[exploration]
anneal_steps = 400

[diagnostics]
window = 20
frame_interval = 25

[[interventions]]
method = "knife"
trigger = "task_switch"
persistence = 1

[evaluation]
interval = 400
episodes = 4
)";

inline Experiment experimentOf(const std::string& toml, const std::vector<std::string>& overrides = {}) {
    auto experiment = parseExperiment(toml, "test", overrides);
    if (!experiment) {
        qFatal("%s", experiment.error().describe().c_str());
    }
    return *experiment;
}

/// Records everything; `onProgress` may submit commands or interrupt.
class RecordingObserver final : public SessionObserver {
  public:
    std::vector<RunState> states;
    std::vector<Notice> notices;
    std::vector<CommandResult> results;
    std::vector<Snapshot> snapshots;
    std::function<void(const Clocks&)> onProgress;
    std::function<void(RunState)> onState;
    std::function<void(const CommandResult&)> onResult;
    std::atomic<bool> snapshotWanted{false};

    void stateChanged(const StateChanged& change) override {
        states.push_back(change.state);
        if (onState) {
            onState(change.state);
        }
    }
    void notice(const Notice& notice) override { notices.push_back(notice); }
    void commandDone(const CommandResult& result) override {
        results.push_back(result);
        if (onResult) {
            onResult(result);
        }
    }
    bool wantsSnapshot() const override { return snapshotWanted; }
    void snapshot(const Snapshot& snapshot) override { snapshots.push_back(snapshot); }
    void progressed(const Clocks& clocks, double) override {
        if (onProgress) {
            onProgress(clocks);
        }
    }
};

class Workspace {
  public:
    [[nodiscard]] std::filesystem::path path() const { return m_folder.filePath("workspace").toStdString(); }
    [[nodiscard]] SessionOptions options(bool startPaused = false) const {
        return {.workspace = path(), .id = {}, .startPaused = startPaused, .build = "test"};
    }
    [[nodiscard]] std::unique_ptr<Session> start(const Experiment& experiment, std::uint64_t seed = 1,
                                                 bool startPaused = false) const {
        auto session = Session::start(experiment, seed, options(startPaused));
        if (!session) {
            qFatal("%s", session.error().describe().c_str());
        }
        return std::move(*session);
    }

  private:
    QTemporaryDir m_folder;
};

/// Trains to the end of the budget; `run` becomes the run's id.
inline RunOutcome live(const Experiment& experiment, const Workspace& workspace, RunId* run = nullptr,
                       std::uint64_t seed = 1) {
    const auto session = workspace.start(experiment, seed);
    if (run != nullptr) {
        *run = session->id();
    }
    RecordingObserver observer;
    return session->run(observer);
}

/// Resumes a run that nobody holds, to the end of the budget.
inline RunOutcome resume(const RunId& run, const Workspace& workspace) {
    auto session = Session::resume(run, {}, {}, workspace.options());
    if (!session) {
        qFatal("%s", session.error().describe().c_str());
    }
    RecordingObserver observer;
    return (*session)->run(observer);
}

/// When a run that is about to die writes its only checkpoint, and when it dies.
struct Death {
    std::int64_t savedAt = 0;       ///< env step
    std::int64_t savedAtUpdate = 0; ///< and not before this one
    std::int64_t at = 0;            ///< env step
};

/// Dies behind a checkpoint and is resumed. `id` becomes the run's.
inline RunOutcome dieAndResume(const Experiment& experiment, const Workspace& workspace, const Death& death,
                               RunId* id = nullptr) {
    auto session = workspace.start(experiment);
    const RunId run = session->id();
    if (id != nullptr) {
        *id = run;
    }
    RecordingObserver killer;
    bool saved = false;
    killer.onProgress = [&](const Clocks& clocks) {
        if (clocks.envStep.value >= death.savedAt && clocks.update.value >= death.savedAtUpdate && !saved) {
            saved = true;
            session->submit({CommandId{1}, PauseCommand{}});
            session->submit({CommandId{2}, CheckpointCommand{}});
            session->submit({CommandId{3}, ContinueCommand{}});
        }
        if (clocks.envStep.value >= death.at) {
            throw std::runtime_error("the process dies");
        }
    };
    if (session->run(killer).state != RunState::Failed) {
        qFatal("the run did not die");
    }
    session.reset(); // lets go of the run
    return resume(run, workspace);
}

/// Fails the test unless a run has used up its budget.
#define VERIFY_FINISHED(outcome)                                                                                       \
    do {                                                                                                               \
        const RunOutcome& finished = outcome;                                                                          \
        QVERIFY2(finished.state == RunState::Finished, finished.error ? finished.error->describe().c_str() : "");      \
    } while (false)

inline std::string hashOf(const RunOutcome& outcome) {
    return nlohmann::json::parse(outcome.summaryJson).at("weights_sha256").get<std::string>();
}

} // namespace knife::test
