// SPDX-License-Identifier: GPL-3.0-or-later
// The environment "tag": continuous predator-prey in the plane, "simple_tag_coop" of ReBorn and ResQ and the scenarios
// continuous_pred_prey_3a, 6a and 9a of FACMAC. Predators learn, prey follow a script. Predators' forces are taken from
// a fixed set, because value methods need one: none, or full force in one of `directions` directions.
//
// A step of dt = 0.1: forces of actions, of the prey's script and of contacts; v <- 0.75 v + F dt, cut off at the
// greatest speed; x <- x + v dt. Then every pair of a predator and a prey that touch is worth 10 to the team.
// packaging/doc/predator_prey.md has the rest. Slots beyond the predators there are hold agents that have been dead
// from the start.
#pragma once

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

/// [env] with name = "tag". The defaults are the preset pred_prey_3a.
struct TagParams {
    std::string preset = "pred_prey_3a";
    std::int64_t predators = 3;
    std::int64_t prey = 1;
    std::int64_t landmarks = 2;
    std::int64_t predatorSlots = 0; ///< places in actions and observations; 0: as many as there are
    std::int64_t preySlots = 0;     ///< places in observations; likewise
    std::int64_t landmarkSlots = 0; ///< likewise
    std::int64_t directions = 4;    ///< 4 or 8
    double viewRadius = 1.5;        ///< negative: nothing but the agent itself is seen, as released
    bool partialObs = true;         ///< false: everything is seen
    std::string scoreFunction = "min";
    std::int64_t episodeLimit = 25;
    bool truncateEpisodes = true;
    double rewardContact = 10.0;
    double punishment = 0.0; ///< added for each prey that exactly one predator touches
    double predatorAccel = 3.0;
    double predatorSpeed = 1.0; ///< greatest, per unit of time: a step is 0.1
    double preySpeed = 1.3;     ///< likewise
    double preyForce = 1.0; ///< factor on the prey's force; the released code uses the chosen point as the force itself
};
void describe(FieldVisitor& visitor, TagParams& params);
[[nodiscard]] const std::vector<EnvPreset>& tagPresets();

struct TagBody {
    double x = 0.0;
    double y = 0.0;
    double vx = 0.0;
    double vy = 0.0;
    bool operator==(const TagBody&) const = default;
};

class Tag final : public Environment {
  public:
    explicit Tag(const TagParams& params);

    [[nodiscard]] const EnvSpec& spec() const override { return m_spec; }
    void reset(const EpisodeKey& key, const ObservationSpans& out) override;
    [[nodiscard]] Result<StepOutcome> step(std::span<const std::int32_t> actions, const ObservationSpans& out) override;
    [[nodiscard]] EnvView view() const override;
    [[nodiscard]] std::vector<std::byte> save() const override;
    [[nodiscard]] Result<void> restore(std::span<const std::byte> saved) override;

    /// Predators, prey, landmarks.
    [[nodiscard]] const std::vector<TagBody>& bodies() const { return m_bodies; }
    /// Puts everything somewhere by hand, at the first step of the episode of `key`. ErrorCode::Usage, with nothing
    /// changed: not as many bodies as there are, or one that is nowhere.
    [[nodiscard]] Result<void> place(const std::vector<TagBody>& bodies, const EpisodeKey& key,
                                     const ObservationSpans& out);

  private:
    enum Kind : int { Predator, Prey, Landmark };
    static constexpr double kSizes[] = {0.075, 0.05, 0.2};
    [[nodiscard]] Kind kindOf(std::size_t body) const;
    /// Somebody whom a prey keeps away from, as seen from the prey.
    struct Threat {
        double x = 0.0;
        double y = 0.0;
        double squaredReach = 0.0; ///< nearer than that they touch
    };
    [[nodiscard]] double squaredDistance(std::size_t a, std::size_t b) const;
    [[nodiscard]] bool touch(std::size_t a, std::size_t b) const;
    void addPreyForce(std::size_t prey, CounterRng& random);
    void findThreats(std::size_t prey);
    [[nodiscard]] double score(double x, double y) const;
    [[nodiscard]] double contactReward() const;
    [[nodiscard]] bool canBe(const std::vector<TagBody>& bodies) const;
    void addContacts();
    void move();
    void write(const ObservationSpans& out) const;
    [[nodiscard]] PlaneView scene() const;
    [[nodiscard]] std::vector<std::string> featureNames() const;

    TagParams m_params;
    EnvSpec m_spec;
    std::string m_config;
    EpisodeKey m_key;
    std::vector<TagBody> m_bodies;
    std::vector<TagBody> m_forces; ///< x and y alone
    std::vector<Threat> m_threats; ///< to the prey that decides at the moment
    Threat m_nearest;              ///< of the predators
    std::size_t m_predators;
    std::size_t m_movable;                   ///< predators and prey
    bool m_sums;                             ///< score_function = "sum"
    std::vector<std::int32_t> m_lastActions; ///< of predators; -1: none yet
    int m_step = 0;
    bool m_ended = true;
    float m_lastReward = 0.F;
    float m_return = 0.F;
};

[[nodiscard]] Result<std::unique_ptr<Environment>> makeTag(const Section& env);
[[nodiscard]] Result<Section> resolveTag(const Section& env);

} // namespace knife
