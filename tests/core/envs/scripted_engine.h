// SPDX-License-Identifier: GPL-3.0-or-later
// An engine in which nothing happens but what a test says, and an environment around it.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/envs/smac/smac_env.h"
#include "core/envs/smac/unit_table.h"

namespace knife::smac {

class ScriptedEngine final : public Engine {
  public:
    explicit ScriptedEngine(const Terrain& terrain) : m_terrain(terrain) {}

    /// Called in the place of the loops; may change units().
    std::function<Result<void>(std::span<const Order>, int)> onStep;
    std::function<Result<void>()> onBegin;
    std::vector<UnitState> state;
    std::vector<int> struckBy; ///< what struck() says
    std::vector<Order> orders; ///< of the last step() of an environment's step
    std::vector<int> loops;    ///< of all steps

    Result<void> begin(std::span<const Placement> units, const EnemyPlan& /*enemies*/,
                       std::uint64_t /*seed*/) override {
        state.clear();
        for (const Placement& unit : units) {
            const UnitStats& stats = statsOf(unit.type, unit.team);
            state.push_back({.type = unit.type,
                             .team = unit.team,
                             .position = unit.point,
                             .health = static_cast<float>(stats.health),
                             .healthMax = static_cast<float>(stats.health),
                             .shield = static_cast<float>(stats.shield),
                             .shieldMax = static_cast<float>(stats.shield),
                             .energy = static_cast<float>(stats.energyAtStart)});
        }
        struckBy.assign(state.size(), -1);
        return onBegin ? onBegin() : Result<void>{};
    }
    Result<void> step(std::span<const Order> given, int count) override {
        orders.assign(given.begin(), given.end());
        loops.push_back(count);
        return onStep ? onStep(given, count) : Result<void>{};
    }
    std::span<const UnitState> units() const override { return state; }
    Result<void> kill(int unit) override {
        state[static_cast<std::size_t>(unit)].health = state[static_cast<std::size_t>(unit)].shield = 0.F;
        return {};
    }
    const Terrain& terrain() const override { return m_terrain; }
    std::span<const int> struck() const override { return struckBy; }
    std::vector<std::byte> save() const override { return {}; }
    Result<void> restore(std::span<const std::byte> /*saved*/, std::span<const Placement> /*units*/) override {
        return fail(ErrorCode::Unsupported, "this engine keeps no battles");
    }

  private:
    const Terrain& m_terrain;
};

/// An environment around a ScriptedEngine, with the memory it writes into.
struct Stage {
    ScriptedEngine* engine = nullptr;
    std::unique_ptr<SmacEnv> env;
    std::vector<float> obs;
    std::vector<float> state;
    std::vector<std::uint8_t> avail;

    /// "smac:3m" and more lines of its section.
    explicit Stage(const std::string& name, const std::string& more = {}) {
        const Version version = name.starts_with("smac:") ? Version::Smac : Version::SmacV2;
        const Section section = parseSection("scenario = \"" + name + "\"\n" + more, "stage", "env").value();
        const SmacSetting setting = readSmac(section, version).value();
        auto made = std::make_unique<ScriptedEngine>(
            terrainNamed(setting.map != nullptr ? setting.map->terrain : std::string_view("flat")));
        engine = made.get();
        env = std::make_unique<SmacEnv>(setting, std::move(made));
        const EnvSpec& spec = env->spec();
        obs.assign(static_cast<std::size_t>(spec.nAgents * spec.obsDim), -1.F);
        state.assign(static_cast<std::size_t>(spec.stateDim), -1.F);
        avail.assign(static_cast<std::size_t>(spec.nAgents * spec.nActions), 7);
    }
    ObservationSpans spans() { return {obs, state, avail}; }
    void reset(std::uint64_t episode = 0, bool greedy = false) {
        env->reset({.seed = 1, .greedy = greedy, .episode = episode}, spans());
    }
    /// Makes a unit one of another type, sound and somewhere; counts from the next step on.
    UnitState& put(int index, UnitType type, float x, float y) {
        UnitState& own = unit(index);
        const UnitStats& stats = statsOf(type, own.team);
        own.type = type;
        own.position = {x, y};
        own.health = own.healthMax = static_cast<float>(stats.health);
        own.shield = own.shieldMax = static_cast<float>(stats.shield);
        own.energy = static_cast<float>(stats.energyAtStart);
        return own;
    }
    /// Everybody stops, or does nothing who is dead.
    Result<StepOutcome> stop() { return step({}); }
    /// Agents beyond the given actions stop.
    Result<StepOutcome> step(std::vector<std::int32_t> actions) {
        for (int agent = static_cast<int>(actions.size()); agent < env->spec().nAgents; ++agent) {
            actions.push_back(legal(agent, Observer::NoOp) ? Observer::NoOp : Observer::Stop);
        }
        return env->step(actions, spans());
    }
    UnitState& unit(int index) { return engine->state[static_cast<std::size_t>(index)]; }
    [[nodiscard]] bool legal(int agent, int action) const {
        return avail[static_cast<std::size_t>(agent * env->spec().nActions + action)] != 0;
    }
    [[nodiscard]] std::vector<float> obsOf(int agent) const {
        const auto first = obs.begin() + static_cast<std::ptrdiff_t>(agent) * env->spec().obsDim;
        return {first, first + env->spec().obsDim};
    }
};

} // namespace knife::smac
