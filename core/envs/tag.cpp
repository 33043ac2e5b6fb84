// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/envs/tag.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <tuple>

#include <fmt/format.h>

#include "core/envs/episode_stream.h"
#include "core/envs/state_bytes.h"

namespace knife {

namespace {

constexpr double kDt = 0.1;
constexpr double kDamping = 0.25;
constexpr double kContactForce = 100.0;
constexpr double kContactMargin = 1e-3;
constexpr int kSamples = 100; // points that a prey looks at
constexpr int kWaypoints = 5; // on the way to one, for "sum"
constexpr double kTouching = -1e7;
constexpr double kNoContact = -40.0; // margins of overlap from which on exp() of it is nothing beside 1

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
    for (const auto& [key, slots, count] : {std::tuple{"predator_slots", params.predatorSlots, params.predators},
                                            {"prey_slots", params.preySlots, params.prey},
                                            {"landmark_slots", params.landmarkSlots, params.landmarks}}) {
        if (slots != 0 && slots < count) {
            return tl::unexpected(env.errorAt(key, fmt::format("there are {}", count)));
        }
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
    visitor.field("predator_slots", p.predatorSlots,
                  {"Places for agents, those too many dead; 0: as many as there are"}, {0, 100});
    visitor.field("prey_slots", p.preySlots, {"Places for prey in observations, likewise"}, {0, 100});
    visitor.field("landmark_slots", p.landmarkSlots, {"Places for obstacles in observations, likewise"}, {0, 100});
    visitor.field("directions", p.directions, {"Of the forces that an agent can choose, 4 or 8"}, {4, 8});
    visitor.field("view_radius", p.viewRadius, {"How far agents see; negative: not at all"}, {-1, 100});
    visitor.field("partial_obs", p.partialObs, {"Whether sight is limited at all"});
    visitor.choice("score_function", p.scoreFunction, {"What prey run after: distance to the nearest, or to all"},
                   {"min", "sum"});
    visitor.field("episode_limit", p.episodeLimit, {"Length of an episode", "env steps"}, {1, kLongestEpisode});
    visitor.field("truncate_episodes", p.truncateEpisodes, {"The limit truncates, so its value is bootstrapped"});
    visitor.field("reward_contact", p.rewardContact, {"Per predator and prey that touch, and step"}, {-1e6, 1e6});
    visitor.field("punishment", p.punishment, {"Added per prey that only one predator touches, and step"}, {-1e6, 1e6});
    visitor.field("predator_accel", p.predatorAccel, {"Force of an action, which is an acceleration"}, {0, 100});
    visitor.field("predator_speed", p.predatorSpeed, {"Greatest of predators; a step takes 0.1"}, {0, 100});
    visitor.field("prey_speed", p.preySpeed, {"Greatest of prey; a step takes 0.1"}, {0, 100});
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

Tag::Tag(const TagParams& params)
    : m_params(params),
      m_config("tag\n" + writeSection("env", params).toToml()),
      m_predators(static_cast<std::size_t>(params.predators)),
      m_movable(static_cast<std::size_t>(params.predators + params.prey)),
      m_sums(params.scoreFunction == "sum") {
    const auto slotsOf = [](std::int64_t slots, std::int64_t count) {
        return static_cast<int>(slots > 0 ? slots : count);
    };
    const int agents = slotsOf(params.predatorSlots, params.predators);
    const int prey = slotsOf(params.preySlots, params.prey);
    const int landmarks = slotsOf(params.landmarkSlots, params.landmarks);
    m_spec = {.name = "tag",
              .nAgents = agents,
              .nActions = 1 + static_cast<int>(params.directions),
              .obsDim = 4 + 2 * landmarks + 2 * (agents - 1 + prey) + 2 * prey,
              .stateDim = 0,
              .episodeLimit = static_cast<int>(params.episodeLimit),
              .hasWin = false};
    m_spec.stateDim = agents * m_spec.obsDim;
    m_bodies.resize(m_movable + static_cast<std::size_t>(params.landmarks));
    m_forces.resize(m_bodies.size());
    m_lastActions.assign(m_predators, -1);
    m_threats.reserve(m_movable);
}

Tag::Kind Tag::kindOf(std::size_t body) const {
    const auto index = static_cast<std::int64_t>(body);
    if (index < m_params.predators) {
        return Predator;
    }
    return index < m_params.predators + m_params.prey ? Prey : Landmark;
}

double Tag::squaredDistance(std::size_t a, std::size_t b) const {
    const double dx = m_bodies[a].x - m_bodies[b].x;
    const double dy = m_bodies[a].y - m_bodies[b].y;
    return dx * dx + dy * dy;
}

bool Tag::touch(std::size_t a, std::size_t b) const {
    const double reach = kSizes[kindOf(a)] + kSizes[kindOf(b)];
    return squaredDistance(a, b) < reach * reach;
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
    std::ranges::fill(m_lastActions, -1);
    write(out);
}

bool Tag::canBe(const std::vector<TagBody>& bodies) const {
    return bodies.size() == m_bodies.size() && std::ranges::all_of(bodies, [](const TagBody& body) {
               return std::isfinite(body.x) && std::isfinite(body.y) && std::isfinite(body.vx) &&
                      std::isfinite(body.vy);
           });
}

Result<void> Tag::place(const std::vector<TagBody>& bodies, const EpisodeKey& key, const ObservationSpans& out) {
    if (!canBe(bodies)) {
        return fail(ErrorCode::Usage, fmt::format("tag: expected {} bodies that are somewhere", m_bodies.size()));
    }
    reset(key, out);
    m_bodies = bodies;
    write(out);
    return {};
}

// Whom the prey keeps away from: the predators, or everybody who moves.
void Tag::findThreats(std::size_t prey) {
    m_threats.clear();
    const std::size_t others = m_sums ? m_movable : m_predators;
    for (std::size_t i = 0; i < others; ++i) {
        if (i != prey) {
            const double reach = kSizes[kindOf(i)] + kSizes[Prey];
            m_threats.push_back({m_bodies[i].x - m_bodies[prey].x, m_bodies[i].y - m_bodies[prey].y, reach * reach});
        }
    }
    // Predators come first, and the nearest is the nearest now, wherever the prey goes.
    m_nearest = *std::min_element(
        m_threats.begin(), m_threats.begin() + static_cast<std::ptrdiff_t>(m_predators),
        [](const Threat& a, const Threat& b) { return a.x * a.x + a.y * a.y < b.x * b.x + b.y * b.y; });
}

// What a prey would gain by going that way, as seen from where it is.
double Tag::score(double x, double y) const {
    const auto squaredDistanceTo = [&](const Threat& threat, double share) {
        const double dx = share * x - threat.x;
        const double dy = share * y - threat.y;
        return dx * dx + dy * dy;
    };
    if (!m_sums) {
        for (const Threat& threat : m_threats) {
            if (squaredDistanceTo(threat, 1.0) < threat.squaredReach) {
                return kTouching;
            }
        }
        return std::sqrt(squaredDistanceTo(m_nearest, 1.0));
    }
    double sum = 0.0;
    for (const Threat& threat : m_threats) {
        for (int point = 1; point <= kWaypoints; ++point) {
            if (squaredDistanceTo(threat, static_cast<double>(point) / kWaypoints) < threat.squaredReach) {
                return kTouching;
            }
        }
        sum += std::sqrt(squaredDistanceTo(threat, 1.0));
    }
    return sum;
}

void Tag::addPreyForce(std::size_t prey, CounterRng& random) {
    findThreats(prey);
    double best = 0.0; // where every way touches somebody, which is worth less, none is taken
    double bestX = 0.0;
    double bestY = 0.0;
    for (int sample = 0; sample < kSamples; ++sample) {
        const double length = std::sqrt(random.uniform());
        const double angle = 2.0 * std::numbers::pi * random.uniform();
        const double x = length * std::cos(angle);
        const double y = length * std::sin(angle);
        if (const double gain = score(x, y); gain > best) {
            best = gain;
            bestX = x;
            bestY = y;
        }
    }
    m_forces[prey].x += m_params.preyForce * bestX;
    m_forces[prey].y += m_params.preyForce * bestY;
}

void Tag::addContacts() {
    for (std::size_t a = 0; a < m_movable; ++a) { // two landmarks have nothing to push
        for (std::size_t b = a + 1; b < m_bodies.size(); ++b) {
            const double sizes = kSizes[kindOf(a)] + kSizes[kindOf(b)];
            const double furthest = sizes - kNoContact * kContactMargin;
            const double squared = squaredDistance(a, b);
            if (squared > furthest * furthest) {
                continue;
            }
            const double apart = std::max(std::sqrt(squared), 1e-9);
            const double overlap = (sizes - apart) / kContactMargin;
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
    for (std::size_t i = 0; i < m_movable; ++i) {
        TagBody& body = m_bodies[i];
        body.vx = (1.0 - kDamping) * body.vx + m_forces[i].x * kDt;
        body.vy = (1.0 - kDamping) * body.vy + m_forces[i].y * kDt;
        const double speed = std::hypot(body.vx, body.vy);
        if (const double most = i < m_predators ? m_params.predatorSpeed : m_params.preySpeed; speed > most) {
            body.vx *= most / speed;
            body.vy *= most / speed;
        }
        body.x += body.vx * kDt;
        body.y += body.vy * kDt;
    }
}

double Tag::contactReward() const {
    double reward = 0.0;
    for (std::size_t prey = m_predators; prey < m_movable; ++prey) {
        int contacts = 0;
        for (std::size_t predator = 0; predator < m_predators; ++predator) {
            contacts += touch(predator, prey) ? 1 : 0;
        }
        reward += m_params.rewardContact * contacts + (contacts == 1 ? m_params.punishment : 0.0);
    }
    return reward;
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
        const std::int32_t actionsNow = agent < m_predators ? m_spec.nActions : 1; // the dead do nothing
        if (actions[agent] < 0 || actions[agent] >= actionsNow) {
            return fail(ErrorCode::IllegalAction,
                        fmt::format("tag: action {} of agent {} is not legal", actions[agent], agent));
        }
    }
    CounterRng random = stepStream(m_key, m_step + 1);
    std::ranges::fill(m_forces, TagBody{});
    for (std::size_t agent = 0; agent < actions.size(); ++agent) {
        if (actions[agent] > 0) {
            const double angle =
                2.0 * std::numbers::pi * (actions[agent] - 1) / static_cast<double>(m_params.directions);
            m_forces[agent].x = m_params.predatorAccel * std::cos(angle);
            m_forces[agent].y = m_params.predatorAccel * std::sin(angle);
        }
    }
    for (std::size_t prey = m_predators; prey < m_movable; ++prey) {
        addPreyForce(prey, random);
    }
    addContacts();
    move();
    ++m_step;
    StepOutcome outcome;
    outcome.reward = static_cast<float>(contactReward());
    if (m_step >= m_spec.episodeLimit) {
        outcome.truncated = m_params.truncateEpisodes;
        outcome.terminated = !m_params.truncateEpisodes;
    }
    m_ended = outcome.terminated || outcome.truncated;
    m_lastReward = outcome.reward;
    m_return += outcome.reward;
    std::copy_n(actions.begin(), m_predators, m_lastActions.begin());
    write(out);
    return outcome;
}

void Tag::write(const ObservationSpans& out) const {
    const auto agents = static_cast<std::size_t>(m_spec.nAgents);
    const auto nActions = static_cast<std::size_t>(m_spec.nActions);
    const auto obsDim = static_cast<std::size_t>(m_spec.obsDim);
    const auto slotsOf = [](std::int64_t slots, std::size_t count) {
        return slots > 0 ? static_cast<std::size_t>(slots) : count;
    };
    const std::size_t preySlots = slotsOf(m_params.preySlots, m_movable - m_predators);
    const std::size_t landmarkSlots = slotsOf(m_params.landmarkSlots, m_bodies.size() - m_movable);
    const bool seesAll = !m_params.partialObs;
    const double furthest = m_params.viewRadius < 0.0 ? -1.0 : m_params.viewRadius * m_params.viewRadius;
    std::ranges::fill(out.obs, 0.F);
    std::ranges::fill(out.avail, std::uint8_t{0});
    for (std::size_t agent = 0; agent < agents; ++agent) {
        const auto legal = out.avail.subspan(agent * nActions, nActions);
        std::ranges::fill(agent < m_predators ? legal : legal.first(1), std::uint8_t{1});
    }
    for (std::size_t agent = 0; agent < m_predators; ++agent) {
        const TagBody& own = m_bodies[agent];
        float* next = out.obs.data() + agent * obsDim;
        const auto put = [&next](double x, double y) {
            *next++ = static_cast<float>(x);
            *next++ = static_cast<float>(y);
        };
        const auto isSeen = [&](std::size_t other) {
            return seesAll || squaredDistance(agent, other) <= furthest;
        };
        // So many bodies from `first` on, in so many slots.
        const auto putOffsets = [&](std::size_t first, std::size_t last, std::size_t slots) {
            float* const end = next + 2 * slots;
            for (std::size_t other = first; other < last; ++other) {
                if (other != agent) {
                    const bool seen = isSeen(other);
                    put(seen ? m_bodies[other].x - own.x : 0.0, seen ? m_bodies[other].y - own.y : 0.0);
                }
            }
            next = end;
        };
        put(own.vx, own.vy);
        put(own.x, own.y);
        putOffsets(m_movable, m_bodies.size(), landmarkSlots);
        putOffsets(0, m_predators, agents - 1);
        putOffsets(m_predators, m_movable, preySlots);
        for (std::size_t prey = m_predators; prey < m_movable; ++prey) {
            const bool seen = isSeen(prey);
            put(seen ? m_bodies[prey].vx : 0.0, seen ? m_bodies[prey].vy : 0.0);
        }
    }
    std::ranges::copy(out.obs, out.state.begin());
}

EnvView Tag::view() const {
    EnvView view;
    view.envName = "tag";
    view.step = m_step;
    view.episodeLimit = m_spec.episodeLimit;
    view.lastReward = m_lastReward;
    view.episodeReturn = m_return;
    view.greedy = m_key.greedy;
    view.scene = scene();
    view.featureNames = featureNames();
    return view;
}

PlaneView Tag::scene() const {
    PlaneView plane;
    plane.sight = m_params.partialObs ? static_cast<float>(std::max(m_params.viewRadius, 0.0)) : 0.F;
    for (std::size_t i = 0; i < m_bodies.size(); ++i) {
        const Kind kind = kindOf(i);
        const std::size_t first = kind == Predator ? 0 : kind == Prey ? m_predators : m_movable;
        PlaneView::Body& body = plane.bodies.emplace_back();
        body = {.kind = kind == Predator ? PlaneView::Kind::Agent
                        : kind == Prey   ? PlaneView::Kind::Prey
                                         : PlaneView::Kind::Landmark,
                .id = static_cast<int>(i - first),
                .x = static_cast<float>(m_bodies[i].x),
                .y = static_cast<float>(m_bodies[i].y),
                .radius = static_cast<float>(kSizes[kind]),
                .velocityX = static_cast<float>(m_bodies[i].vx),
                .velocityY = static_cast<float>(m_bodies[i].vy)};
        if (kind == Predator) {
            body.action = m_lastActions[i];
        }
        for (std::size_t predator = 0; kind == Prey && predator < m_predators; ++predator) {
            body.caught = body.caught || touch(predator, i);
        }
    }
    plane.actionNames = m_params.directions == 4
                            ? std::vector<std::string>{"none", "east", "north", "west", "south"}
                            : std::vector<std::string>{"none", "east",       "north-east", "north",     "north-west",
                                                       "west", "south-west", "south",      "south-east"};
    return plane;
}

// In the order of write().
std::vector<std::string> Tag::featureNames() const {
    std::vector<std::string> names{"own vx", "own vy", "own x", "own y"};
    const auto add = [&names](const char* whose, std::int64_t count, const char* x, const char* y) {
        for (std::int64_t i = 0; i < count; ++i) {
            names.push_back(fmt::format("{} {} {}", whose, i, x));
            names.push_back(fmt::format("{} {} {}", whose, i, y));
        }
    };
    const std::int64_t prey = m_params.preySlots > 0 ? m_params.preySlots : m_params.prey;
    add("landmark", m_params.landmarkSlots > 0 ? m_params.landmarkSlots : m_params.landmarks, "dx", "dy");
    add("friend", m_spec.nAgents - 1, "dx", "dy");
    add("prey", prey, "dx", "dy");
    add("prey", prey, "vx", "vy");
    return names;
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
    out.list(m_lastActions);
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
    auto lastActions = in.list<std::int32_t>();
    const auto isAction = [this](std::int32_t action) {
        return action >= -1 && action < m_spec.nActions;
    };
    if (!own || !in.finished() || !canBe(bodies) || lastActions.size() != m_predators ||
        !std::ranges::all_of(lastActions, isAction) || step < 0 || step > m_spec.episodeLimit ||
        (step == m_spec.episodeLimit && !ended) || !std::isfinite(lastReward) || !std::isfinite(episodeReturn)) {
        return fail(ErrorCode::Corrupt, "tag: the saved state is damaged, or of another configuration");
    }
    m_key = key;
    m_step = step;
    m_ended = ended;
    m_lastReward = lastReward;
    m_return = episodeReturn;
    m_bodies = std::move(bodies);
    m_lastActions = std::move(lastActions);
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
