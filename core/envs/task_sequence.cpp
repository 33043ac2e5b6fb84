// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/envs/task_sequence.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "core/envs/matrix_game.h"
#include "core/envs/registry.h"
#include "core/types/counter_rng.h"

namespace knife {

namespace {

constexpr double kUnbounded = std::numeric_limits<double>::infinity();
// A relabelling that changes nothing is drawn again; a table of one value never changes, so there is a last attempt.
constexpr std::uint32_t kMostAttempts = 64;

const std::vector<std::string> kKinds = {"permute", "shift_optimum", "penalty_ramp", "class_switch", "recurrence"};

struct NamedPayoff {
    std::string name;
    std::vector<double> cells;
    std::int64_t taskId = 0; ///< equal tables share one
};

std::vector<std::size_t> jointOf(std::size_t cell, const std::vector<int>& shape) {
    std::vector<std::size_t> joint(shape.size());
    for (std::size_t agent = shape.size(); agent-- > 0;) {
        joint[agent] = cell % static_cast<std::size_t>(shape[agent]);
        cell /= static_cast<std::size_t>(shape[agent]);
    }
    return joint;
}

std::size_t cellOf(const std::vector<std::size_t>& joint, const std::vector<int>& shape) {
    std::size_t cell = 0;
    for (std::size_t agent = 0; agent < shape.size(); ++agent) {
        cell = cell * static_cast<std::size_t>(shape[agent]) + joint[agent];
    }
    return cell;
}

std::size_t bestCell(const std::vector<double>& cells) {
    return static_cast<std::size_t>(std::max_element(cells.begin(), cells.end()) - cells.begin());
}

std::vector<double> relabelled(const std::vector<double>& cells, const std::vector<int>& shape, CounterRng& random) {
    std::vector<std::vector<std::size_t>> labels;
    for (const int actions : shape) {
        std::vector<std::size_t>& order = labels.emplace_back(static_cast<std::size_t>(actions));
        std::iota(order.begin(), order.end(), std::size_t{0});
        random.shuffle(std::span(order));
    }
    std::vector<double> result(cells.size());
    for (std::size_t cell = 0; cell < cells.size(); ++cell) {
        std::vector<std::size_t> joint = jointOf(cell, shape);
        for (std::size_t agent = 0; agent < shape.size(); ++agent) {
            joint[agent] = labels[agent][joint[agent]];
        }
        result[cell] = cells[cellOf(joint, shape)];
    }
    return result;
}

// Makes the tables of a sequence one after the other.
class TableGenerator {
  public:
    TableGenerator(const TaskGeneratorParams& params, PayoffTable base) : m_params(params), m_base(std::move(base)) {
        for (std::size_t cell = 0; cell < m_base.cells(); ++cell) {
            m_means.push_back(m_base.mean(cell));
        }
    }

    std::vector<NamedPayoff> tables() const {
        std::vector<NamedPayoff> list;
        for (std::int64_t task = 0; task < m_params.tasks; ++task) {
            list.push_back(table(task, list));
        }
        return list;
    }

    /// What is wrong with the base table for this kind; empty if nothing is.
    std::string problem() const {
        const bool equalWidths =
            std::adjacent_find(m_base.shape.begin(), m_base.shape.end(), std::not_equal_to<>()) == m_base.shape.end();
        if (m_base.stochastic()) {
            return "it needs a table of certain payoffs; give noise instead";
        }
        if ((m_params.kind == "shift_optimum" || m_params.kind == "class_switch") && !equalWidths) {
            return "it needs agents with equal numbers of actions";
        }
        if (m_params.kind == "shift_optimum" && m_base.shape.front() < 2) {
            return "it needs at least two actions per agent";
        }
        return {};
    }

  private:
    NamedPayoff table(std::int64_t task, const std::vector<NamedPayoff>& before) const {
        const std::vector<NamedPayoff> last(before.end() - (before.empty() ? 0 : 1), before.end());
        const std::string number = fmt::format("{} {}", m_params.kind, task + 1);
        if (m_params.kind == "shift_optimum") {
            return {number, task == 0 ? m_means : shifted(before.back().cells, task), task};
        }
        if (m_params.kind == "penalty_ramp") {
            const auto level = static_cast<std::size_t>(task) % m_params.penalties.size();
            return {fmt::format("penalty {}", m_params.penalties[level]), penalised(m_params.penalties[level]),
                    static_cast<std::int64_t>(level)};
        }
        if (m_params.kind == "class_switch") {
            return classOf(task, last);
        }
        if (m_params.kind == "recurrence") {
            const std::int64_t member = task % m_params.cycle;
            const auto first = static_cast<std::size_t>(member);
            return {fmt::format("table {}", member + 1),
                    task < m_params.cycle ? permuted(m_means, task, before) : before[first].cells, member};
        }
        return {number, permuted(m_means, task, last), task};
    }

