// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/envs/smac/smac_env.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "core/envs/episode_stream.h"
#include "core/envs/smac/battle.h"
#include "core/envs/state_bytes.h"

namespace knife::smac {

namespace {

constexpr Vec2 kEastwards{1.F, 0.F};

const Terrain& terrainOf(const SmacSetting& setting) {
    return terrainNamed(setting.map != nullptr ? setting.map->terrain : "flat");
}

std::string nameOf(Version version) {
    return version == Version::Smac ? "smac" : "smacv2";
}

Result<std::unique_ptr<Environment>> make(const Section& env, Version version) {
    return readSmac(env, version).map([](const SmacSetting& setting) -> std::unique_ptr<Environment> {
        const auto pace = setting.params.attackJitter ? Battle::Pace::Uneven : Battle::Pace::Even;
        return std::make_unique<SmacEnv>(setting, std::make_unique<Battle>(terrainOf(setting), pace));
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
      m_config(fmt::format("{} rules {}\n{}", nameOf(setting.version), kRuleSet,
                           writeSection("env", setting.params).toToml())) {
    m_spec = {.name = nameOf(setting.version),
              .nAgents = setting.allySlots,
              .nActions = m_observer.actions(),
              .obsDim = m_observer.obsDim(),
              .stateDim = m_observer.stateDim(),
              .episodeLimit = setting.limit,
              .hasWin = true};
    m_facing.assign(static_cast<std::size_t>(setting.allies), kEastwards);
    m_lastActions.assign(static_cast<std::size_t>(setting.allies), -1);
    m_orders.resize(static_cast<std::size_t>(setting.allies));
    m_available.assign(static_cast<std::size_t>(setting.allySlots * m_spec.nActions), 0);
}

void SmacEnv::reset(const EpisodeKey& key, const ObservationSpans& out) {
    m_key = key;
    m_step = 0;
    m_ended = false;
    m_lastReward = 0.F;
    m_return = 0.F;
    CounterRng random = stepStream(key, 0);
    deploy(m_setting, random, m_deployment);
    const std::uint64_t seed = (static_cast<std::uint64_t>(random.next()) << 32U) | random.next();
    (void)m_engine->begin(m_deployment.units, m_deployment.plan, seed); // the built-in engine takes any units
    std::ranges::fill(m_facing, kEastwards);
    std::ranges::fill(m_lastActions, -1);
    m_gate.reset();
    m_rewards.reset(m_engine->units());
    write(random, out);
}

Result<void> SmacEnv::checkActions(Actions actions) const {
    if (m_ended) {
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

void SmacEnv::giveOrders(Actions actions, CounterRng& random) {
    for (int agent = 0; agent < m_setting.allies; ++agent) {
        const std::int32_t action = actions[static_cast<std::size_t>(agent)];
        m_orders[static_cast<std::size_t>(agent)] = orderOf(agent, action, random);
        m_lastActions[static_cast<std::size_t>(agent)] = action;
    }
}

Result<void> SmacEnv::fight() {
    const SmacParams& p = m_setting.params;
    const auto loops = static_cast<int>(p.stepMul);
    if (m_deployment.healthLevel.empty()) {
        return m_engine->step(m_orders, loops);
    }
    // Agents at their level die before the last loops of the step.
    const auto last = static_cast<int>(p.killUnitStepMul);
    if (auto fought = m_engine->step(m_orders, loops - last); !fought) {
        return fought;
    }
    for (int agent = 0; agent < m_setting.allies; ++agent) {
        const UnitState& unit = m_engine->units()[static_cast<std::size_t>(agent)];
        const float level = m_deployment.healthLevel[static_cast<std::size_t>(agent)];
        if (unit.isAlive() && unit.health <= level * unit.healthMax) {
            if (auto killed = m_engine->kill(agent); !killed) {
                return killed;
            }
        }
    }
    std::ranges::fill(m_orders, Order{});
    return m_engine->step(m_orders, last);
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
    m_ended = outcome.terminated || outcome.truncated;
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
        return tl::unexpected(std::move(fought.error()));
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
    const auto units = m_engine->units();
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
                 .struck = m_engine->struck()[i],
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
    out.key(m_key);
    out.value(m_step);
    out.flag(m_ended);
    out.value(m_lastReward);
    out.value(m_return);
    out.list(m_facing);
    out.list(m_lastActions);
    out.list(m_gate.state());
    out.list(m_gate.owners());
    out.list(m_rewards.before());
    out.value(m_rewards.scale());
    out.list(m_available);
    out.list(m_deployment.units);
    out.list(m_deployment.attackProbability);
    out.list(m_deployment.healthLevel);
    out.list(m_deployment.hidden);
    out.list(m_engine->save());
    return out.take();
}

Result<void> SmacEnv::restore(std::span<const std::byte> saved) {
    const auto damaged = [this] {
        return fail(ErrorCode::Corrupt, m_spec.name + ": the saved state is damaged, or of another configuration");
    };
    StateReader in(saved);
    if (in.text() != m_config) {
        return damaged();
    }
    const EpisodeKey key = in.key();
    const auto step = in.value<int>();
    const bool ended = in.flag();
    const auto lastReward = in.value<float>();
    const auto episodeReturn = in.value<float>();
    auto facing = in.list<Vec2>();
    auto lastActions = in.list<std::int32_t>();
    auto gate = in.list<std::int8_t>();
    auto owners = in.list<int>();
    auto before = in.list<float>();
    const auto scale = in.value<double>();
    auto available = in.list<std::uint8_t>();
    Deployment deployment;
    deployment.units = in.list<Placement>();
    deployment.attackProbability = in.list<float>();
    deployment.healthLevel = in.list<float>();
    deployment.hidden = in.list<std::uint8_t>();
    const auto battle = in.list<std::byte>();
    const auto agents = static_cast<std::size_t>(m_setting.allies);
    const auto units = agents + static_cast<std::size_t>(m_setting.enemies);
    const auto fits = [](std::size_t size, std::size_t wanted, bool isUsed) {
        return size == (isUsed ? wanted : 0);
    };
    const SmacParams& p = m_setting.params;
    const bool sound =
        in.finished() && step >= 0 && step <= m_setting.limit && facing.size() == agents &&
        lastActions.size() == agents && gate.size() == m_gate.state().size() &&
        owners.size() == m_gate.owners().size() && before.size() == units && available.size() == m_available.size() &&
        deployment.units.size() == units && scale > 0.0 &&
        std::ranges::all_of(lastActions,
                            [&](std::int32_t action) { return action >= -1 && action < m_spec.nActions; }) &&
        std::ranges::all_of(owners, [&](int owner) { return owner >= -1 && owner < m_setting.allies; }) &&
        fits(deployment.attackProbability.size(), agents, !p.attackProbability.empty()) &&
        fits(deployment.healthLevel.size(), agents, !p.healthLevel.empty()) &&
        fits(deployment.hidden.size(), agents * static_cast<std::size_t>(m_setting.enemies),
             p.enemyMaskProbability < 1.0);
    if (!sound || !m_engine->restore(battle) || m_engine->units().size() != units) {
        return damaged();
    }
    m_key = key;
    m_step = step;
    m_ended = ended;
    m_lastReward = lastReward;
    m_return = episodeReturn;
    m_facing = std::move(facing);
    m_lastActions = std::move(lastActions);
    m_gate.restore(std::move(gate), std::move(owners));
    m_rewards.restore(std::move(before), scale);
    m_available = std::move(available);
    m_deployment = std::move(deployment);
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
