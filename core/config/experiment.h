// SPDX-License-Identifier: GPL-3.0-or-later
// An experiment file as a typed value. Defaults stand here and nowhere else.
//
// Sections whose keys depend on a method ([env], [mixer], [[interventions]], the task generator) stay open here: the
// room that owns the method reads them with its own description, and resolves them before a run starts.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "core/config/section.h"
#include "core/types/error.h"

namespace knife {

struct UnitLimits;

/// One task instance: the environment's section with overrides laid on top.
struct TaskConfig {
    std::string name;       ///< shown at the switch; "task 1", … if the file gives none
    std::int64_t steps = 0; ///< env steps until the next switch; 0: an equal share of what is left of the budget
    Section env;            ///< complete section of the environment for this task
    bool operator==(const TaskConfig&) const = default;
};

struct AgentConfig {
    std::string kind = "rnn"; ///< registered agent: "rnn", "mlp", "rnn_layernorm", "rnn_crelu"
    std::int64_t hidden = 64;
    std::int64_t fcLayers = 1;         ///< of "rnn" alone: fully connected layers before the GRU; 2 is ReBorn's form
    std::string creluWidth = "hidden"; ///< of "rnn_crelu": units of its first layer, "hidden" or "equal_parameters"
    std::string init = "uniform";      ///< of fully connected layers: "uniform" (PyTorch's own), "orthogonal"
    double headGain = 1.0;             ///< factor on the head's initial weights
    bool lastAction = true;            ///< one-hot last action is part of the agent's input
    bool agentId = true;               ///< one-hot agent id is part of the agent's input
    /// Units that are watched and can be operated on beside hidden ones: "gru", "head".
    std::vector<std::string> furtherSites;
    bool stopGradientFrozen = false; ///< of all networks: gradients do not pass frozen neurons to what feeds them
    bool taskId = false; ///< one-hot task id is part of the agent's input; tasks with equal environments share one
    bool operator==(const AgentConfig&) const = default;
};

struct LearningConfig {
    double gamma = 0.99;
    double tdLambda = 0.0;               ///< 0: one-step targets
    std::string tdVariant = "td_lambda"; ///< "td_lambda", "q_lambda" (Peng)
    bool doubleQ = true;
    std::int64_t batchEpisodes = 32;
    std::int64_t bufferEpisodes = 5000;
    std::int64_t parallelEnvs = 1;      ///< episodes collected between two updates
    std::int64_t updatesPerRollout = 1; ///< gradient steps after each collection
    std::string optimiser = "rmsprop";  ///< "rmsprop", "adam"
    double lr = 5e-4;
    double rmspropAlpha = 0.99;
    double adamBeta1 = 0.9;
    double adamBeta2 = 0.999;
    double epsilon = 1e-5; ///< of the optimiser, outside the root; a file that is silent gets defaultEpsilon()
    double gradClip = 10.0;
    std::int64_t targetInterval = 200; ///< episodes between hard copies, where targetTau is 0
    double targetTau = 0.0;            ///< share of the online network mixed into the target at every update
    bool standardiseRewards = false;   ///< by the running mean and deviation of all rewards trained on
    /// Replay buffer at a task switch: "clear", "keep", "partial" (the newest episodes stay), "reservoir" (a uniform
    /// sample of the episodes of all tasks so far stays to the end of the next one).
    std::string onSwitchBuffer = "clear";
    double onSwitchShare = 0.25;            ///< "partial": of the episodes there; "reservoir": of bufferEpisodes
    std::string onSwitchOptimiser = "keep"; ///< optimiser state at a task switch: "keep", "reset"
    bool operator==(const LearningConfig&) const = default;
};

/// 1e-5 for RMSprop as PyMARL has it, 1e-8 for Adam as PyTorch has it.
[[nodiscard]] double defaultEpsilon(const std::string& optimiser);

struct ExplorationConfig {
    double start = 1.0;
    double finish = 0.05;
    std::int64_t annealSteps = 50'000; ///< env steps
    std::string onSwitch = "restart";  ///< schedule at a task switch: "restart", "continue", "floor" (it is over)
    bool operator==(const ExplorationConfig&) const = default;
};

struct DiagnosticsConfig {
    std::int64_t window = 200; ///< updates per RUA window
    double stagnantBelow = 0.25;
    double volatileAbove = 4.0;
    double dormantBelow = 0.1;    ///< ReDo score
    double deadBelow = 0.01;      ///< share of rows on which a unit fires
    double gramaBelow = 0.01;     ///< GraMa score
    double futileBelow = 0.5;     ///< GradPS efficiency, relative to the site's mean
    double overActiveAbove = 3.0; ///< mean magnitude of the activation, relative to the site's mean
    // How the relative update activity of a unit is reckoned; core/plasticity/diagnostics/rua_rule.h has the formulas.
    std::string ruaSignal = "grad_preclip";   ///< or "grad_postclip", "step", "saliency", "invariant"
    std::string ruaAverage = "mean_of_norms"; ///< or "norm_of_mean"
    bool ruaIncludeBias = false;
    std::string ruaNormaliser = "mean"; ///< or "median", "trimmed_mean_10"
    std::string ruaWindow = "window";   ///< or "ema", "lifetime", "since_task_start", "since_surgery"
    double ruaBeta = 0.99;              ///< of "ema"
    std::vector<std::string> perUnit;   ///< of units, beside those that are always measured: see unitDiagnosticNames()
    bool perAgent = false;              ///< the relative update activity by each agent's gradient alone, too
    std::string overlap = "pooled";     ///< stored overlaps of flags: "none", "pooled", "sites"
    std::int64_t activationInterval = 10;                            ///< updates between activation statistics
    std::int64_t frameInterval = 200;                                ///< updates between stored neuron frames; 0: none
    std::vector<std::string> perEvaluation = {"ranks", "behaviour"}; ///< of networks, after every evaluation
    std::vector<std::string> perTask;                                ///< of networks, at both ends of every task
    std::int64_t probeEpisodes = 128;                      ///< newest episodes that diagnostics of networks look at
    std::int64_t probeSteps = 4096;                        ///< env steps of theirs, at most
    bool ranksCentred = false;                             ///< ranks of features less their mean
    std::vector<std::int64_t> churnUpdates = {1, 10, 100}; ///< distances of the "churn" diagnostic
    bool operator==(const DiagnosticsConfig&) const = default;
};

/// Diagnostics of whole networks that perEvaluation and perTask may name.
[[nodiscard]] const std::vector<std::string>& networkDiagnosticNames();
/// Diagnostics of units that perUnit may name.
[[nodiscard]] const std::vector<std::string>& unitDiagnosticNames();
/// By what units are flagged.
[[nodiscard]] UnitLimits unitLimits(const DiagnosticsConfig& config);

struct EvaluationConfig {
    std::int64_t interval = 10'000; ///< env steps
    std::int64_t episodes = 32;     ///< greedy episodes per evaluation
    /// When the tasks before the current one are evaluated, too: "never", "at_end" of the run, "at_switches" and at its
    /// end, "at_evaluations" of the current task. Training is the same with any of them.
    std::string earlierTasks = "never";
    std::int64_t recordedEpisodes = 1; ///< of each evaluation, at most `episodes`; stored for the window. 0: none
    bool operator==(const EvaluationConfig&) const = default;
};

struct CheckpointConfig {
    double intervalS = 60.0; ///< seconds of training between checkpoints
    std::int64_t keepLast = 3;
    bool operator==(const CheckpointConfig&) const = default;
};

void describe(FieldVisitor& visitor, AgentConfig& config);
void describe(FieldVisitor& visitor, LearningConfig& config);
void describe(FieldVisitor& visitor, ExplorationConfig& config);
void describe(FieldVisitor& visitor, DiagnosticsConfig& config);
void describe(FieldVisitor& visitor, EvaluationConfig& config);
void describe(FieldVisitor& visitor, CheckpointConfig& config);

struct Experiment {
    std::string name = "untitled";
    std::vector<std::uint64_t> seeds = {1};
    std::int64_t steps = 100'000; ///< budget of a run in env steps
    std::int64_t threads = 1;
    std::string device = "cpu";    ///< where the networks live: "cpu", "cuda"
    std::string preset = "none";   ///< whose defaults lay under the file's own keys (presets.h)
    Section env;                   ///< has "name"
    std::vector<TaskConfig> tasks; ///< [[tasks]]; empty: one task, the environment as it stands
    Section taskGenerator;         ///< [task_generator]; empty: none. Excludes [[tasks]]
    AgentConfig agent;
    Section mixer; ///< has "method"
    LearningConfig learning;
    ExplorationConfig exploration;
    DiagnosticsConfig diagnostics;
    std::vector<Section> interventions; ///< each has "method"
    EvaluationConfig evaluation;
    CheckpointConfig checkpoint;
    bool operator==(const Experiment&) const = default;
};

/// Reads an experiment file and lays `overrides` ("learning.lr=1e-3") on top. Errors are ErrorCode::Usage (or NotFound
/// for a missing file) and name file:line:column, or the override that is wrong.
[[nodiscard]] Result<Experiment> loadExperiment(const std::filesystem::path& file,
                                                const std::vector<std::string>& overrides = {});
/// The same from text; `sourceName` stands in messages where the file name would.
[[nodiscard]] Result<Experiment> parseExperiment(std::string_view toml, std::string_view sourceName,
                                                 const std::vector<std::string>& overrides = {});
/// The whole experiment with every default written out. parseExperiment() of it gives an equal experiment.
[[nodiscard]] std::string toToml(const Experiment& experiment);

} // namespace knife
