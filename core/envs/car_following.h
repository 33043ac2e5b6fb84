// SPDX-License-Identifier: GPL-3.0-or-later
// The environment "car_following": two cars on a line drive to a target, fast enough to be soon there and slow enough
// not to crash; staying close pays. A small risk-sensitive game of RiskQ (Shen et al. 2023), of which the rules below
// are known; what agents observe is not, and a choice of this program (packaging/doc/predator_prey.md).
//
// A step of dt = 0.1: v <- v + a dt, cut off at the greatest speed; x <- x + v dt. A car within 0.01 of the target
// parks there. Per step: -1 - sum of the distances to the target; 5 when a car arrives; -1 with probability
// 0.4 (|v| - 1) for each car that is faster than 1; 1 if the cars are within 0.3; 10 and the end when both have
// arrived.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/config/section.h"
#include "core/envs/environment.h"
#include "core/envs/registry.h"
#include "core/types/counter_rng.h"

namespace knife {

/// [env] with name = "car_following". The defaults are those of the released map.
struct CarFollowingParams {
    std::string preset = "macf_opt";
    double target = 2.5;
    std::int64_t accelerations = 21; ///< actions: -1 + action * 2 / accelerations, so that none is 1, as released
    double greatestSpeed = 1.8;
    std::int64_t episodeLimit = 200;
    bool truncateEpisodes = true;
    double rewardArrival = 5.0;
    double rewardBoth = 10.0;
    double rewardClose = 1.0;
    double crashCost = 1.0;
    double crashSlope = 0.4; ///< probability of a crash per unit of speed above 1
};
void describe(FieldVisitor& visitor, CarFollowingParams& params);
[[nodiscard]] const std::vector<EnvPreset>& carFollowingPresets();

struct Car {
    double position = 0.0;
    double speed = 0.0;
    bool parked = false;
    bool operator==(const Car&) const = default;
};

class CarFollowing final : public Environment {
  public:
    static constexpr std::size_t kCars = 2;
    using Cars = std::array<Car, kCars>;

    explicit CarFollowing(const CarFollowingParams& params);

    [[nodiscard]] const EnvSpec& spec() const override { return m_spec; }
    void reset(const EpisodeKey& key, const ObservationSpans& out) override;
    [[nodiscard]] Result<StepOutcome> step(std::span<const std::int32_t> actions, const ObservationSpans& out) override;
    [[nodiscard]] EnvView view() const override;
    [[nodiscard]] std::vector<std::byte> save() const override;
    [[nodiscard]] Result<void> restore(std::span<const std::byte> saved) override;

    [[nodiscard]] const Cars& cars() const { return m_cars; }
    /// Puts the cars somewhere by hand, at the first step of the episode of `key`.
    void place(const Cars& cars, const EpisodeKey& key, const ObservationSpans& out);
    [[nodiscard]] double acceleration(std::int32_t action) const;

  private:
    /// Whether a car can be there after so many steps.
    [[nodiscard]] bool canBe(const Car& car, int step) const;
    void drive(std::span<const std::int32_t> actions);
    [[nodiscard]] bool isThere(const Car& car) const;
    /// What crashes of this step cost.
    [[nodiscard]] double crashes(CounterRng& random) const;
    void write(const ObservationSpans& out) const;

    CarFollowingParams m_params;
    EnvSpec m_spec;
    std::string m_config;
    EpisodeKey m_key;
    Cars m_cars;
    std::array<std::int32_t, kCars> m_lastActions{-1, -1};
    int m_step = 0;
    bool m_ended = true;
    float m_lastReward = 0.F;
    float m_return = 0.F;
};

[[nodiscard]] Result<std::unique_ptr<Environment>> makeCarFollowing(const Section& env);
[[nodiscard]] Result<Section> resolveCarFollowing(const Section& env);

} // namespace knife
