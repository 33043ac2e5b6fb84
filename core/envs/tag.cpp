// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/envs/tag.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include <fmt/format.h>

#include "core/envs/episode_stream.h"
#include "core/envs/state_bytes.h"

namespace knife {

namespace {

constexpr double kDt = 0.1;
constexpr double kDamping = 0.25;
constexpr double kContactForce = 100.0;
constexpr double kContactMargin = 1e-3;
constexpr double kAccel = 3.0; // of predators
constexpr double kMaxSpeed[] = {1.0, 1.3};
constexpr int kSamples = 100; // points that a prey looks at
constexpr int kWaypoints = 5; // on the way to one, for "sum"
constexpr double kTouching = -1e7;

struct NamedPreset {
    EnvPreset preset;
    std::int64_t predators;
    std::int64_t prey;
    std::int64_t landmarks;
};

const std::vector<NamedPreset>& namedPresets() {
    static const std::vector<NamedPreset> presets = {
        {{"pred_prey_3a", "3 predators after 1 prey among 2 landmarks, in the plane"}, 3, 1, 2},
        {{"pred_prey_6a", "6 predators after 2 prey among 4 landmarks, in the plane"}, 6, 2, 4},
        {{"pred_prey_9a", "9 predators after 3 prey among 6 landmarks, in the plane"}, 9, 3, 6},
    };
    return presets;
}

Result<TagParams> readTag(const Section& env) {
    TagParams params;
    const auto wanted = env.text("preset", params.preset);
    if (!wanted) {
        return tl::unexpected(wanted.error());
    }
    // An unknown preset is refused below, where the choice is read.
    for (const NamedPreset& named : namedPresets()) {
        if (named.preset.name == *wanted) {
            params.predators = named.predators;
            params.prey = named.prey;
            params.landmarks = named.landmarks;
        }
    }
    if (auto read = readSection(env, params, {"name"}); !read) {
        return tl::unexpected(read.error());
    }
    if (params.directions != 4 && params.directions != 8) {
        return tl::unexpected(
            env.errorAt("directions", fmt::format("expected 4 or 8 directions, got {}", params.directions)));
    }
    return params;
}

} // namespace

void describe(FieldVisitor& visitor, TagParams& p) {
    std::vector<std::string> presets;
    for (const EnvPreset& preset : tagPresets()) {
        presets.push_back(preset.name);
    }
    visitor.choice("preset", p.preset, {"Values of all keys that are not given"}, presets);
    visitor.field("predators", p.predators, {"Learning agents"}, {1, 100});
    visitor.field("prey", p.prey, {"Prey, which follow a script"}, {1, 100});
    visitor.field("landmarks", p.landmarks, {"Obstacles"}, {0, 100});
    visitor.field("directions", p.directions, {"Of the forces that an agent can choose, 4 or 8"}, {4, 8});
    visitor.field("view_radius", p.viewRadius, {"How far agents see; negative: not at all"}, {-1, 100});
    visitor.field("partial_obs", p.partialObs, {"Whether sight is limited at all"});
    visitor.choice("score_function", p.scoreFunction, {"What prey run after: distance to the nearest, or to all"},
                   {"min", "sum"});
    visitor.field("episode_limit", p.episodeLimit, {"Length of an episode", "env steps"}, {1, kLongestEpisode});
    visitor.field("truncate_episodes", p.truncateEpisodes, {"The limit truncates, so its value is bootstrapped"});
    visitor.field("reward_contact", p.rewardContact, {"Per predator and prey that touch, and step"}, {-1e6, 1e6});
    visitor.field("prey_force", p.preyForce, {"Factor on the prey's force"}, {0, 100});
}

const std::vector<EnvPreset>& tagPresets() {
    static const std::vector<EnvPreset> presets = [] {
        std::vector<EnvPreset> list;
        for (const NamedPreset& named : namedPresets()) {
            list.push_back(named.preset);
        }
        return list;
    }();
    return presets;
}

Tag::Tag(const TagParams& params) : m_params(params), m_config("tag\n" + writeSection("env", params).toToml()) {
    const auto agents = static_cast<int>(params.predators);
    const auto others = static_cast<int>(params.predators - 1 + params.prey);
    m_spec = {.name = "tag",
              .nAgents = agents,
              .nActions = 1 + static_cast<int>(params.directions),
              .obsDim = 4 + 2 * static_cast<int>(params.landmarks) + 2 * others + 2 * static_cast<int>(params.prey),
              .stateDim = 0,
              .episodeLimit = static_cast<int>(params.episodeLimit),
              .hasWin = false};
    m_spec.stateDim = agents * m_spec.obsDim;
    m_bodies.resize(static_cast<std::size_t>(params.predators + params.prey + params.landmarks));
    m_forces.resize(m_bodies.size());
}

Tag::Kind Tag::kindOf(std::size_t body) const {
    const auto index = static_cast<std::int64_t>(body);
    if (index < m_params.predators) {
        return Predator;
    }
    return index < m_params.predators + m_params.prey ? Prey : Landmark;
}

double Tag::distance(std::size_t a, std::size_t b) const {
    return std::hypot(m_bodies[a].x - m_bodies[b].x, m_bodies[a].y - m_bodies[b].y);
}

bool Tag::touch(std::size_t a, std::size_t b) const {
    return distance(a, b) < kSizes[kindOf(a)] + kSizes[kindOf(b)];
}

void Tag::reset(const EpisodeKey& key, const ObservationSpans& out) {
    CounterRng random = stepStream(key, 0);
    std::vector<TagBody>& bodies = m_bodies;
    for (std::size_t i = 0; i < bodies.size(); ++i) {
        const double most = kindOf(i) == Landmark ? 0.9 : 1.0;
        bodies[i] = {};
        bodies[i].x = random.uniform(-most, most);
        bodies[i].y = random.uniform(-most, most);
    }
    m_key = key;
    m_step = 0;
    m_ended = false;
    m_lastReward = 0.F;
    m_return = 0.F;
    write(out);
}

void Tag::place(const std::vector<TagBody>& bodies, const EpisodeKey& key, const ObservationSpans& out) {
    reset(key, out);
    m_bodies = bodies;
    write(out);
}

// What a prey would gain by going that way.
double Tag::score(std::size_t prey, double dx, double dy) const {
    const TagBody& own = m_bodies[prey];
    const auto predators = static_cast<std::size_t>(m_params.predators);
    const auto movable = predators + static_cast<std::size_t>(m_params.prey);
    const auto awayFrom = [&](std::size_t other, double share) {
        return std::hypot(own.x + share * dx - m_bodies[other].x, own.y + share * dy - m_bodies[other].y);
    };
    if (m_params.scoreFunction == "min") {
        std::size_t nearest = 0;
        for (std::size_t i = 0; i < predators; ++i) {
            nearest = distance(prey, i) < distance(prey, nearest) ? i : nearest;
            if (awayFrom(i, 1.0) < kSizes[Predator] + kSizes[Prey]) {
                return kTouching;
            }
        }
        return awayFrom(nearest, 1.0);
    }
    double sum = 0.0;
    for (std::size_t i = 0; i < movable; ++i) {
        if (i == prey) {
            continue;
        }
        for (int point = 1; point <= kWaypoints; ++point) {
            if (awayFrom(i, static_cast<double>(point) / kWaypoints) < kSizes[kindOf(i)] + kSizes[Prey]) {
                return kTouching;
            }
        }
        sum += awayFrom(i, 1.0);
    }
    return sum;
}

void Tag::addPreyForce(std::size_t prey, CounterRng& random) {
    double best = 0.0; // worse than standing still is not done
    double bestX = 0.0;
    double bestY = 0.0;
    for (int sample = 0; sample < kSamples; ++sample) {
        const double length = std::sqrt(random.uniform());
        const double angle = 2.0 * std::numbers::pi * random.uniform();
        const double dx = length * std::cos(angle);
        const double dy = length * std::sin(angle);
        if (const double gain = score(prey, dx, dy); gain > best) {
            best = gain;
            bestX = dx;
            bestY = dy;
        }
    }
    m_forces[prey].x += m_params.preyForce * bestX;
    m_forces[prey].y += m_params.preyForce * bestY;
}

void Tag::addContacts() {
    for (std::size_t a = 0; a < m_bodies.size(); ++a) {
        for (std::size_t b = a + 1; b < m_bodies.size(); ++b) {
            const double apart = std::max(distance(a, b), 1e-9);
            const double overlap = (kSizes[kindOf(a)] + kSizes[kindOf(b)] - apart) / kContactMargin;
            // log(1 + exp(x)), without overflow.
            const double softplus = std::max(overlap, 0.0) + std::log1p(std::exp(-std::abs(overlap)));
            const double force = kContactForce * kContactMargin * softplus / apart;
            const double fx = force * (m_bodies[a].x - m_bodies[b].x);
            const double fy = force * (m_bodies[a].y - m_bodies[b].y);
            m_forces[a].x += fx;
            m_forces[a].y += fy;
            m_forces[b].x -= fx;
            m_forces[b].y -= fy;
        }
    }
}

void Tag::move() {
    for (std::size_t i = 0; i < m_bodies.size() && kindOf(i) != Landmark; ++i) {
        TagBody& body = m_bodies[i];
        body.vx = (1.0 - kDamping) * body.vx + m_forces[i].x * kDt;
        body.vy = (1.0 - kDamping) * body.vy + m_forces[i].y * kDt;
        const double speed = std::hypot(body.vx, body.vy);
        if (const double most = kMaxSpeed[kindOf(i)]; speed > most) {
            body.vx *= most / speed;
            body.vy *= most / speed;
        }
        body.x += body.vx * kDt;
        body.y += body.vy * kDt;
    }
}

Result<StepOutcome> Tag::step(std::span<const std::int32_t> actions, const ObservationSpans& out) {
    if (m_ended) {
        return fail(ErrorCode::IllegalAction, "tag: the episode has ended; reset it first");
    }
    if (actions.size() != static_cast<std::size_t>(m_spec.nAgents)) {
        return fail(ErrorCode::IllegalAction,
                    fmt::format("tag: {} actions for {} agents", actions.size(), m_spec.nAgents));
    }
    for (std::size_t agent = 0; agent < actions.size(); ++agent) {
        if (actions[agent] < 0 || actions[agent] >= m_spec.nActions) {
            return fail(ErrorCode::IllegalAction,
                        fmt::format("tag: action {} of agent {} does not exist", actions[agent], agent));
        }
    }
    CounterRng random = stepStream(m_key, m_step + 1);
    std::ranges::fill(m_forces, TagBody{});
    for (std::size_t agent = 0; agent < actions.size(); ++agent) {
        if (actions[agent] > 0) {
            const double angle =
                2.0 * std::numbers::pi * (actions[agent] - 1) / static_cast<double>(m_params.directions);
            m_forces[agent].x = kAccel * std::cos(angle);
            m_forces[agent].y = kAccel * std::sin(angle);
        }
    }
    const auto predators = static_cast<std::size_t>(m_params.predators);
    const auto movable = predators + static_cast<std::size_t>(m_params.prey);
    for (std::size_t prey = predators; prey < movable; ++prey) {
        addPreyForce(prey, random);
    }
    addContacts();
    move();
    int contacts = 0;
    for (std::size_t predator = 0; predator < predators; ++predator) {
        for (std::size_t prey = predators; prey < movable; ++prey) {
            contacts += touch(predator, prey) ? 1 : 0;
        }
    }
    ++m_step;
    StepOutcome outcome;
    outcome.reward = static_cast<float>(m_params.rewardContact * contacts);
    if (m_step >= m_spec.episodeLimit) {
        outcome.truncated = m_params.truncateEpisodes;
        outcome.terminated = !m_params.truncateEpisodes;
    }
    m_ended = outcome.terminated || outcome.truncated;
    m_lastReward = outcome.reward;
    m_return += outcome.reward;
    write(out);
    return outcome;
}

void Tag::write(const ObservationSpans& out) const {
    const auto predators = static_cast<std::size_t>(m_params.predators);
    const auto movable = predators + static_cast<std::size_t>(m_params.prey);
    float* next = out.obs.data();
    const auto put = [&next](double x, double y) {
        *next++ = static_cast<float>(x);
        *next++ = static_cast<float>(y);
    };
    for (std::size_t agent = 0; agent < predators; ++agent) {
        const TagBody& own = m_bodies[agent];
        const auto isSeen = [&](std::size_t other) {
            return !m_params.partialObs || distance(agent, other) <= m_params.viewRadius;
        };
        const auto putOffset = [&](std::size_t other) {
            const bool seen = isSeen(other);
            put(seen ? m_bodies[other].x - own.x : 0.0, seen ? m_bodies[other].y - own.y : 0.0);
        };
        put(own.vx, own.vy);
        put(own.x, own.y);
        for (std::size_t landmark = movable; landmark < m_bodies.size(); ++landmark) {
            putOffset(landmark);
        }
        for (std::size_t other = 0; other < movable; ++other) {
            if (other != agent) {
                putOffset(other);
            }
        }
        for (std::size_t prey = predators; prey < movable; ++prey) {
            const bool seen = isSeen(prey);
            put(seen ? m_bodies[prey].vx : 0.0, seen ? m_bodies[prey].vy : 0.0);
        }
    }
    std::copy(out.obs.begin(), out.obs.end(), out.state.begin());
    std::ranges::fill(out.avail, std::uint8_t{1});
}

EnvView Tag::view() const {
    EnvView view;
    view.envName = "tag";
    view.step = m_step;
    view.episodeLimit = m_spec.episodeLimit;
    view.lastReward = m_lastReward;
    view.episodeReturn = m_return;
    view.greedy = m_key.greedy;
    return view;
}

std::vector<std::byte> Tag::save() const {
    StateWriter out;
    out.text(m_config);
    out.key(m_key);
    out.value(m_step);
    out.flag(m_ended);
    out.value(m_lastReward);
    out.value(m_return);
    out.list(m_bodies);
    return out.take();
}

Result<void> Tag::restore(std::span<const std::byte> saved) {
    StateReader in(saved);
    const bool own = in.text() == m_config;
    const EpisodeKey key = in.key();
    const auto step = in.value<int>();
    const bool ended = in.flag();
    const auto lastReward = in.value<float>();
    const auto episodeReturn = in.value<float>();
    auto bodies = in.list<TagBody>();
    const auto sound = [](const TagBody& body) {
        return std::isfinite(body.x) && std::isfinite(body.y) && std::isfinite(body.vx) && std::isfinite(body.vy);
    };
    if (!own || !in.finished() || bodies.size() != m_bodies.size() || step < 0 || step > m_spec.episodeLimit ||
        !std::ranges::all_of(bodies, sound)) {
        return fail(ErrorCode::Corrupt, "tag: the saved state is damaged, or of another configuration");
    }
    m_key = key;
    m_step = step;
    m_ended = ended;
    m_lastReward = lastReward;
    m_return = episodeReturn;
    m_bodies = std::move(bodies);
    return {};
}

Result<std::unique_ptr<Environment>> makeTag(const Section& env) {
    return readTag(env).map(
        [](const TagParams& params) -> std::unique_ptr<Environment> { return std::make_unique<Tag>(params); });
}

Result<Section> resolveTag(const Section& env) {
    return readTag(env).map([&](const TagParams& params) { return writeSection(env.path(), params); });
}

} // namespace knife
