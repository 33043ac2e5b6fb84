// SPDX-License-Identifier: GPL-3.0-or-later
// The environments "smac" (Samvelyan et al. 2019, oxwhirl/smac) and "smacv2" (Ellis et al. 2022, oxwhirl/smacv2): the
// rules around an engine that moves units. An episode is a function of its key and of the actions, as far as the
// engine is.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/envs/environment.h"
#include "core/envs/smac/deployment.h"
#include "core/envs/smac/engine.h"
#include "core/envs/smac/observer.h"
#include "core/envs/smac/rewards.h"
#include "core/envs/smac/scripts.h"
#include "core/envs/smac/sight.h"
#include "core/envs/smac/smac_params.h"
#include "core/envs/state_bytes.h"

namespace knife::smac {

class SmacEnv final : public Environment {
  public:
    SmacEnv(const SmacSetting& setting, std::unique_ptr<Engine> engine);

    [[nodiscard]] const EnvSpec& spec() const override { return m_spec; }
    void reset(const EpisodeKey& key, const ObservationSpans& out) override;
    [[nodiscard]] Result<StepOutcome> step(std::span<const std::int32_t> actions, const ObservationSpans& out) override;
    [[nodiscard]] EnvView view() const override;
    [[nodiscard]] std::vector<std::byte> save() const override;
    [[nodiscard]] Result<void> restore(std::span<const std::byte> saved) override;

    /// What the script AttackNearest does now: one legal action per agent slot. The episode must not have ended.
    void attackNearest(std::span<std::int32_t> actions) const;
    /// Of a battle that failed or has not begun, there are no units.
    [[nodiscard]] const Engine& engine() const { return *m_engine; }
    [[nodiscard]] const Observer& observer() const { return m_observer; }
    [[nodiscard]] const SmacSetting& setting() const { return m_setting; }
    [[nodiscard]] const Deployment& deployment() const { return m_deployment; }

  private:
    enum class Phase : std::uint8_t {
        Fresh, ///< not reset yet
        Playing,
        Ended,
        Failed, ///< the engine did; every step() says how until a reset()
    };
    /// What save() keeps.
    struct Saved {
        EpisodeKey key;
        int step = 0;
        bool ended = false;
        float lastReward = 0.F;
        float episodeReturn = 0.F;
        std::vector<Vec2> facing;
        std::vector<std::int32_t> lastActions;
        std::vector<std::int8_t> gate;
        std::vector<int> owners;
        Deployment deployment;
        std::vector<std::byte> battle;
    };
    using Actions = std::span<const std::int32_t>;
    [[nodiscard]] Result<void> beginBattle(std::uint64_t seed);
    [[nodiscard]] Result<void> checkUnits() const;
    [[nodiscard]] bool hasBattle() const { return m_phase == Phase::Playing || m_phase == Phase::Ended; }
    void abandon(Error failure);
    [[nodiscard]] Saved read(StateReader& in) const;
    /// Why that cannot be a state of this environment; empty: it can.
    [[nodiscard]] std::string problemOf(const Saved& saved) const;
    [[nodiscard]] Result<void> checkActions(Actions actions) const;
    void scaleByFirstEpisode(Deployment& scratch);
    void giveOrders(Actions given, CounterRng& random);
    [[nodiscard]] Order scriptedOrder(int agent, std::int32_t& action);
    [[nodiscard]] Order orderOf(int agent, std::int32_t action, CounterRng& random);
    [[nodiscard]] Result<void> fight();
    [[nodiscard]] Result<void> stepEngine(int loops);
    [[nodiscard]] StepOutcome conclude();
    void write(CounterRng& random, const ObservationSpans& out);
    [[nodiscard]] Moment moment() const;
    [[nodiscard]] BattleView battle() const;

    SmacSetting m_setting;
    std::unique_ptr<Engine> m_engine;
    Sight m_sight;
    Observer m_observer;
    SightGate m_gate;
    Rewards m_rewards;
    Deployer m_deployer;
    AttackNearest m_script;
    EnvSpec m_spec;
    std::string m_config; ///< tells this battle from others when a state is restored

    EpisodeKey m_key;
    Deployment m_deployment;
    std::vector<Vec2> m_facing;
    std::vector<std::int32_t> m_lastActions;
    std::vector<std::int32_t> m_actions; ///< of this step
    std::vector<Order> m_orders;
    std::vector<int> m_struck;             ///< by unit, in the last step; -1: nobody
    std::vector<std::uint8_t> m_available; ///< [slots x actions] as last written
    int m_step = 0;
    Phase m_phase = Phase::Fresh;
    Error m_failure;
    float m_lastReward = 0.F;
    float m_return = 0.F;
};

[[nodiscard]] Result<std::unique_ptr<Environment>> makeSmac(const Section& env);
[[nodiscard]] Result<Section> resolveSmac(const Section& env);
[[nodiscard]] Result<std::unique_ptr<Environment>> makeSmacV2(const Section& env);
[[nodiscard]] Result<Section> resolveSmacV2(const Section& env);

} // namespace knife::smac
