// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/config/experiment.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <system_error>
#include <unordered_set>
#include <utility>

#include <fmt/format.h>

#include "core/config/did_you_mean.h"
#include "core/config/method_section.h"
#include "core/config/overrides.h"
#include "core/config/presets.h"
#include "core/config/section_node.h"
#include "core/config/toml_text.h"
#include "core/types/unit_flags.h"

namespace knife {

namespace {

constexpr double kUnbounded = std::numeric_limits<double>::infinity();
// Free payoff tables can be large, but a file beyond this is not an experiment.
constexpr std::uintmax_t kLargestFile = 4U << 20U;

const std::vector<std::string> kClosedTables = {"experiment",  "agent",      "learning",  "exploration",
                                                "diagnostics", "evaluation", "checkpoint"};

// [experiment] as it stands in the file; Experiment holds these fields flat and the seeds unsigned.
struct RunConfig {
    std::string name;
    std::vector<std::int64_t> seeds;
    std::int64_t steps = 0;
    std::int64_t threads = 0;
    std::string device;
    std::string preset;
};

void describe(FieldVisitor& visitor, RunConfig& config) {
    visitor.field("name", config.name, {"Name shown in the run list"});
    visitor.field("seeds", config.seeds, {"One run is trained for each"}, {0, kUnbounded});
    visitor.field("steps", config.steps, {"Budget of a run", "env steps"}, {1, kUnbounded});
    visitor.field("threads", config.threads, {"Threads of one run"}, {1, 256});
    visitor.choice("device", config.device, {"Where the networks live"}, {"cpu", "cuda"});
    visitor.choice("preset", config.preset, {"Settings of a known code base, under the file's own"}, presetNames());
}

// The closed keys of one [[tasks]] entry.
struct TaskHead {
    std::string name;
    std::int64_t steps = 0;
};

void describe(FieldVisitor& visitor, TaskHead& config) {
    visitor.field("name", config.name, {"Name shown at the switch"});
    visitor.field("steps", config.steps, {"Length of the task; 0: an equal share of what is left", "env steps"},
                  {0, kUnbounded});
}

RunConfig runConfigOf(const Experiment& experiment) {
    RunConfig config{experiment.name, {}, experiment.steps, experiment.threads, experiment.device, experiment.preset};
    config.seeds.reserve(experiment.seeds.size());
    for (const std::uint64_t seed : experiment.seeds) {
        config.seeds.push_back(static_cast<std::int64_t>(seed));
    }
    return config;
}

std::vector<std::string> closedKeys(const std::string& table) {
    std::vector<FieldSchema> fields;
    if (table == "experiment") {
        fields = listSchema<RunConfig>();
    } else if (table == "agent") {
        fields = listSchema<AgentConfig>();
    } else if (table == "learning") {
        fields = listSchema<LearningConfig>();
    } else if (table == "exploration") {
        fields = listSchema<ExplorationConfig>();
    } else if (table == "diagnostics") {
        fields = listSchema<DiagnosticsConfig>();
    } else if (table == "evaluation") {
        fields = listSchema<EvaluationConfig>();
    } else {
        fields = listSchema<CheckpointConfig>();
    }
    std::vector<std::string> keys;
    keys.reserve(fields.size());
    for (const FieldSchema& field : fields) {
        keys.push_back(field.key);
    }
    return keys;
}

// "lr" at the top level is not a misspelt table but a key without its table.
std::string suggestionAtTop(const std::string& key) {
    for (const std::string& table : kClosedTables) {
        const std::vector<std::string> keys = closedKeys(table);
        if (std::find(keys.begin(), keys.end(), key) != keys.end()) {
            return fmt::format("; did you mean '{}.{}'?", table, key);
        }
    }
    std::vector<std::string> tables = kClosedTables;
    tables.insert(tables.end(), {"env", "mixer", "tasks", "task_generator", "interventions"});
    return suggestion(key, tables);
}

// Reads the raw tree into an Experiment. One object per file; the members are what all steps share.
class ExperimentReader {
  public:
    explicit ExperimentReader(detail::Table root) : m_root(std::move(root)) {}

