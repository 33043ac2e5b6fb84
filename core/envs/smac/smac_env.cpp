// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/envs/smac/smac_env.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "core/envs/episode_stream.h"
#include "core/envs/smac/battle.h"
#include "core/envs/smac/unit_table.h"
#include "core/envs/state_bytes.h"

namespace knife::smac {

namespace {

constexpr Vec2 kEastwards{1.F, 0.F};

static_assert(static_cast<int>(BattleView::Ground::Blocked) == static_cast<int>(Terrain::Cell::Blocked) &&
              static_cast<int>(BattleView::Ground::Open) == static_cast<int>(Terrain::Cell::Ground) &&
              static_cast<int>(BattleView::Ground::Cliff) == static_cast<int>(Terrain::Cell::Cliff));

const Terrain& terrainOf(const SmacSetting& setting) {
    return terrainNamed(setting.map != nullptr ? setting.map->terrain : "flat");
}

std::string nameOf(Version version) {
    return version == Version::Smac ? "smac" : "smacv2";
}

Result<std::unique_ptr<Environment>> make(const Section& env, Version version) {
    return readSmac(env, version).map([](const SmacSetting& setting) -> std::unique_ptr<Environment> {
        const auto pace = setting.params.attackJitter ? Battle::Pace::Uneven : Battle::Pace::Even;
        const auto units = static_cast<std::size_t>(setting.allies + setting.enemies);
        return std::make_unique<SmacEnv>(setting, std::make_unique<Battle>(terrainOf(setting), pace, units));
    });
}

Result<Section> resolve(const Section& env, Version version) {
    return readSmac(env, version).map([&](const SmacSetting& setting) {
        return writeSection(env.path(), setting.params);
    });
}

} // namespace

SmacEnv::SmacEnv(const SmacSetting& setting, std::unique_ptr<Engine> engine)
    : m_setting(setting),
      m_engine(std::move(engine)),
      m_sight(m_setting.params),
      m_observer(m_setting, m_sight, m_engine->terrain()),
      m_gate(m_setting.params, m_setting.allies, m_setting.enemies),
      m_rewards(m_setting),
      m_deployer(m_setting),
      m_script(m_setting, m_observer, m_sight, m_engine->terrain()),
      m_config(fmt::format("{}\n{}", nameOf(setting.version), writeSection("env", setting.params).toToml())),
      m_deployment(m_deployer.empty()) {
    m_spec = {.name = nameOf(setting.version),
              .nAgents = setting.allySlots,
              .nActions = m_observer.actions(),
              .obsDim = m_observer.obsDim(),
              .stateDim = m_observer.stateDim(),
              .episodeLimit = setting.limit,
              .hasWin = true};
    m_facing.assign(static_cast<std::size_t>(setting.allies), kEastwards);
    m_lastActions.assign(static_cast<std::size_t>(setting.allies), -1);
    m_actions.resize(static_cast<std::size_t>(setting.allySlots));
    m_orders.resize(static_cast<std::size_t>(setting.allies));
    m_struck.reserve(static_cast<std::size_t>(setting.allies + setting.enemies));
    m_available.assign(static_cast<std::size_t>(setting.allySlots * m_spec.nActions), 0);
}

void SmacEnv::reset(const EpisodeKey& key, const ObservationSpans& out) {
    m_key = key;
    m_step = 0;
    m_phase = Phase::Playing;
    m_failure = {};
    m_lastReward = 0.F;
    m_return = 0.F;
    CounterRng random = stepStream(key, 0);
    scaleByFirstEpisode(m_deployment);
    m_deployer.draw(key, random, m_deployment);
    const std::uint64_t high = random.next();
    const std::uint64_t low = random.next();
    std::ranges::fill(m_facing, kEastwards);
    std::ranges::fill(m_lastActions, -1);
    m_gate.reset();
    if (auto begun = beginBattle((high << 32U) | low); !begun) {
        abandon(std::move(begun.error()));
        m_observer.writeNothing(out);
        return;
    }
    m_rewards.reset(m_engine->units());
    m_struck.assign(m_engine->struck().begin(), m_engine->struck().end());
    write(random, out);
}

Result<void> SmacEnv::beginBattle(std::uint64_t seed) {
    if (auto begun = m_engine->begin(m_deployment.units, m_deployment.plan, seed); !begun) {
        return tl::unexpected(std::move(begun.error()).within(m_spec.name + ": beginning a battle"));
    }
    return checkUnits();
}

// What everything here counts on.
Result<void> SmacEnv::checkUnits() const {
    const std::size_t wanted = m_deployment.units.size();
    const std::size_t units = m_engine->units().size();
    const std::size_t struck = m_engine->struck().size();
    if (units == wanted && struck == wanted) {
        return {};
    }
    return fail(ErrorCode::Internal,
                fmt::format("{}: the engine has {} units, of {} of which it says whom they struck; "
                            "{} are in the battle",
                            m_spec.name, units, struck, wanted));
}

// Of `compat_first_episode_scale`: by the enemies of the run's first training episode, whichever episode this process
// or this environment of a batch happens to play first.
void SmacEnv::scaleByFirstEpisode(Deployment& scratch) {
    if (!m_setting.params.compatFirstEpisodeScale) {
        return;
    }
    const EpisodeKey first{.seed = m_key.seed};
    CounterRng random = stepStream(first, 0);
    m_deployer.draw(first, random, scratch);
    double vitality = 0.0;
    for (const Placement& unit : scratch.units) {
        if (unit.team == Team::Enemy) {
            const UnitStats& stats = statsOf(unit.type, unit.team);
            vitality += stats.health + stats.shield;
        }
    }
    m_rewards.scaleBy(vitality);
}

// What the engine holds after a failure is of no use to anybody.
void SmacEnv::abandon(Error failure) {
    m_phase = Phase::Failed;
    m_failure = std::move(failure);
}

Result<void> SmacEnv::checkActions(Actions actions) const {
    if (m_phase == Phase::Failed) {
        return tl::unexpected(m_failure);
    }
    if (m_phase != Phase::Playing) {
        return fail(ErrorCode::IllegalAction, m_spec.name + ": the episode has ended; reset it first");
    }
    if (actions.size() != static_cast<std::size_t>(m_spec.nAgents)) {
        return fail(ErrorCode::IllegalAction,
                    fmt::format("{}: {} actions for {} agents", m_spec.name, actions.size(), m_spec.nAgents));
    }
    for (std::size_t agent = 0; agent < actions.size(); ++agent) {
        const std::int32_t action = actions[agent];
        const auto first = agent * static_cast<std::size_t>(m_spec.nActions);
        if (action < 0 || action >= m_spec.nActions || m_available[first + static_cast<std::size_t>(action)] == 0) {
            return fail(ErrorCode::IllegalAction,
                        fmt::format("{}: action {} of agent {} is not legal now", m_spec.name, action, agent));
        }
    }
    return {};
}

Order SmacEnv::orderOf(int agent, std::int32_t action, CounterRng& random) {
    const UnitState& own = m_engine->units()[static_cast<std::size_t>(agent)];
    const auto m = static_cast<float>(m_setting.params.moveAmount);
    const auto moveBy = [&](Vec2 offset) {
        return Order{.kind = Order::Kind::Move, .point = own.position + offset};
    };
    switch (action) {
    case Observer::NoOp:
        return {};
    case Observer::Stop:
        return {.kind = Order::Kind::Stop, .point = {}};
    case Observer::North:
        return moveBy({0.F, m});
    case Observer::South:
        return moveBy({0.F, -m});
    case Observer::East:
        return moveBy({m, 0.F});
    case Observer::West:
        return moveBy({-m, 0.F});
    default:
        break;
    }
    Vec2& facing = m_facing[static_cast<std::size_t>(agent)];
    if (action < m_observer.firstTarget()) { // a look is no order: what was ordered before goes on
        facing = m_sight.direction(action - Observer::FirstLook);
        return {};
    }
    const auto& chances = m_deployment.attackProbability;
    if (!chances.empty() && random.uniform() > static_cast<double>(chances[static_cast<std::size_t>(agent)])) {
        return {};
    }
    const int target = m_observer.targetOf(own, action - m_observer.firstTarget());
    const Vec2 place = m_engine->units()[static_cast<std::size_t>(target)].position;
    if (!m_sight.reaches(own, facing, place)) {
        return {}; // named without a mask
    }
    return {.kind = m_observer.heals(own) ? Order::Kind::Heal : Order::Kind::Attack, .point = {}, .target = target};
}

// Of `heuristic_ai`: an order to go for somebody, however far away. The action is the one that names it.
Order SmacEnv::scriptedOrder(int agent, std::int32_t& action) {
    const UnitState& own = m_engine->units()[static_cast<std::size_t>(agent)];
    const int slot = own.isAlive() ? m_script.goal(moment(), agent) : -1;
    if (slot < 0) {
        action = own.isAlive() ? Observer::Stop : Observer::NoOp;
        return {};
    }
    action = m_observer.firstTarget() + slot;
    return {.kind = m_observer.heals(own) ? Order::Kind::Heal : Order::Kind::Attack,
            .point = {},
            .target = m_observer.targetOf(own, slot)};
}

void SmacEnv::attackNearest(std::span<std::int32_t> actions) const {
    for (int agent = 0; agent < m_setting.allySlots; ++agent) {
        const auto nActions = static_cast<std::size_t>(m_spec.nActions);
        const auto i = static_cast<std::size_t>(agent);
        actions[i] = m_script.act(moment(), agent, std::span(m_available).subspan(i * nActions, nActions));
    }
}

void SmacEnv::giveOrders(Actions given, CounterRng& random) {
    const SmacParams& p = m_setting.params;
    std::ranges::copy(given, m_actions.begin());
    if (p.heuristicAi && p.heuristicRest) {
        attackNearest(m_actions);
    }
    for (int agent = 0; agent < m_setting.allies; ++agent) {
        std::int32_t& action = m_actions[static_cast<std::size_t>(agent)];
        if (p.heuristicAi && !p.heuristicRest) {
            m_orders[static_cast<std::size_t>(agent)] = scriptedOrder(agent, action);
            m_lastActions[static_cast<std::size_t>(agent)] = action;
            continue;
        }
        m_orders[static_cast<std::size_t>(agent)] = orderOf(agent, action, random);
        m_lastActions[static_cast<std::size_t>(agent)] = action;
    }
}

Result<void> SmacEnv::fight() {
    const SmacParams& p = m_setting.params;
    std::ranges::fill(m_struck, -1);
    const auto loops = static_cast<int>(p.stepMul);
    if (m_deployment.healthLevel.empty()) {
        return stepEngine(loops);
    }
    // Agents at their level die before the last loops of the step.
    const auto last = static_cast<int>(p.killUnitStepMul);
    if (auto fought = stepEngine(loops - last); !fought) {
        return fought;
    }
    for (int agent = 0; agent < m_setting.allies; ++agent) {
        const UnitState& unit = m_engine->units()[static_cast<std::size_t>(agent)];
        const float level = m_deployment.healthLevel[static_cast<std::size_t>(agent)];
        if (unit.isAlive() && unit.health < level * unit.healthMax) {
            if (auto killed = m_engine->kill(agent); !killed) {
                return killed;
            }
        }
    }
    std::ranges::fill(m_orders, Order{});
    return stepEngine(last);
}

// What units struck in the parts of a step is what they struck in the step.
Result<void> SmacEnv::stepEngine(int loops) {
    if (auto stepped = m_engine->step(m_orders, loops); !stepped) {
        return stepped;
    }
    if (auto sound = checkUnits(); !sound) {
        return sound;
    }
    std::ranges::transform(m_engine->struck(), m_struck, m_struck.begin(),
                           [](int now, int before) { return now >= 0 ? now : before; });
    return {};
}

StepOutcome SmacEnv::conclude() {
    ++m_step;
    const Standing standing = standingOf(m_engine->units(), m_setting);
    StepOutcome outcome;
    outcome.reward = static_cast<float>(m_rewards.take(m_engine->units(), standing));
    outcome.won = standing == Standing::Won;
    outcome.terminated = standing != Standing::Open;
    if (!outcome.terminated && m_step >= m_setting.limit) {
        outcome.truncated = m_setting.params.continuingEpisode;
        outcome.terminated = !m_setting.params.continuingEpisode;
    }
    m_phase = outcome.terminated || outcome.truncated ? Phase::Ended : Phase::Playing;
    m_lastReward = outcome.reward;
    m_return += outcome.reward;
    return outcome;
}

Result<StepOutcome> SmacEnv::step(Actions actions, const ObservationSpans& out) {
    if (auto legal = checkActions(actions); !legal) {
        return tl::unexpected(std::move(legal.error()));
    }
    CounterRng random = stepStream(m_key, m_step + 1);
    giveOrders(actions, random);
    if (auto fought = fight(); !fought) {
        abandon(std::move(fought.error()).within(fmt::format("{}: step {}", m_spec.name, m_step + 1)));
        m_observer.writeNothing(out);
        return tl::unexpected(m_failure);
    }
    const StepOutcome outcome = conclude();
    write(random, out);
    return outcome;
}

Moment SmacEnv::moment() const {
    return {.units = m_engine->units(),
            .deployment = m_deployment,
            .facing = m_facing,
            .lastActions = m_lastActions,
            .step = m_step,
            .gate = m_gate};
}

void SmacEnv::write(CounterRng& random, const ObservationSpans& out) {
    if (m_gate.isNeeded()) {
        m_gate.update(m_engine->units(), m_facing, m_sight, random);
    }
    m_observer.write(moment(), out);
    std::copy(out.avail.begin(), out.avail.end(), m_available.begin());
}

EnvView SmacEnv::view() const {
    EnvView view;
    view.envName = m_spec.name;
    view.step = m_step;
    view.episodeLimit = m_spec.episodeLimit;
    view.lastReward = m_lastReward;
    view.episodeReturn = m_return;
    view.greedy = m_key.greedy;
    view.scene = battle();
    view.featureNames = m_observer.featureNames();
    return view;
}

BattleView SmacEnv::battle() const {
    BattleView view;
    view.width = view.height = kMapSize;
    const Terrain& terrain = m_engine->terrain();
    for (int y = 0; y < kMapSize; ++y) {
        for (int x = 0; x < kMapSize; ++x) {
            view.ground.push_back(static_cast<BattleView::Ground>(terrain.cell(x, y)));
            view.heights.push_back(terrain.height(x, y));
        }
    }
    view.coneAngle = m_sight.coneAngle();
    const auto units = hasBattle() ? m_engine->units() : std::span<const UnitState>();
    for (std::size_t i = 0; i < units.size(); ++i) {
        const UnitState& unit = units[i];
        const UnitStats& stats = statsOf(unit.type, unit.team);
        BattleView::Unit& drawn = view.units.emplace_back();
        drawn = {.type = std::string(stats.name),
                 .ally = unit.team == Team::Ally,
                 .flies = stats.flies,
                 .x = unit.position.x,
                 .y = unit.position.y,
                 .radius = static_cast<float>(stats.radius),
                 .health = unit.health,
                 .healthMax = unit.healthMax,
                 .shield = unit.shield,
                 .shieldMax = unit.shieldMax,
                 .energy = unit.energy,
                 .energyMax = static_cast<float>(stats.energyMax),
                 .struck = m_struck[i],
                 .heals = stats.effect == Effect::Heal};
        if (i < m_facing.size()) {
            drawn.sight = m_sight.sightOf(unit.type);
            drawn.reach = m_sight.reachOf(unit.type);
            drawn.facing = std::atan2(m_facing[i].y, m_facing[i].x);
            drawn.action = m_lastActions[i];
        }
    }
    view.actionNames = m_observer.actionNames();
    return view;
}

std::vector<std::byte> SmacEnv::save() const {
    StateWriter out;
    out.text(m_config);
    // Of a battle that failed there is nothing to go on with, as of one that has not begun.
    out.flag(hasBattle());
    if (!hasBattle()) {
        return out.take();
    }
    out.key(m_key);
    out.value(m_step);
    out.flag(m_phase == Phase::Ended);
    out.value(m_lastReward);
    out.value(m_return);
    out.list(m_facing);
    out.list(m_lastActions);
    out.list(m_gate.state());
    out.list(m_gate.owners());
    for (const Placement& unit : m_deployment.units) {
        out.value(unit.type);
        out.value(unit.team);
        out.value(unit.point);
    }
    out.list(m_deployment.attackProbability);
    out.list(m_deployment.healthLevel);
    out.list(m_deployment.hidden);
    out.list(m_engine->save());
    return out.take();
}

SmacEnv::Saved SmacEnv::read(StateReader& in) const {
    Saved saved;
    saved.key = in.key();
    saved.step = in.value<int>();
    saved.ended = in.flag();
    saved.lastReward = in.value<float>();
    saved.episodeReturn = in.value<float>();
    saved.facing = in.list<Vec2>();
    saved.lastActions = in.list<std::int32_t>();
    saved.gate = in.list<std::int8_t>();
    saved.owners = in.list<int>();
    saved.deployment = m_deployer.empty();
    for (int unit = 0; unit < m_setting.allies + m_setting.enemies; ++unit) {
        Placement& placement = saved.deployment.units.emplace_back();
        placement.type = in.value<UnitType>();
        placement.team = in.value<Team>();
        placement.point = in.value<Vec2>();
    }
    saved.deployment.attackProbability = in.list<float>();
    saved.deployment.healthLevel = in.list<float>();
    saved.deployment.hidden = in.list<std::uint8_t>();
    saved.battle = in.list<std::byte>();
    return saved;
}

std::string SmacEnv::problemOf(const Saved& saved) const {
    const auto agents = static_cast<std::size_t>(m_setting.allies);
    const auto pairs = agents * static_cast<std::size_t>(m_setting.enemies);
    const auto isFinite = [](Vec2 v) {
        return std::isfinite(v.x) && std::isfinite(v.y);
    };
    if (saved.step < 0 || saved.step > m_setting.limit || (saved.step == m_setting.limit && !saved.ended) ||
        !std::isfinite(saved.lastReward) || !std::isfinite(saved.episodeReturn)) {
        return fmt::format("step {} of {}, return {}", saved.step, m_setting.limit, saved.episodeReturn);
    }
    const auto isDirection = [&](Vec2 v) {
        return isFinite(v) && std::abs(squaredLength(v) - 1.F) < 1e-3F;
    };
    if (saved.facing.size() != agents || !std::ranges::all_of(saved.facing, isDirection)) {
        return "agents that look nowhere";
    }
    const auto isAction = [this](std::int32_t action) {
        return action >= -1 && action < m_spec.nActions;
    };
    if (saved.lastActions.size() != agents || !std::ranges::all_of(saved.lastActions, isAction)) {
        return "actions that do not exist";
    }
    if (!m_gate.canBe(saved.gate, saved.owners)) {
        return "enemies that nobody can have seen";
    }
    const Deployment& deployment = saved.deployment;
    for (std::size_t i = 0; i < deployment.units.size(); ++i) {
        const Placement& unit = deployment.units[i];
        if (static_cast<std::size_t>(unit.type) >= kUnitTypes || !isFinite(unit.point) ||
            unit.team != (i < agents ? Team::Ally : Team::Enemy)) {
            return fmt::format("unit {} of type {}", i, static_cast<int>(unit.type));
        }
    }
    const auto areShares = [](const std::vector<float>& values, std::size_t wanted) {
        return values.size() == wanted &&
               std::ranges::all_of(values, [](float value) { return value >= 0.F && value <= 1.F; });
    };
    const SmacParams& p = m_setting.params;
    if (!areShares(deployment.attackProbability, m_setting.hasAttackProbability() ? agents : 0) ||
        !areShares(deployment.healthLevel, m_setting.hasHealthLevel() ? agents : 0) ||
        deployment.hidden.size() != (p.enemyMaskProbability < 1.0 ? pairs : 0) ||
        !std::ranges::all_of(deployment.hidden, [](std::uint8_t flag) { return flag <= 1; })) {
        return "capabilities that do not fit";
    }
    return {};
}

Result<void> SmacEnv::restore(std::span<const std::byte> bytes) {
    const auto damaged = [this](std::string_view how) {
        return fail(ErrorCode::Corrupt,
                    fmt::format("{}: the saved state is damaged, or of another configuration: {}", m_spec.name, how));
    };
    StateReader in(bytes);
    if (in.text() != m_config) {
        return damaged("other settings");
    }
    if (!in.flag()) {
        if (!in.finished()) {
            return damaged("it ends too early or too late");
        }
        m_phase = Phase::Fresh;
        return {};
    }
    Saved saved = read(in);
    if (const std::string problem = in.finished() ? problemOf(saved) : "it ends too early or too late";
        !problem.empty()) {
        return damaged(problem);
    }
    // The last that can fail: from here on everything is taken over.
    if (auto restored = m_engine->restore(saved.battle, saved.deployment.units); !restored) {
        return tl::unexpected(std::move(restored.error()).within(m_spec.name + ": restoring a battle"));
    }
    m_key = saved.key;
    m_step = saved.step;
    m_phase = saved.ended ? Phase::Ended : Phase::Playing;
    m_lastReward = saved.lastReward;
    m_return = saved.episodeReturn;
    m_facing = std::move(saved.facing);
    m_lastActions = std::move(saved.lastActions);
    m_gate.restore(std::move(saved.gate), std::move(saved.owners));
    m_deployment = std::move(saved.deployment);
    // What follows from the battle is not kept beside it.
    Deployment scratch = m_deployer.empty();
    scaleByFirstEpisode(scratch);
    m_rewards.reset(m_engine->units());
    m_struck.assign(m_engine->struck().begin(), m_engine->struck().end());
    m_observer.writeAvailable(moment(), m_available);
    return {};
}

Result<std::unique_ptr<Environment>> makeSmac(const Section& env) {
    return make(env, Version::Smac);
}

Result<Section> resolveSmac(const Section& env) {
    return resolve(env, Version::Smac);
}

Result<std::unique_ptr<Environment>> makeSmacV2(const Section& env) {
    return make(env, Version::SmacV2);
}

Result<Section> resolveSmacV2(const Section& env) {
    return resolve(env, Version::SmacV2);
}

} // namespace knife::smac