    CounterRng stream(std::int64_t task, std::uint32_t attempt) const {
        const auto index = static_cast<std::uint64_t>(task) * kMostAttempts + attempt;
        return CounterRng({static_cast<std::uint64_t>(m_params.seed), "task_generator", index});
    }

    // The table as it stands for the first task, then fresh labels that give none of the tables in `unlike`.
    std::vector<double> permuted(const std::vector<double>& cells, std::int64_t task,
                                 const std::vector<NamedPayoff>& unlike) const {
        std::vector<double> result = cells;
        for (std::uint32_t attempt = 0; task > 0 && attempt < kMostAttempts; ++attempt) {
            CounterRng random = stream(task, attempt);
            result = relabelled(cells, m_base.shape, random);
            if (std::none_of(unlike.begin(), unlike.end(), [&](const auto& other) { return other.cells == result; })) {
                break;
            }
        }
        return result;
    }

    std::vector<double> shifted(std::vector<double> cells, std::int64_t task) const {
        const std::size_t best = bestCell(cells);
        std::vector<std::size_t> others;
        for (int action = 0; action < m_base.shape.front(); ++action) {
            const std::size_t cell =
                cellOf(std::vector(m_base.shape.size(), static_cast<std::size_t>(action)), m_base.shape);
            if (cell != best) {
                others.push_back(cell);
            }
        }
        CounterRng random = stream(task, 0);
        std::swap(cells[best], cells[others[random.below(static_cast<std::uint32_t>(others.size()))]]);
        return cells;
    }

    std::vector<double> penalised(double penalty) const {
        std::vector<double> cells = m_means;
        const std::vector<std::size_t> best = jointOf(bestCell(cells), m_base.shape);
        for (std::size_t cell = 0; cell < cells.size(); ++cell) {
            const std::vector<std::size_t> joint = jointOf(cell, m_base.shape);
            int shared = 0;
            for (std::size_t agent = 0; agent < joint.size(); ++agent) {
                shared += joint[agent] == best[agent] ? 1 : 0;
            }
            if (shared > 0 && shared < static_cast<int>(joint.size())) {
                cells[cell] = penalty;
            }
        }
        return cells;
    }

    NamedPayoff classOf(std::int64_t task, const std::vector<NamedPayoff>& last) const {
        constexpr std::int64_t kClasses = 3;
        const std::int64_t which = task % kClasses;
        std::vector<double> cells = m_means;
        std::string name = "non-monotone";
        if (which < 2) {
            name = which == 0 ? "additive" : "monotone";
            PayoffArguments arguments;
            arguments.agents = static_cast<int>(m_base.shape.size());
            arguments.size = m_base.shape.front();
            cells = tableByName(name, arguments).low;
        }
        return {fmt::format("{} {}", name, task / kClasses + 1), permuted(cells, task, last), task};
    }