    Result<Experiment> read() {
        return rejectUnknownTables()
            .and_then([&] { return readRun(); })
            .and_then([&] { return layPreset(); })
            .and_then([&] { return readClosedTables(); })
            .and_then([&] { return readOpenTables(); })
            .and_then([&] { return readTasks(); })
            .and_then([&] { return checkAcrossFields(); })
            .map([&] { return std::move(m_experiment); });
    }

  private:
    using Status = Result<void>;

    Status rejectUnknownTables() const {
        for (const detail::Entry& entry : m_root->entries) {
            const bool closed = std::find(kClosedTables.begin(), kClosedTables.end(), entry.key) != kClosedTables.end();
            const bool list = entry.key == "tasks" || entry.key == "interventions";
            const bool open = entry.key == "env" || entry.key == "mixer" || entry.key == "task_generator";
            if (!closed && !list && !open) {
                return fail(ErrorCode::Usage, fmt::format("{}unknown key '{}'{}", entry.keyPlace.prefix(), entry.key,
                                                          suggestionAtTop(entry.key)));
            }
            if (!list && !std::holds_alternative<detail::Table>(entry.value.data)) {
                return fail(ErrorCode::Usage, fmt::format("{}expected a table [{}], got {}", entry.value.place.prefix(),
                                                          entry.key, detail::describeValue(entry.value)));
            }
        }
        return {};
    }

    // The table of that name; empty if the file has none.
    Section table(const std::string& key) const {
        const detail::Entry* entry = m_root->find(key);
        if (entry != nullptr) {
            return Section(std::get<detail::Table>(entry->value.data));
        }
        auto missing = std::make_shared<detail::SectionNode>();
        missing->path = key;
        missing->place = m_root->place;
        return Section(std::move(missing));
    }

    Status readRun() {
        RunConfig run = runConfigOf(m_experiment);
        auto status = readSection(table("experiment"), run);
        m_experiment.name = run.name;
        m_experiment.steps = run.steps;
        m_experiment.threads = run.threads;
        m_experiment.device = run.device;
        m_experiment.preset = run.preset;
        m_experiment.seeds.clear();
        for (const std::int64_t seed : run.seeds) {
            m_experiment.seeds.push_back(static_cast<std::uint64_t>(seed));
        }
        return status;
    }

    // The preset's tables become the ground that the file's own keys stand on.
    Status layPreset() {
        const auto method = table("mixer").text(kMethodKey, kDefaultMixerMethod);
        const auto agent = table("agent").text("kind", m_experiment.agent.kind);
        if (!method || !agent) {
            return tl::unexpected(!method ? method.error() : agent.error());
        }
        const auto preset = presetTables(m_experiment.preset, *method, *agent);
        if (!preset) {
            return tl::unexpected(preset.error());
        }
        m_root = detail::mergedTables(**preset, *m_root, "");
        return {};
    }

    Status readClosedTables() {
        auto status = readSection(table("agent"), m_experiment.agent)
                          .and_then([&] { return readSection(table("learning"), m_experiment.learning); })
                          .and_then([&] { return readSection(table("exploration"), m_experiment.exploration); })
                          .and_then([&] { return readSection(table("diagnostics"), m_experiment.diagnostics); })
                          .and_then([&] { return readSection(table("evaluation"), m_experiment.evaluation); })
                          .and_then([&] { return readSection(table("checkpoint"), m_experiment.checkpoint); });
        if (!table("learning").has("epsilon")) {
            m_experiment.learning.epsilon = defaultEpsilon(m_experiment.learning.optimiser);
        }
        return status;
    }

    // An open table belongs to the room that knows its method; only the method's name is checked here.
    static Status requireText(const Section& section, const char* key, const char* example) {
        if (!section.has(key)) {
            return tl::unexpected(
                section.errorAt("", fmt::format("{} is missing, for example {} = \"{}\"", key, key, example)));
        }
        return section.text(key, "").map([](const std::string&) {});
    }

