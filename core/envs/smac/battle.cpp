// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/envs/smac/battle.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <tuple>

#include <fmt/format.h>

#include "core/types/counter_rng.h"

namespace knife::smac {

namespace {

constexpr float kArrived = 1e-3F;
constexpr float kTouching = 1e-4F;     // overlap that counts as none
constexpr int kRescanEvery = 4;        // loops between two looks for somebody to fight, or somebody nearer
constexpr int kTellEvery = 8;          // loops between two looks of the map's trigger
constexpr int kRelaxations = 3;        // passes over overlapping pairs per loop, at most
constexpr float kStandingShare = 0.1F; // how readily a unit that fights makes way, beside one that does not
constexpr float kHealerFollows = 2.F;  // edge to edge, of healers without anybody to heal

enum Layer : std::uint8_t { Ground, Air, Giants };

std::uint8_t layerOf(const UnitStats& stats) {
    if (stats.flies) {
        return Air;
    }
    return stats.climbs ? Giants : Ground;
}

bool isHealer(const UnitStats& stats) {
    return stats.effect == Effect::Heal;
}

double damageTo(const UnitStats& weapon, const UnitStats& target) {
    return weapon.damage + (target.light ? weapon.bonusLight : 0.0) + (target.armored ? weapon.bonusArmored : 0.0) +
           (target.structure ? weapon.bonusStructure : 0.0);
}

} // namespace

// ---------------------------------------------------------------- beginning

Vec2 Battle::freePlace(int unit, Vec2 wanted) const {
    const Body& own = body(unit);
    const bool anywhere = own.layer == Air;
    const bool climbs = own.stats->climbs;
    const auto isFree = [&](Vec2 at) {
        const bool onMap = at.x > 0.F && at.y > 0.F && at.x < kMapSize && at.y < kMapSize;
        if (!onMap || (!anywhere && !m_terrain.isWalkable(static_cast<int>(at.x), static_cast<int>(at.y), climbs))) {
            return false;
        }
        for (int other = 0; other < unit; ++other) {
            const float gap = own.separation + body(other).separation;
            if (body(other).layer == own.layer && squaredLength(state(other).position - at) < gap * gap - kTouching) {
                return false;
            }
        }
        return true;
    };
    if (isFree(wanted)) {
        return wanted;
    }
    // Rings around the place, six more places on each.
    for (int ring = 1; ring < 4 * kMapSize; ++ring) {
        const float radius = static_cast<float>(ring) * own.separation;
        const int places = 6 * ring;
        for (int i = 0; i < places; ++i) {
            const float angle = 2.F * std::numbers::pi_v<float> * static_cast<float>(i) / static_cast<float>(places);
            const Vec2 at = wanted + Vec2{std::cos(angle), std::sin(angle)} * radius;
            if (isFree(at)) {
                return at;
            }
        }
    }
    return wanted;
}

Battle::Battle(const Terrain& terrain, Pace pace, std::size_t mostUnits) : m_terrain(terrain), m_pace(pace) {
    m_units.reserve(mostUnits);
    m_minds.reserve(mostUnits);
    m_bodies.reserve(mostUnits);
    m_byX.reserve(mostUnits);
    m_strikes.reserve(mostUnits);
    m_dying.reserve(mostUnits);
    m_struck.reserve(mostUnits);
}

// Allies of a type change places, so that their numbers follow from where they stand. They are alike otherwise.
void Battle::numberAllies() {
    const auto end = m_units.begin() + m_allies;
    for (auto first = m_units.begin(); first != end;) {
        const auto last = std::find_if(first, end, [&](const UnitState& unit) { return unit.type != first->type; });
        std::sort(first, last, [](const UnitState& a, const UnitState& b) {
            return std::tie(a.position.x, a.position.y) < std::tie(b.position.x, b.position.y);
        });
        first = last;
    }
}

// What follows from who they are.
void Battle::fillBodies() {
    m_bodies.clear();
    m_allies = 0;
    m_widest = 0.F;
    for (const UnitState& unit : m_units) {
        const UnitStats& stats = statsOf(unit.type, unit.team);
        m_bodies.push_back({.stats = &stats,
                            .radius = static_cast<float>(stats.radius),
                            .separation = static_cast<float>(stats.separation),
                            .speed = static_cast<float>(stats.speed),
                            .range = static_cast<float>(stats.range),
                            .cooldown = static_cast<int>(std::lround(stats.cooldown * kTicks)),
                            .layer = layerOf(stats)});
        m_allies += unit.team == Team::Ally ? 1 : 0;
        m_widest = std::max(m_widest, m_bodies.back().separation);
    }
}

Result<void> Battle::begin(std::span<const Placement> units, const EnemyPlan& enemies, std::uint64_t seed) {
    m_seed = seed;
    m_plan = enemies;
    m_loops = 0;
    m_units.clear();
    for (const Placement& placement : units) {
        const UnitStats& stats = statsOf(placement.type, placement.team);
        m_units.push_back({.type = placement.type,
                           .team = placement.team,
                           .position = placement.point,
                           .health = static_cast<float>(stats.health),
                           .healthMax = static_cast<float>(stats.health),
                           .shield = static_cast<float>(stats.shield),
                           .shieldMax = static_cast<float>(stats.shield),
                           .energy = static_cast<float>(stats.energyAtStart),
                           .cooldown = 0.F});
    }
    fillBodies();
    for (int unit = 0; unit < count(); ++unit) {
        state(unit).position = freePlace(unit, state(unit).position);
    }
    numberAllies();
    m_minds.assign(m_units.size(), {});
    m_struck.assign(m_units.size(), -1);
    m_strikes.reserve(m_units.size());
    m_dying.reserve(m_units.size());
    m_byX.resize(m_units.size());
    for (int unit = 0; unit < count(); ++unit) {
        m_byX[static_cast<std::size_t>(unit)] = unit;
        if (state(unit).team == Team::Enemy && m_plan.kind == EnemyPlan::Kind::AttackMove) {
            mind(unit).task = Mind::Task::AttackMove;
            mind(unit).point = m_plan.point;
        }
    }
    return {};
}

Result<void> Battle::kill(int unit) {
    if (unit < 0 || unit >= count()) {
        return fail(ErrorCode::Usage, fmt::format("the battle has units 0 to {}, not {}", count() - 1, unit));
    }
    state(unit).health = 0.F;
    state(unit).shield = 0.F;
    std::erase(m_byX, unit);
    return {};
}

Result<void> Battle::step(std::span<const Order> orders, int loops) {
    if (static_cast<int>(orders.size()) != m_allies) {
        return fail(ErrorCode::Usage, fmt::format("{} orders for {} units", orders.size(), m_allies));
    }
    for (const Order& order : orders) {
        const bool hasTarget = order.kind == Order::Kind::Attack || order.kind == Order::Kind::Heal;
        if (hasTarget && (order.target < 0 || order.target >= count())) {
            return fail(ErrorCode::Usage,
                        fmt::format("the battle has units 0 to {}, not {} as a target", count() - 1, order.target));
        }
    }
    for (int unit = 0; unit < m_allies; ++unit) {
        const Order& order = orders[static_cast<std::size_t>(unit)];
        Mind& own = mind(unit);
        switch (order.kind) {
        case Order::Kind::None:
            break;
        case Order::Kind::Stop:
            own.task = Mind::Task::Idle;
            break;
        case Order::Kind::Move:
            own.task = Mind::Task::Walk;
            own.point = order.point;
            break;
        case Order::Kind::Attack:
        case Order::Kind::Heal:
            if (canFollow(unit, order)) {
                own.task = Mind::Task::Chase;
                own.target = order.target;
            }
            break;
        }
    }
    std::ranges::fill(m_struck, -1);
    for (int i = 0; i < loops; ++i) {
        loop();
    }
    return {};
}

bool Battle::canFollow(int unit, const Order& order) const {
    const bool ofTarget = isHealer(*body(unit).stats) == (order.kind == Order::Kind::Heal);
    const bool wantsFriend = order.kind == Order::Kind::Heal;
    const bool isFriend = state(unit).team == state(order.target).team;
    return ofTarget && wantsFriend == isFriend && state(order.target).isAlive() && canHit(unit, order.target);
}

void Battle::loop() {
    if (m_plan.kind == EnemyPlan::Kind::AttackNearest && m_loops % kTellEvery == 0) {
        tellEnemies();
    }
    for (const int unit : m_byX) {
        if (state(unit).team == Team::Enemy) {
            think(unit);
        } else if (mind(unit).task == Mind::Task::Chase) {
            const int target = mind(unit).target;
            mind(unit).aim = state(target).isAlive() ? target : -1;
            mind(unit).task = mind(unit).aim >= 0 ? Mind::Task::Chase : Mind::Task::Idle;
        } else {
            mind(unit).aim = -1;
        }
    }
    walk();
    strike();
    bury();
    recover();
    ++m_loops;
}

// ---------------------------------------------------------------- deciding

void Battle::tellEnemies() {
    for (const int unit : m_byX) {
        Mind& own = mind(unit);
        // Whoever fights somebody of its own choice has something to do.
        if (state(unit).team != Team::Enemy || own.task != Mind::Task::Idle || own.aim >= 0) {
            continue;
        }
        if (const int target = nearestToGoTo(unit); target >= 0) {
            own.task = Mind::Task::Chase;
            own.target = target;
        }
    }
}

// Of fighters the nearest opponent that they can hit, of healers the nearest friend that is none; -1: nobody.
int Battle::nearestToGoTo(int unit) const {
    const bool heals = isHealer(*body(unit).stats);
    int nearest = -1;
    float least = std::numeric_limits<float>::infinity();
    for (int other = 0; other < count(); ++other) {
        const UnitState& candidate = state(other);
        const bool isFriend = candidate.team == state(unit).team;
        const bool fits = heals ? isFriend && !isHealer(*body(other).stats) : !isFriend && canHit(unit, other);
        if (!fits || !candidate.isAlive()) {
            continue;
        }
        const float distance = squaredLength(candidate.position - state(unit).position);
        if (distance < least) {
            least = distance;
            nearest = other;
        }
    }
    return nearest;
}

void Battle::think(int unit) {
    Mind& own = mind(unit);
    if (isHealer(*body(unit).stats)) {
        thinkAsHealer(unit);
        return;
    }
    if (own.task == Mind::Task::Chase) {
        if (state(own.target).isAlive() && canHit(unit, own.target)) {
            own.aim = own.target;
            return;
        }
        own.task = Mind::Task::Idle;
        own.aim = -1;
    }
    if (own.aim >= 0 && !state(own.aim).isAlive()) {
        own.aim = -1;
    }
    // Units look around now and then, not in every loop.
    const bool wantsAim = own.aim < 0 || !isInRange(unit, own.aim);
    const bool looksAround = wantsAim && m_loops % kRescanEvery == unit % kRescanEvery;
    if (looksAround) {
        if (const int found = acquire(unit); found >= 0) {
            own.aim = found;
        }
    }
    // Whoever is shot at from afar goes for the shooter.
    if (own.aim < 0 && own.hurtBy >= 0 && state(own.hurtBy).isAlive() && canHit(unit, own.hurtBy)) {
        own.aim = own.hurtBy;
    }
    own.hurtBy = -1;
}

// The nearest of those that can strike back, else of all that can be hit.
int Battle::acquire(int unit) const {
    const float reach = std::max(body(unit).range, static_cast<float>(kAcquireRange));
    int best = -1;
    bool bestThreatens = false;
    float least = std::numeric_limits<float>::infinity();
    for (int other = 0; other < count(); ++other) {
        const UnitState& candidate = state(other);
        if (candidate.team == state(unit).team || !candidate.isAlive() || !canHit(unit, other)) {
            continue;
        }
        const float distance = edgeDistance(unit, other);
        const bool threatens = canHit(other, unit);
        const bool better = threatens != bestThreatens ? threatens : distance < least;
        if (distance <= reach && (best < 0 || better)) {
            best = other;
            bestThreatens = threatens;
            least = distance;
        }
    }
    return best;
}

// Healers look for the nearest friend that can be healed; else they stay with the nearest friend on their way.
void Battle::thinkAsHealer(int unit) {
    Mind& own = mind(unit);
    own.aim = -1;
    float least = static_cast<float>(kAcquireRange) + body(unit).range;
    for (const int other : m_byX) {
        if (canHit(unit, other) && state(other).health < state(other).healthMax && state(unit).energy > 0.F) {
            const float distance = edgeDistance(unit, other);
            if (distance < least) {
                least = distance;
                own.aim = other;
            }
        }
    }
    if (own.task == Mind::Task::Chase && !state(own.target).isAlive()) {
        own.task = Mind::Task::Idle;
    }
}

bool Battle::canHit(int attacker, int target) const {
    const UnitStats& weapon = *body(attacker).stats;
    const bool mayBe = !isHealer(weapon) ||
                       (attacker != target && state(attacker).team == state(target).team && state(target).isAlive());
    return mayBe && smac::canHit(weapon, *body(target).stats);
}

float Battle::edgeDistance(int a, int b) const {
    return std::sqrt(squaredLength(state(a).position - state(b).position)) - body(a).radius - body(b).radius;
}

bool Battle::isInRange(int attacker, int target) const {
    const float reach = body(attacker).range + body(attacker).radius + body(target).radius;
    return squaredLength(state(attacker).position - state(target).position) <= reach * reach;
}

// ---------------------------------------------------------------- walking

Vec2 Battle::goalOf(int unit, bool& going) {
    Mind& own = mind(unit);
    const Vec2 here = state(unit).position;
    going = true;
    own.stands = false;
    if (own.aim >= 0) {
        own.stands = isInRange(unit, own.aim);
        going = !own.stands;
        return state(own.aim).position;
    }
    switch (own.task) {
    case Mind::Task::Walk:
    case Mind::Task::AttackMove:
        if (squaredLength(own.point - here) <= kArrived * kArrived) {
            own.task = Mind::Task::Idle;
            going = false;
        }
        return own.point;
    case Mind::Task::Chase: // of a healer whom nobody needs
        going = edgeDistance(unit, own.target) > kHealerFollows;
        return state(own.target).position;
    case Mind::Task::Idle:
        break;
    }
    going = false;
    return here;
}

void Battle::walk() {
    for (const int unit : m_byX) {
        UnitState& own = state(unit);
        const Body& form = body(unit);
        bool going = false;
        const Vec2 goal = goalOf(unit, going);
        if (!going || form.speed <= 0.F) {
            continue;
        }
        const bool flies = form.layer == Air;
        const Vec2 next = flies ? goal : m_terrain.heading(own.position, goal, form.stats->climbs);
        const Vec2 way = next - own.position;
        const float distance = std::sqrt(squaredLength(way));
        const Vec2 to = distance <= form.speed ? next : own.position + way * (form.speed / distance);
        own.position = flies ? Vec2{std::clamp(to.x, 0.F, static_cast<float>(kMapSize)),
                                    std::clamp(to.y, 0.F, static_cast<float>(kMapSize))}
                             : m_terrain.stepped(own.position, to, form.stats->climbs);
    }
    separate();
}

void Battle::separate() {
    // Nearly in order already: they moved by less than their size.
    for (std::size_t i = 1; i < m_byX.size(); ++i) {
        const int unit = m_byX[i];
        const float x = state(unit).position.x;
        std::size_t place = i;
        for (; place > 0 && state(m_byX[place - 1]).position.x > x; --place) {
            m_byX[place] = m_byX[place - 1];
        }
        m_byX[place] = unit;
    }
    for (int pass = 0; pass < kRelaxations; ++pass) {
        bool overlap = false;
        for (std::size_t i = 0; i < m_byX.size(); ++i) {
            const int a = m_byX[i];
            const float reach = body(a).separation + m_widest;
            for (std::size_t j = i + 1; j < m_byX.size(); ++j) {
                const int b = m_byX[j];
                // The order may be off by what this pass has pushed: less than a radius.
                if (state(b).position.x - state(a).position.x > reach + m_widest) {
                    break;
                }
                if (body(a).layer != body(b).layer) {
                    continue;
                }
                const float gap = body(a).separation + body(b).separation;
                if (squaredLength(state(b).position - state(a).position) < gap * gap - kTouching) {
                    push(a, b);
                    overlap = true;
                }
            }
        }
        if (!overlap) {
            break;
        }
    }
}

void Battle::push(int a, int b) {
    const auto yields = [this](int unit) {
        if (body(unit).speed <= 0.F) {
            return 0.F;
        }
        return mind(unit).stands ? kStandingShare : 1.F;
    };
    const float shareA = yields(a);
    const float shareB = yields(b);
    if (shareA + shareB <= 0.F) {
        return;
    }
    Vec2 apart = state(b).position - state(a).position;
    float distance = std::sqrt(squaredLength(apart));
    if (distance < kArrived) { // in one place: any direction that differs from pair to pair
        const float angle = static_cast<float>(a * 31 + b * 17);
        apart = {std::cos(angle), std::sin(angle)};
        distance = 1.F;
    }
    const float overlap =
        body(a).separation + body(b).separation - std::sqrt(squaredLength(state(b).position - state(a).position));
    const Vec2 away = apart * (overlap / distance / (shareA + shareB));
    const auto shift = [this](int unit, Vec2 by) {
        UnitState& own = state(unit);
        const Vec2 to = own.position + by;
        own.position = body(unit).layer == Air ? Vec2{std::clamp(to.x, 0.F, static_cast<float>(kMapSize)),
                                                      std::clamp(to.y, 0.F, static_cast<float>(kMapSize))}
                                               : m_terrain.stepped(own.position, to, body(unit).stats->climbs);
    };
    shift(a, away * -shareA);
    shift(b, away * shareB);
}

// ---------------------------------------------------------------- striking

void Battle::strike() {
    m_strikes.clear();
    CounterRng chance({m_seed, "battle", static_cast<std::uint64_t>(m_loops)});
    for (const int unit : m_byX) {
        const int aim = mind(unit).aim;
        UnitState& own = state(unit);
        if (aim < 0 || !state(aim).isAlive() || !canHit(unit, aim) || !isInRange(unit, aim)) {
            continue;
        }
        if (isHealer(*body(unit).stats)) {
            if (own.energy > 0.F && state(aim).health < state(aim).healthMax) {
                m_strikes.push_back({unit, aim});
            }
        } else if (mind(unit).wait <= 0) {
            // What is left of a loop carries over, so that the mean pace is that of the table.
            mind(unit).wait += body(unit).cooldown;
            if (m_pace == Pace::Uneven) {
                mind(unit).wait += static_cast<int>(chance.below(3 * kTicks + 1)) - kTicks;
            }
            m_strikes.push_back({unit, aim});
        }
    }
    // Healing lands first: in another order, whether it still finds something to heal, or brings back somebody whom
    // this loop kills, would follow from who stands where.
    for (const bool healing : {true, false}) {
        for (const Strike& strike : m_strikes) {
            if (isHealer(*body(strike.attacker).stats) == healing) {
                m_struck[static_cast<std::size_t>(strike.attacker)] = strike.target;
                land(strike);
            }
        }
    }
}

void Battle::land(const Strike& strike) {
    const UnitStats& weapon = *body(strike.attacker).stats;
    UnitState& target = state(strike.target);
    switch (weapon.effect) {
    case Effect::Heal: {
        UnitState& healer = state(strike.attacker);
        const double given = std::min({kHealPerLoop, static_cast<double>(target.healthMax - target.health),
                                       static_cast<double>(healer.energy) * kHealPerEnergy});
        target.health += static_cast<float>(given);
        healer.energy = std::max(0.F, healer.energy - static_cast<float>(given / kHealPerEnergy));
        return;
    }
    case Effect::Hit:
        hurt(strike.target, strike.attacker, damageTo(weapon, *body(strike.target).stats), weapon);
        return;
    case Effect::Explode:
        // It dies of it; bury() has the blast.
        state(strike.attacker).health = std::min(state(strike.attacker).health, 0.F);
        return;
    case Effect::Line:
        break;
    }
    // Across the line of fire, centred on the target.
    const Vec2 centre = target.position;
    Vec2 along = centre - state(strike.attacker).position;
    const float length = std::sqrt(squaredLength(along));
    along = length > kArrived ? along * (1.F / length) : Vec2{1.F, 0.F};
    const Team victims = target.team;
    for (const int unit : m_byX) {
        if (state(unit).team != victims || !canHit(strike.attacker, unit)) {
            continue;
        }
        const Vec2 offset = state(unit).position - centre;
        const float alongBy = std::abs(offset.x * along.x + offset.y * along.y);
        const float acrossBy = std::abs(offset.x * -along.y + offset.y * along.x);
        const float beyondAlong = std::max(0.F, alongBy - static_cast<float>(kLineDepth) / 2.F);
        const float beyondAcross = std::max(0.F, acrossBy - static_cast<float>(kLineWidth) / 2.F);
        const float radius = body(unit).radius;
        if (beyondAlong * beyondAlong + beyondAcross * beyondAcross <= radius * radius) {
            hurt(unit, strike.attacker, damageTo(weapon, *body(unit).stats), weapon);
        }
    }
}

void Battle::hurt(int unit, int attacker, double damage, const UnitStats& weapon) {
    UnitState& own = state(unit);
    Mind& memory = mind(unit);
    for (int hit = 0; hit < weapon.hits; ++hit) {
        const double absorbed = std::min(damage, static_cast<double>(own.shield));
        own.shield -= static_cast<float>(absorbed);
        if (damage > absorbed) {
            own.health -= static_cast<float>(std::max(kSmallestHit, damage - absorbed - body(unit).stats->armor));
        }
    }
    memory.sinceHurt = 0;
    memory.hurtBy = attacker;
}

void Battle::explode(int unit) {
    const UnitStats& weapon = *body(unit).stats;
    for (const int other : m_byX) {
        if (state(other).team == state(unit).team || !canHit(unit, other)) {
            continue;
        }
        const float reach = static_cast<float>(kBlastRadius) + body(other).radius;
        if (squaredLength(state(other).position - state(unit).position) <= reach * reach) {
            hurt(other, unit, damageTo(weapon, *body(other).stats), weapon);
        }
    }
}

// The dead leave; those that burst when they die do so, and who dies of that leaves, too.
void Battle::bury() {
    for (;;) {
        m_dying.clear();
        for (const int unit : m_byX) {
            if (!state(unit).isAlive()) {
                m_dying.push_back(unit);
            }
        }
        if (m_dying.empty()) {
            return;
        }
        std::erase_if(m_byX, [this](int unit) { return !state(unit).isAlive(); });
        for (const int unit : m_dying) {
            state(unit).health = 0.F;
            state(unit).shield = 0.F;
            if (body(unit).stats->effect == Effect::Explode) {
                explode(unit);
            }
        }
    }
}

void Battle::recover() {
    for (const int unit : m_byX) {
        const UnitStats& stats = *body(unit).stats;
        UnitState& own = state(unit);
        Mind& memory = mind(unit);
        memory.wait = memory.wait > 0 ? memory.wait - kTicks : 0;
        own.cooldown = static_cast<float>(std::max(memory.wait, 0)) / static_cast<float>(kTicks);
        if (stats.healthPerLoop > 0.0) {
            own.health = std::min(own.healthMax, own.health + static_cast<float>(stats.healthPerLoop));
        }
        if (stats.energyMax > 0.0) {
            own.energy =
                std::min(static_cast<float>(stats.energyMax), own.energy + static_cast<float>(stats.energyPerLoop));
        }
        if (own.shield < own.shieldMax && memory.sinceHurt >= kShieldDelay) {
            own.shield = std::min(own.shieldMax, own.shield + static_cast<float>(kShieldPerLoop));
        }
        memory.sinceHurt = std::min(memory.sinceHurt + 1, kShieldDelay);
    }
}

} // namespace knife::smac