    TaskGeneratorParams m_params;
    PayoffTable m_base;
    std::vector<double> m_means;
};

// The keys of [env] that a generated or numbered task overrides.
struct GeneratedTable {
    std::string table = "free";
    std::vector<std::vector<double>> payoff; ///< emptied: payoff_flat takes its place
    std::vector<double> payoffFlat;
    std::vector<std::int64_t> shape;
    std::string title;
};

void describe(FieldVisitor& visitor, GeneratedTable& table) {
    visitor.field("table", table.table, {""});
    visitor.field("payoff", table.payoff, {""});
    visitor.field("payoff_flat", table.payoffFlat, {""}, {});
    visitor.field("shape", table.shape, {""}, {});
    visitor.field("title", table.title, {""});
}

struct TaskNumber {
    std::int64_t id = 0;
    std::int64_t count = 1;
};

void describe(FieldVisitor& visitor, TaskNumber& number) {
    visitor.field("task_id", number.id, {""}, {});
    visitor.field("task_count", number.count, {""}, {});
}

Result<TaskGeneratorParams> readGenerator(const Section& section) {
    TaskGeneratorParams params;
    if (auto status = readSection(section, params); !status) {
        return tl::unexpected(status.error());
    }
    if (params.penalties.empty()) {
        return tl::unexpected(section.errorAt("penalties", "expected at least one penalty"));
    }
    return params;
}

// A sequence whose tasks show their number counts them here, unless the file does.
Section numbered(const Section& env, std::int64_t id, std::int64_t count) {
    const auto observation = env.text("observation", "");
    if (!observation || *observation != "task_id" || env.has("task_id") || env.has("task_count")) {
        return env;
    }
    return env.mergedWith(writeSection(env.path(), TaskNumber{id, count}));
}

Result<std::vector<TaskConfig>> generatedTasks(const Experiment& experiment) {
    const Section& section = experiment.taskGenerator;
    const auto params = readGenerator(section);
    if (!params) {
        return tl::unexpected(params.error());
    }
    const Section given = spelledOut(experiment.env);
    if (given.text("name", "").value_or("") != "matrix") {
        return tl::unexpected(
            section.errorAt("kind", "generators need env.name = \"matrix\"; list other tasks as [[tasks]]"));
    }
    const auto base = readMatrixGameParams(given).and_then(oneStepTable);
    if (!base) {
        return tl::unexpected(base.error());
    }
    const TableGenerator generator(*params, *base);
    if (const std::string problem = generator.problem(); !problem.empty()) {
        return tl::unexpected(section.errorAt("kind", fmt::format("{}: {}", params->kind, problem)));
    }
    if (params->steps > experiment.steps / params->tasks) {
        return tl::unexpected(
            section.errorAt("steps", fmt::format("{} tasks of {} env steps do not fit into experiment.steps = {}",
                                                 params->tasks, params->steps, experiment.steps)));
    }
    std::vector<TaskConfig> tasks;
    const std::vector<NamedPayoff> tables = generator.tables();
    const auto highest = std::max_element(tables.begin(), tables.end(),
                                          [](const auto& a, const auto& b) { return a.taskId < b.taskId; });
    for (const NamedPayoff& table : tables) {
        const GeneratedTable free{"free", {}, table.cells, {base->shape.begin(), base->shape.end()}, table.name};
        const Section env = given.mergedWith(writeSection("env", free));
        tasks.push_back({table.name, params->steps, numbered(env, table.taskId, highest->taskId + 1)});
    }
    return tasks;
}

Result<std::vector<TaskConfig>> configuredTasks(const Experiment& experiment) {
    if (!experiment.taskGenerator.empty()) {
        return generatedTasks(experiment);
    }
    std::vector<TaskConfig> tasks = experiment.tasks;
    if (tasks.empty()) {
        tasks.push_back({experiment.env.text("name", "task").value_or("task"), 0, experiment.env});
    }
    const auto count = static_cast<std::int64_t>(tasks.size());
    for (std::int64_t i = 0; i < count; ++i) {
        Section& env = tasks[static_cast<std::size_t>(i)].env;
        env = numbered(env, i, count);
    }
    return tasks;
}

// Tasks without steps share what the others leave; the last task takes what rounding leaves over.
Result<std::vector<std::int64_t>> taskEnds(const std::vector<TaskConfig>& tasks, std::int64_t budget) {
    std::int64_t left = budget;
    std::int64_t open = 0;
    for (const TaskConfig& task : tasks) {
        left -= task.steps;
        open += task.steps == 0 ? 1 : 0;
    }
    if (left < 0 || left < open) {
        return fail(ErrorCode::Usage,
                    fmt::format("{} tasks do not fit into experiment.steps = {}; they need {} or more", tasks.size(),
                                budget, budget - left + open));
    }
    std::vector<std::int64_t> ends;
    std::int64_t end = 0;
    for (const TaskConfig& task : tasks) {
        end += task.steps == 0 ? left / open : task.steps;
        ends.push_back(end);
    }
    ends.back() = budget;
    return ends;
}

Result<void> checkSameSizes(const EnvSpec& first, const EnvSpec& spec, const TaskInstance& task,
                            const std::string& firstName) {
    const auto sizes = [](const EnvSpec& s) {
        return fmt::format("{} agents, {} actions, {} observations, {} state entries", s.nAgents, s.nActions, s.obsDim,
                           s.stateDim);
    };
    if (sizes(first) == sizes(spec)) {
        return {};
    }
    return tl::unexpected(
        task.env.errorAt("", fmt::format("task '{}' has {}, but task '{}' has {}; one network must fit all tasks",
                                         task.name, sizes(spec), firstName, sizes(first))));
}

} // namespace

void describe(FieldVisitor& visitor, TaskGeneratorParams& params) {
    visitor.choice("kind", params.kind, {"How the next payoff table is made"}, kKinds);
    visitor.field("seed", params.seed, {"Of the tables; runs of all seeds meet the same ones"}, {0, kUnbounded});
    visitor.field("tasks", params.tasks, {"Length of the sequence", "tasks"}, {1, 10'000});
    visitor.field("steps", params.steps, {"Length of a task; 0: equal shares of the budget", "env steps"},
                  {0, kUnbounded});
    visitor.field("cycle", params.cycle, {"recurrence: tables before the first comes again", "tasks"}, {1, 10'000});
    visitor.field("penalties", params.penalties, {"penalty_ramp: penalties in turn"}, {-1e9, 1e9});
}

Result<std::vector<TaskInstance>> expandTasks(const Experiment& experiment) {
    const auto tasks = configuredTasks(experiment);
    if (!tasks) {
        return tl::unexpected(tasks.error());
    }
    const auto ends = taskEnds(*tasks, experiment.steps);
    if (!ends) {
        return tl::unexpected(ends.error());
    }
    std::vector<TaskInstance> instances;
    std::optional<EnvSpec> firstSpec;
    for (std::size_t i = 0; i < tasks->size(); ++i) {
        const TaskConfig& task = (*tasks)[i];
        auto resolved = resolveEnvironment(task.env);
        auto made = makeEnvironment(task.env);
        if (!resolved || !made) {
            Error error = resolved ? made.error() : resolved.error();
            return tl::unexpected(std::move(error).within(fmt::format("setting up task '{}'", task.name)));
        }
        instances.push_back({task.name, i == 0 ? 0 : (*ends)[i - 1], (*ends)[i], std::move(*resolved)});
        firstSpec = firstSpec.value_or((*made)->spec());
        if (auto same = checkSameSizes(*firstSpec, (*made)->spec(), {task.name, 0, 0, task.env}, tasks->front().name);
            !same) {
            return tl::unexpected(same.error());
        }
    }
    return instances;
}

std::vector<int> taskIds(const std::vector<TaskInstance>& tasks) {
    std::vector<int> ids;
    int next = 0;
    for (auto task = tasks.begin(); task != tasks.end(); ++task) {
        const auto same =
            std::find_if(tasks.begin(), task, [&](const TaskInstance& before) { return before.env == task->env; });
        ids.push_back(same != task ? ids[static_cast<std::size_t>(same - tasks.begin())] : next++);
    }
    return ids;
}

Result<Experiment> resolveTasks(const Experiment& experiment) {
    Experiment resolved = experiment;
    const auto instances = expandTasks(experiment);
    if (!instances) {
        return tl::unexpected(instances.error());
    }
    auto env = resolveEnvironment(experiment.env);
    if (!env) {
        return tl::unexpected(env.error());
    }
    // Written out, the task number of [env] would keep the tasks from being counted again.
    resolved.env = env->without(experiment.env.has("task_id") || experiment.env.has("task_count")
                                    ? std::vector<std::string>{}
                                    : std::vector<std::string>{"task_id", "task_count"});
    for (std::size_t i = 0; i < resolved.tasks.size(); ++i) {
        resolved.tasks[i].env = (*instances)[i].env;
        resolved.tasks[i].steps = (*instances)[i].end - (*instances)[i].begin;
    }
    if (!experiment.taskGenerator.empty()) {
        auto params = readGenerator(experiment.taskGenerator);
        if (!params) {
            return tl::unexpected(params.error());
        }
        // An equal share of another budget would be another share, and move switches that have happened.
        params->steps = params->steps > 0 ? params->steps : experiment.steps / params->tasks;
        resolved.taskGenerator = writeSection("task_generator", *params);
    }
    return resolved;
}

} // namespace knife