    Status readOpenTables() {
        m_experiment.env = table("env");
        m_experiment.mixer = table("mixer");
        m_experiment.taskGenerator = table("task_generator");
        if (!m_experiment.mixer.has(kMethodKey)) {
            m_experiment.mixer = m_experiment.mixer.withText(kMethodKey, kDefaultMixerMethod);
        }
        auto status = requireText(m_experiment.env, "name", "matrix").and_then([&] {
            return requireText(m_experiment.mixer, "method", "qmix");
        });
        if (status && !m_experiment.taskGenerator.empty()) {
            status = requireText(m_experiment.taskGenerator, "kind", "permute");
        }
        if (!status) {
            return status;
        }
        auto interventions = listOfTables("interventions");
        if (!interventions) {
            return tl::unexpected(interventions.error());
        }
        for (const Section& intervention : *interventions) {
            if (auto present = requireText(intervention, "method", "knife"); !present) {
                return present;
            }
        }
        m_experiment.interventions = std::move(*interventions);
        return {};
    }

    Result<std::vector<Section>> listOfTables(const std::string& key) const {
        std::vector<Section> sections;
        const detail::Entry* entry = m_root->find(key);
        if (entry == nullptr) {
            return sections;
        }
        const auto* list = std::get_if<detail::Array>(&entry->value.data);
        const auto refuse = [&](const detail::Value& value) {
            return fail(ErrorCode::Usage, fmt::format("{}expected tables [[{}]], got {}", value.place.prefix(), key,
                                                      detail::describeValue(value)));
        };
        if (list == nullptr) {
            return refuse(entry->value);
        }
        for (const detail::Value& item : *list) {
            const auto* table = std::get_if<detail::Table>(&item.data);
            if (table == nullptr) {
                return refuse(item);
            }
            sections.emplace_back(*table);
        }
        return sections;
    }

    Status readTasks() {
        auto tasks = listOfTables("tasks");
        if (!tasks) {
            return tl::unexpected(tasks.error());
        }
        for (const Section& section : *tasks) {
            TaskHead head{fmt::format("task {}", m_experiment.tasks.size() + 1), 0};
            if (auto status = readSection(section, head, {"env"}); !status) {
                return status;
            }
            auto env = taskEnv(section);
            if (!env) {
                return tl::unexpected(env.error());
            }
            m_experiment.tasks.push_back({head.name, head.steps, std::move(*env)});
            m_taskSections.push_back(section);
        }
        return {};
    }

    Result<Section> taskEnv(const Section& task) const {
        const detail::Entry* entry = task.node()->find("env");
        const std::string path = detail::childPath(task.path(), "env");
        if (entry == nullptr) {
            return Section(detail::mergedTables(*m_experiment.env.node(), detail::SectionNode{}, path));
        }
        const auto* overrides = std::get_if<detail::Table>(&entry->value.data);
        if (overrides == nullptr) {
            return tl::unexpected(task.errorAt(
                "env", fmt::format("expected a table of overrides, got {}", detail::describeValue(entry->value))));
        }
        return Section(detail::mergedTables(*m_experiment.env.node(), **overrides, path));
    }

    Status refuse(const std::string& tableName, const char* key, std::string message) const {
        return tl::unexpected(table(tableName).errorAt(key, std::move(message)));
    }

