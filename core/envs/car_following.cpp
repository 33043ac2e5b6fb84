// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/envs/car_following.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "core/envs/episode_stream.h"
#include "core/envs/state_bytes.h"

namespace knife {

namespace {

constexpr double kDt = 0.1;
constexpr double kArrived = 0.01; // from the target
constexpr double kClose = 0.3;    // to each other
constexpr double kSafeSpeed = 1.0;
constexpr int kFeaturesPerCar = 3;
constexpr int kLongestDrive = 100'000; // env steps; what is farther away than that leads, nothing can draw

Result<CarFollowingParams> readParams(const Section& env) {
    CarFollowingParams params;
    return readSection(env, params, {"name"}).map([&] { return params; });
}

} // namespace

void describe(FieldVisitor& visitor, CarFollowingParams& p) {
    visitor.choice("preset", p.preset, {"Values of all keys that are not given"}, {"macf_opt"});
    visitor.field("target", p.target, {"Where both cars are to go; they begin at 0"}, {0.1, 100});
    visitor.field("accelerations", p.accelerations, {"Actions: from -1 up by steps of 2 / accelerations"}, {2, 1000});
    visitor.field("greatest_speed", p.greatestSpeed, {"Of a car, forwards and backwards"}, {0.01, 10});
    visitor.field("episode_limit", p.episodeLimit, {"Longest episode", "env steps"}, {1, kLongestDrive});
    visitor.field("truncate_episodes", p.truncateEpisodes, {"The limit truncates, so its value is bootstrapped"});
    visitor.field("reward_arrival", p.rewardArrival, {"When a car arrives"}, {-1e6, 1e6});
    visitor.field("reward_both", p.rewardBoth, {"When both have arrived"}, {-1e6, 1e6});
    visitor.field("reward_close", p.rewardClose, {"Per step in which the cars are within 0.3"}, {-1e6, 1e6});
    visitor.field("crash_cost", p.crashCost, {"Of a crash"}, {0, 1e6});
    visitor.field("crash_slope", p.crashSlope, {"Probability of a crash per step and unit of speed above 1"}, {0, 1e3});
}

const std::vector<EnvPreset>& carFollowingPresets() {
    static const std::vector<EnvPreset> presets = {
        {"macf_opt", "2 cars drive to a target close to each other; speed is a risk"}};
    return presets;
}

CarFollowing::CarFollowing(const CarFollowingParams& params)
    : m_params(params), m_config("car_following\n" + writeSection("env", params).toToml()) {
    constexpr int kCarsHere = static_cast<int>(kCars);
    m_spec = {.name = "car_following",
              .nAgents = kCarsHere,
              .nActions = static_cast<int>(params.accelerations),
              .obsDim = kCarsHere * kFeaturesPerCar,
              .stateDim = kCarsHere * kFeaturesPerCar,
              .episodeLimit = static_cast<int>(params.episodeLimit),
              .hasWin = true};
}

double CarFollowing::acceleration(std::int32_t action) const {
    return -1.0 + 2.0 * action / static_cast<double>(m_params.accelerations);
}

void CarFollowing::reset(const EpisodeKey& key, const ObservationSpans& out) {
    place({}, key, out);
}

void CarFollowing::place(const Cars& cars, const EpisodeKey& key, const ObservationSpans& out) {
    m_cars = cars;
    m_key = key;
    m_step = 0;
    m_ended = false;
    m_lastReward = 0.F;
    m_return = 0.F;
    m_lastActions.fill(-1);
    write(out);
}

bool CarFollowing::isThere(const Car& car) const {
    return std::abs(car.position - m_params.target) < kArrived;
}

bool CarFollowing::canBe(const Car& car, int step) const {
    if (car.parked) {
        return car.position == m_params.target && car.speed == 0.0;
    }
    const double furthest = kDt * m_params.greatestSpeed * step + 1e-6; // not of NaN
    return std::abs(car.position) <= furthest && std::abs(car.speed) <= m_params.greatestSpeed;
}

void CarFollowing::drive(std::span<const std::int32_t> actions) {
    for (std::size_t i = 0; i < kCars; ++i) {
        Car& car = m_cars[i];
        if (car.parked) {
            continue;
        }
        const double most = m_params.greatestSpeed;
        car.speed = std::clamp(car.speed + kDt * acceleration(actions[i]), -most, most);
        car.position += kDt * car.speed;
    }
}

double CarFollowing::crashes(CounterRng& random) const {
    double cost = 0.0;
    for (const Car& car : m_cars) {
        const double draw = random.uniform(); // one for each car, so that one's speed is not the other's luck
        if (draw < (std::abs(car.speed) - kSafeSpeed) * m_params.crashSlope) {
            cost += m_params.crashCost;
        }
    }
    return cost;
}

Result<StepOutcome> CarFollowing::step(std::span<const std::int32_t> actions, const ObservationSpans& out) {
    if (m_ended) {
        return fail(ErrorCode::IllegalAction, "car_following: the episode has ended; reset it first");
    }
    if (actions.size() != kCars) {
        return fail(ErrorCode::IllegalAction, fmt::format("car_following: {} actions for 2 agents", actions.size()));
    }
    for (std::size_t agent = 0; agent < kCars; ++agent) {
        if (actions[agent] < 0 || actions[agent] >= m_spec.nActions) {
            return fail(ErrorCode::IllegalAction,
                        fmt::format("car_following: action {} of agent {} is not legal", actions[agent], agent));
        }
    }
    CounterRng random = stepStream(m_key, m_step + 1);
    drive(actions);
    double reward = -1.0 - crashes(random);
    for (Car& car : m_cars) {
        if (!car.parked && isThere(car)) {
            car = {.position = m_params.target, .speed = 0.0, .parked = true};
            reward += m_params.rewardArrival;
        }
        reward -= std::abs(car.position - m_params.target);
    }
    if (std::abs(m_cars[0].position - m_cars[1].position) < kClose) {
        reward += m_params.rewardClose;
    }
    ++m_step;
    StepOutcome outcome;
    if (m_cars[0].parked && m_cars[1].parked) {
        reward += m_params.rewardBoth;
        outcome.terminated = true;
        outcome.won = true;
    } else if (m_step >= m_spec.episodeLimit) {
        outcome.truncated = m_params.truncateEpisodes;
        outcome.terminated = !m_params.truncateEpisodes;
    }
    outcome.reward = static_cast<float>(reward);
    m_ended = outcome.terminated || outcome.truncated;
    m_lastReward = outcome.reward;
    m_return += outcome.reward;
    std::ranges::copy(actions, m_lastActions.begin());
    write(out);
    return outcome;
}

// An agent sees its own car first; the state is what the first one sees.
void CarFollowing::write(const ObservationSpans& out) const {
    std::ranges::fill(out.avail, std::uint8_t{1});
    float* next = out.obs.data();
    for (std::size_t agent = 0; agent < kCars; ++agent) {
        for (std::size_t i = 0; i < kCars; ++i) {
            const Car& car = m_cars[(agent + i) % kCars];
            *next++ = static_cast<float>(car.position - m_params.target);
            *next++ = static_cast<float>(car.speed);
            *next++ = car.parked ? 1.F : 0.F;
        }
    }
    std::ranges::copy(out.obs.first(out.state.size()), out.state.begin());
}

EnvView CarFollowing::view() const {
    EnvView view;
    view.envName = m_spec.name;
    view.step = m_step;
    view.episodeLimit = m_spec.episodeLimit;
    view.lastReward = m_lastReward;
    view.episodeReturn = m_return;
    view.greedy = m_key.greedy;
    view.featureNames = {"own offset", "own speed", "own parked", "other offset", "other speed", "other parked"};
    PlaneView plane;
    constexpr float kRadius = 0.1F;
    constexpr float kLane = 0.15F; // the cars drive on one line, side by side in the picture
    for (std::size_t i = 0; i < kCars; ++i) {
        plane.bodies.push_back({.kind = PlaneView::Kind::Agent,
                                .id = static_cast<int>(i),
                                .x = static_cast<float>(m_cars[i].position),
                                .y = i == 0 ? kLane : -kLane,
                                .radius = kRadius,
                                .velocityX = static_cast<float>(m_cars[i].speed),
                                .action = m_lastActions[i]});
    }
    plane.bodies.push_back({.kind = PlaneView::Kind::Landmark,
                            .x = static_cast<float>(m_params.target),
                            .radius = static_cast<float>(kClose)});
    for (std::int32_t action = 0; action < m_spec.nActions; ++action) {
        plane.actionNames.push_back(fmt::format("{:+.2f}", acceleration(action)));
    }
    view.scene = std::move(plane);
    return view;
}

std::vector<std::byte> CarFollowing::save() const {
    StateWriter out;
    out.text(m_config);
    out.key(m_key);
    out.value(m_step);
    out.flag(m_ended);
    out.value(m_lastReward);
    out.value(m_return);
    for (std::size_t i = 0; i < kCars; ++i) {
        out.value(m_cars[i].position);
        out.value(m_cars[i].speed);
        out.flag(m_cars[i].parked);
        out.value(m_lastActions[i]);
    }
    return out.take();
}

Result<void> CarFollowing::restore(std::span<const std::byte> saved) {
    StateReader in(saved);
    const bool own = in.text() == m_config;
    const EpisodeKey key = in.key();
    const auto step = in.value<int>();
    const bool ended = in.flag();
    const auto lastReward = in.value<float>();
    const auto episodeReturn = in.value<float>();
    Cars cars;
    std::array<std::int32_t, kCars> lastActions{};
    bool sound = true;
    for (std::size_t i = 0; i < kCars; ++i) {
        cars[i].position = in.value<double>();
        cars[i].speed = in.value<double>();
        cars[i].parked = in.flag();
        lastActions[i] = in.value<std::int32_t>();
        sound = sound && canBe(cars[i], step) && lastActions[i] >= -1 && lastActions[i] < m_spec.nActions;
    }
    if (!own || !in.finished() || !sound || step < 0 || step > m_spec.episodeLimit ||
        (step == m_spec.episodeLimit && !ended) || !std::isfinite(lastReward) || !std::isfinite(episodeReturn)) {
        return fail(ErrorCode::Corrupt, "car_following: the saved state is damaged, or of another configuration");
    }
    m_key = key;
    m_step = step;
    m_ended = ended;
    m_lastReward = lastReward;
    m_return = episodeReturn;
    m_cars = cars;
    m_lastActions = lastActions;
    return {};
}

Result<std::unique_ptr<Environment>> makeCarFollowing(const Section& env) {
    return readParams(env).map([](const CarFollowingParams& params) -> std::unique_ptr<Environment> {
        return std::make_unique<CarFollowing>(params);
    });
}

Result<Section> resolveCarFollowing(const Section& env) {
    return readParams(env).map([&](const CarFollowingParams& params) { return writeSection(env.path(), params); });
}

} // namespace knife
