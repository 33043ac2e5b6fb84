// SPDX-License-Identifier: GPL-3.0-or-later
// The environments "smac" (Samvelyan et al. 2019, oxwhirl/smac) and "smacv2" (Ellis et al. 2022, oxwhirl/smacv2): the
// rules around an engine that moves units. An episode is a function of its key and of the actions, as far as the
// engine is.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "core/envs/environment.h"
#include "core/envs/smac/deployment.h"
#include "core/envs/smac/engine.h"
#include "core/envs/smac/observer.h"
#include "core/envs/smac/rewards.h"
#include "core/envs/smac/sight.h"
#include "core/envs/smac/smac_params.h"

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

    [[nodiscard]] const Engine& engine() const { return *m_engine; }
    [[nodiscard]] const Observer& observer() const { return m_observer; }
    [[nodiscard]] const SmacSetting& setting() const { return m_setting; }
    [[nodiscard]] const Deployment& deployment() const { return m_deployment; }

  private:
    using Actions = std::span<const std::int32_t>;
    [[nodiscard]] Result<void> checkActions(Actions actions) const;
    void giveOrders(Actions actions, CounterRng& random);
    [[nodiscard]] Order orderOf(int agent, std::int32_t action, CounterRng& random);
    [[nodiscard]] Result<void> fight();
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
    EnvSpec m_spec;
    std::string m_config; ///< tells this battle from others when a state is restored

    EpisodeKey m_key;
    Deployment m_deployment;
    std::vector<Vec2> m_facing;
    std::vector<std::int32_t> m_lastActions;
    std::vector<Order> m_orders;
    std::vector<std::uint8_t> m_available; ///< [slots x actions] as last written
    int m_step = 0;
    bool m_ended = true;
    float m_lastReward = 0.F;
    float m_return = 0.F;
};

[[nodiscard]] Result<std::unique_ptr<Environment>> makeSmac(const Section& env);
[[nodiscard]] Result<Section> resolveSmac(const Section& env);
[[nodiscard]] Result<std::unique_ptr<Environment>> makeSmacV2(const Section& env);
[[nodiscard]] Result<Section> resolveSmacV2(const Section& env);

} // namespace knife::smac