    Status checkAcrossFields() const {
        const Experiment& e = m_experiment;
        if (e.seeds.empty()) {
            return refuse("experiment", "seeds", "expected at least one seed");
        }
        std::unordered_set<std::uint64_t> seen;
        for (const std::uint64_t seed : e.seeds) {
            if (!seen.insert(seed).second) {
                return refuse("experiment", "seeds", fmt::format("seed {} stands there twice", seed));
            }
        }
        if (e.exploration.finish > e.exploration.start) {
            return refuse("exploration", "finish",
                          fmt::format("expected at most exploration.start = {}, got {}", e.exploration.start,
                                      e.exploration.finish));
        }
        if (e.learning.batchEpisodes > e.learning.bufferEpisodes) {
            return refuse("learning", "batch_episodes",
                          fmt::format("expected at most learning.buffer_episodes = {}, got {}",
                                      e.learning.bufferEpisodes, e.learning.batchEpisodes));
        }
        if (e.learning.parallelEnvs > e.learning.bufferEpisodes) {
            return refuse("learning", "parallel_envs",
                          fmt::format("expected at most learning.buffer_episodes = {}, got {}: episodes would be gone "
                                      "before they are sampled",
                                      e.learning.bufferEpisodes, e.learning.parallelEnvs));
        }
        if (e.diagnostics.stagnantBelow > e.diagnostics.volatileAbove) {
            return refuse("diagnostics", "stagnant_below",
                          fmt::format("expected at most diagnostics.volatile_above = {}, got {}",
                                      e.diagnostics.volatileAbove, e.diagnostics.stagnantBelow));
        }
        if (e.evaluation.recordedEpisodes > e.evaluation.episodes) {
            return refuse("evaluation", "recorded_episodes",
                          fmt::format("expected at most evaluation.episodes = {}, got {}", e.evaluation.episodes,
                                      e.evaluation.recordedEpisodes));
        }
        const std::vector<std::string>& ofNetworks = networkDiagnosticNames();
        return checkDiagnosticNames("per_evaluation", e.diagnostics.perEvaluation, ofNetworks)
            .and_then([&] { return checkDiagnosticNames("per_task", e.diagnostics.perTask, ofNetworks); })
            .and_then([&] { return checkDiagnosticNames("per_unit", e.diagnostics.perUnit, unitDiagnosticNames()); })
            .and_then([&] { return checkTasks(); });
    }

    Status checkDiagnosticNames(const char* key, const std::vector<std::string>& names,
                                const std::vector<std::string>& known) const {
        for (const std::string& name : names) {
            if (std::ranges::find(known, name) == known.end()) {
                return refuse("diagnostics", key,
                              fmt::format("unknown diagnostic '{}'{}", name, suggestion(name, known)));
            }
            if (std::ranges::count(names, name) > 1) {
                return refuse("diagnostics", key, fmt::format("diagnostic '{}' stands there twice", name));
            }
        }
        return {};
    }

    Status checkTasks() const {
        if (m_experiment.tasks.empty()) {
            return {};
        }
        if (!m_experiment.taskGenerator.empty()) {
            return tl::unexpected(
                m_experiment.taskGenerator.errorAt("", "[[tasks]] and [task_generator] exclude each other; keep one"));
        }
        std::int64_t left = m_experiment.steps;
        for (std::size_t i = 0; i < m_experiment.tasks.size(); ++i) {
            const std::int64_t steps = m_experiment.tasks[i].steps;
            if (steps > left) {
                return tl::unexpected(m_taskSections[i].errorAt(
                    "steps", fmt::format("{} is more than the {} env steps that are left of experiment.steps = {}",
                                         steps, left, m_experiment.steps)));
            }
            left -= steps;
        }
        for (std::size_t i = 0; i < m_experiment.tasks.size(); ++i) {
            if (m_experiment.tasks[i].steps == 0 && left == 0) {
                return tl::unexpected(m_taskSections[i].errorAt(
                    "steps", fmt::format("the other tasks use up experiment.steps = {}; nothing is left for this one",
                                         m_experiment.steps)));
            }
        }
        return {};
    }

    detail::Table m_root;
    Experiment m_experiment;
    std::vector<Section> m_taskSections;
};

Result<std::string> readWholeFile(const std::filesystem::path& file) {
    std::error_code code;
    const auto status = std::filesystem::status(file, code);
    if (!std::filesystem::exists(status)) {
        return code && code != std::errc::no_such_file_or_directory && code != std::errc::not_a_directory
                   ? fail(ErrorCode::Io, fmt::format("{}: {}", file.string(), code.message()))
                   : fail(ErrorCode::NotFound, fmt::format("{}: no such file", file.string()));
    }
    if (!std::filesystem::is_regular_file(status)) {
        return fail(ErrorCode::Usage, fmt::format("{}: expected an experiment file, this is {}", file.string(),
                                                  std::filesystem::is_directory(status) ? "a directory" : "no file"));
    }
    const std::uintmax_t size = std::filesystem::file_size(file, code);
    if (!code && size > kLargestFile) {
        return fail(ErrorCode::Usage, fmt::format("{}: {} bytes are too many for an experiment file (at most {})",
                                                  file.string(), size, kLargestFile));
    }
    std::ifstream in(file, std::ios::binary);
    std::string text(static_cast<std::size_t>(code ? 0 : size), '\0');
    if (code || !in || !in.read(text.data(), static_cast<std::streamsize>(text.size()))) {
        return fail(ErrorCode::Io, fmt::format("{}: cannot be read: {}", file.string(), std::strerror(errno)));
    }
    return text;
}

std::string tableText(const std::string& header, const Section& section) {
    return fmt::format("\n[{}]\n{}", header, section.toToml());
}

} // namespace

void describe(FieldVisitor& visitor, AgentConfig& config) {
    visitor.field("kind", config.kind, {"Registered agent network"});
    visitor.field("hidden", config.hidden, {"Width of the hidden layers", "units"}, {1, 65536});
    visitor.field("fc_layers", config.fcLayers, {"Fully connected layers before the GRU", "layers"}, {1, 2});
    visitor.choice("crelu_width", config.creluWidth, {"Width of the first layer of rnn_crelu"},
                   {"hidden", "equal_parameters"});
    visitor.choice("init", config.init, {"Initial weights of fully connected layers"}, {"uniform", "orthogonal"});
    visitor.field("head_gain", config.headGain, {"Factor on the initial weights of the head"}, {0, 100});
    visitor.field("last_action", config.lastAction, {"Feed the last action back as a one-hot input"});
    visitor.field("agent_id", config.agentId, {"Feed the agent's index as a one-hot input"});
    visitor.field("further_sites", config.furtherSites,
                  {"Units to watch and operate on beside the hidden ones: gru, head"});
    visitor.field(
        "stop_gradient_frozen", config.stopGradientFrozen,
        {"Gradients end at frozen neurons instead of passing them to what feeds them; no fast path for agents"});
    visitor.field("task_id", config.taskId, {"Feed the task as a one-hot input; equal environments are one task"});
}

void describe(FieldVisitor& visitor, LearningConfig& config) {
    visitor.field("gamma", config.gamma, {"Discount per env step"}, {0, 1});
    visitor.field("td_lambda", config.tdLambda, {"TD(lambda); 0: one-step targets"}, {0, 1});
    visitor.choice("td_variant", config.tdVariant, {"Recursion of the targets"}, {"td_lambda", "q_lambda"});
    visitor.field("double_q", config.doubleQ, {"The online network chooses the action of the target"});
    visitor.field("batch_episodes", config.batchEpisodes, {"Batch of one update", "episodes"}, {1, 65536});
    visitor.field("buffer_episodes", config.bufferEpisodes, {"Capacity of the replay buffer", "episodes"},
                  {1, 100'000'000});
    visitor.field("parallel_envs", config.parallelEnvs, {"Collected between two updates", "episodes"}, {1, 4096});
    visitor.field("updates_per_rollout", config.updatesPerRollout, {"Gradient steps after each collection", "updates"},
                  {1, 65536});
    visitor.choice("optimiser", config.optimiser, {"Optimiser"}, {"rmsprop", "adam"});
    visitor.field("lr", config.lr, {"Learning rate"}, {0, 10});
    visitor.field("rmsprop_alpha", config.rmspropAlpha, {"Decay of RMSprop's second moment"}, {0, 1});
    visitor.field("adam_beta1", config.adamBeta1, {"Decay of Adam's first moment"}, {0, 0.999999});
    visitor.field("adam_beta2", config.adamBeta2, {"Decay of Adam's second moment"}, {0, 0.999999999});
    visitor.field("epsilon", config.epsilon, {"Added outside the root; adam: 1e-8 by default"}, {0, 1});
    visitor.field("grad_clip", config.gradClip, {"Largest norm of the whole gradient; 0: no clipping"},
                  {0, kUnbounded});
    visitor.field("target_interval", config.targetInterval, {"Between hard copies to the target network", "episodes"},
                  {1, kUnbounded});
    visitor.field("target_tau", config.targetTau, {"Share mixed into the target at each update; 0: hard copies"},
                  {0, 1});
    visitor.field("standardise_rewards", config.standardiseRewards, {"By the running mean and deviation"});
    visitor.choice("on_switch_buffer", config.onSwitchBuffer, {"Replay buffer at a task switch"},
                   {"clear", "keep", "partial", "reservoir"});
    visitor.field("on_switch_share", config.onSwitchShare,
                  {"What \"partial\" keeps of the episodes there, or \"reservoir\" of buffer_episodes"}, {0, 1});
    visitor.choice("on_switch_optimiser", config.onSwitchOptimiser, {"Optimiser state at a task switch"},
                   {"keep", "reset"});
}

double defaultEpsilon(const std::string& optimiser) {
    return optimiser == "adam" ? 1e-8 : 1e-5;
}

void describe(FieldVisitor& visitor, ExplorationConfig& config) {
    visitor.field("start", config.start, {"Probability of a random action at the start"}, {0, 1});
    visitor.field("finish", config.finish, {"Probability of a random action after annealing"}, {0, 1});
    visitor.field("anneal_steps", config.annealSteps, {"Linear decay from start to finish", "env steps"},
                  {0, kUnbounded});
    visitor.choice("on_switch", config.onSwitch, {"The schedule at a task switch"}, {"restart", "continue", "floor"});
}

namespace {

void describeRua(FieldVisitor& visitor, DiagnosticsConfig& config) {
    visitor.choice("rua_signal", config.ruaSignal, {"Which movement of a unit counts as its activity"},
                   {"grad_preclip", "grad_postclip", "step", "saliency", "invariant"});
    visitor.choice("rua_average", config.ruaAverage, {"Over the updates of a window"},
                   {"mean_of_norms", "norm_of_mean"});
    visitor.field("rua_include_bias", config.ruaIncludeBias, {"Count the bias as part of the incoming row"});
    visitor.choice("rua_normaliser", config.ruaNormaliser, {"Activity of a site that units are compared with"},
                   {"mean", "median", "trimmed_mean_10"});
    visitor.choice("rua_window", config.ruaWindow, {"Updates that the average runs over"},
                   {"window", "ema", "lifetime", "since_task_start", "since_surgery"});
    visitor.field("rua_beta", config.ruaBeta, {"Decay per update of rua_window = \"ema\""}, {0, 1});
}

} // namespace

void describe(FieldVisitor& visitor, DiagnosticsConfig& config) {
    visitor.field("window", config.window, {"Window of the relative update activity", "updates"}, {1, 1'000'000});
    visitor.field("stagnant_below", config.stagnantBelow, {"Relative update activity of a stagnant unit"},
                  {0, kUnbounded});
    visitor.field("volatile_above", config.volatileAbove, {"Relative update activity of a volatile unit"},
                  {0, kUnbounded});
    visitor.field("dormant_below", config.dormantBelow, {"ReDo score of a dormant unit"}, {0, kUnbounded});
    visitor.field("dead_below", config.deadBelow, {"Share of rows on which a dead unit fires"}, {0, 1});
    visitor.field("grama_below", config.gramaBelow, {"GraMa score of a unit that no gradient reaches"},
                  {0, kUnbounded});
    visitor.field("futile_below", config.futileBelow, {"GradPS efficiency of a futile unit, relative to its site"},
                  {0, kUnbounded});
    visitor.field("over_active_above", config.overActiveAbove, {"ReDo score of an over-active unit"}, {0, kUnbounded});
    describeRua(visitor, config);
    visitor.field("per_unit", config.perUnit, {"Diagnostics of units beside those that are always measured"});
    visitor.field("per_agent", config.perAgent, {"Relative update activity by each agent's gradient alone"});
    visitor.choice("overlap", config.overlap, {"Stored overlaps of dead, dormant, stagnant, … units"},
                   {"none", "pooled", "sites"});
    visitor.field("activation_interval", config.activationInterval, {"Between activation statistics", "updates"},
                  {1, kUnbounded});
    visitor.field("frame_interval", config.frameInterval, {"Between stored neuron frames; 0: none", "updates"},
                  {0, kUnbounded});
    visitor.field("per_evaluation", config.perEvaluation, {"Diagnostics of networks after every evaluation"});
    visitor.field("per_task", config.perTask, {"Diagnostics of networks at both ends of every task"});
    visitor.field("probe_episodes", config.probeEpisodes, {"Newest episodes that they look at", "episodes"},
                  {1, 1'000'000});
    visitor.field("probe_steps", config.probeSteps, {"What those episodes may amount to", "env steps"},
                  {1, kUnbounded});
    visitor.field("ranks_centred", config.ranksCentred, {"Ranks of features less their mean"});
    visitor.field("churn_updates", config.churnUpdates, {"Distances over which churn is measured", "updates"},
                  {1, kUnbounded});
}

const std::vector<std::string>& networkDiagnosticNames() {
    static const std::vector<std::string> names = {"ranks", "weights",     "behaviour", "churn", "gradient_covariance",
                                                   "ntk",   "trainability"};
    return names;
}

const std::vector<std::string>& unitDiagnosticNames() {
    static const std::vector<std::string> names = {"saliency", "grama",      "efficiency", "gxd",
                                                   "utility",  "saturation", "distance"};
    return names;
}

UnitLimits unitLimits(const DiagnosticsConfig& config) {
    return {.stagnantBelow = config.stagnantBelow,
            .dormantBelow = config.dormantBelow,
            .deadBelow = config.deadBelow,
            .gramaBelow = config.gramaBelow,
            .futileBelow = config.futileBelow,
            .overActiveAbove = config.overActiveAbove};
}

void describe(FieldVisitor& visitor, EvaluationConfig& config) {
    visitor.field("interval", config.interval, {"Between evaluations", "env steps"}, {1, kUnbounded});
    visitor.field("episodes", config.episodes, {"Greedy episodes of one evaluation", "episodes"}, {1, 1'000'000});
    visitor.choice("earlier_tasks", config.earlierTasks, {"When the tasks before the current one are evaluated, too"},
                   {"never", "at_end", "at_switches", "at_evaluations"});
    visitor.field("recorded_episodes", config.recordedEpisodes,
                  {"First episodes of an evaluation that are stored to be looked at", "episodes"}, {0, 1000});
}

void describe(FieldVisitor& visitor, CheckpointConfig& config) {
    visitor.field("interval_s", config.intervalS, {"Between checkpoints", "seconds of training"}, {0, kUnbounded});
    visitor.field("keep_last", config.keepLast, {"Older checkpoints are removed", "checkpoints"}, {1, 1'000'000});
}

Result<Experiment> parseExperiment(std::string_view toml, std::string_view sourceName,
                                   const std::vector<std::string>& overrides) {
    auto root = detail::parseToml(toml, sourceName);
    for (const std::string& assignment : overrides) {
        root = root.and_then([&](const detail::Table& table) { return detail::withOverride(table, assignment); });
    }
    return root.and_then([](const detail::Table& table) { return ExperimentReader(table).read(); });
}

Result<Experiment> loadExperiment(const std::filesystem::path& file, const std::vector<std::string>& overrides) {
    return readWholeFile(file).and_then(
        [&](const std::string& text) { return parseExperiment(text, file.string(), overrides); });
}

std::string toToml(const Experiment& experiment) {
    std::string text = "[experiment]\n" + writeSection("experiment", runConfigOf(experiment)).toToml();
    text += tableText("env", experiment.env);
    for (const TaskConfig& task : experiment.tasks) {
        text += tableText("[tasks]", writeSection("tasks", TaskHead{task.name, task.steps}));
        text += tableText("tasks.env", task.env);
    }
    if (!experiment.taskGenerator.empty()) {
        text += tableText("task_generator", experiment.taskGenerator);
    }
    text += tableText("agent", writeSection("agent", experiment.agent));
    text += tableText("mixer", experiment.mixer);
    text += tableText("learning", writeSection("learning", experiment.learning));
    text += tableText("exploration", writeSection("exploration", experiment.exploration));
    text += tableText("diagnostics", writeSection("diagnostics", experiment.diagnostics));
    for (const Section& intervention : experiment.interventions) {
        text += tableText("[interventions]", intervention);
    }
    text += tableText("evaluation", writeSection("evaluation", experiment.evaluation));
    text += tableText("checkpoint", writeSection("checkpoint", experiment.checkpoint));
    return text;
}

} // namespace knife
