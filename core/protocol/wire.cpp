// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/protocol/wire.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <initializer_list>
#include <type_traits>
#include <utility>

#include <control.pb.h>
#include <fmt/format.h>

namespace knife {
namespace {

// Enumerators go over as their numbers; a new one must be added on both sides.
static_assert(static_cast<int>(ErrorCode::Internal) == wire::ErrorCode_MAX);
static_assert(static_cast<int>(RunState::Interrupted) == wire::RunState_MAX);
static_assert(static_cast<int>(Notice::Level::Error) == wire::NoticeLevel_MAX);
static_assert(static_cast<int>(BoardView::Kind::Wall) == wire::PieceKind_MAX);
static_assert(static_cast<int>(BattleView::Ground::Cliff) == wire::BattleGround_MAX);
static_assert(static_cast<int>(PlaneView::Kind::Landmark) == wire::PlaneKind_MAX);
static_assert(static_cast<int>(OptimiserPolicy::ResetAll) == wire::OptimiserPolicy_MAX);
static_assert(static_cast<int>(TargetPolicy::None) == wire::TargetPolicy_MAX);
static_assert(std::variant_size_v<CommandBody> == 9);
static_assert(std::variant_size_v<Message> == 7);

// put() fills a wire message from a value; get() does the reverse and is false when the bytes make no sense as a value.

template <typename Wire, typename Value>
Wire enumTo(Value value) {
    return static_cast<Wire>(static_cast<int>(value));
}

template <typename Value, typename Wire>
bool enumFrom(bool valid, Wire wire, Value& value) {
    value = static_cast<Value>(wire);
    return valid;
}

template <typename Field, typename Value>
void putAll(Field* field, const std::vector<Value>& values) {
    field->Assign(values.begin(), values.end());
}

template <typename Field, typename Value>
void getAll(const Field& field, std::vector<Value>& values) {
    values.assign(field.begin(), field.end());
}

void put(wire::Clocks* out, const Clocks& in) {
    out->set_update(in.update.value);
    out->set_env_step(in.envStep.value);
    out->set_episode(in.episode.value);
    out->set_wall_s(in.wallS);
}

Clocks get(const wire::Clocks& in) {
    return {UpdateStep{in.update()}, EnvStep{in.env_step()}, Episode{in.episode()}, in.wall_s()};
}

void put(wire::Error* out, const Error& in) {
    out->set_code(enumTo<wire::ErrorCode>(in.code));
    out->set_message(in.message);
    for (const std::string& line : in.context) {
        out->add_context(line);
    }
}

bool get(const wire::Error& in, Error& out) {
    out.message = in.message();
    getAll(in.context(), out.context);
    return enumFrom(wire::ErrorCode_IsValid(in.code()), in.code(), out.code);
}

void put(wire::SurgeryPlan* out, const SurgeryPlan& in) {
    out->set_intervention(in.intervention);
    out->set_reason(in.reason);
    for (const SiteOperation& operation : in.operations) {
        wire::SiteOperation* site = out->add_operations();
        site->set_site(operation.site);
        putAll(site->mutable_units(), operation.units);
        putAll(site->mutable_values(), operation.values);
        putAll(site->mutable_partners(), operation.partners);
        putAll(site->mutable_groups(), operation.groups);
    }
    for (const std::string& module : in.modules) {
        out->add_modules(module);
    }
    out->set_operation(in.operation);
    out->set_settings(in.settings);
    out->set_optimiser(enumTo<wire::OptimiserPolicy>(in.optimiser));
    out->set_target(enumTo<wire::TargetPolicy>(in.target));
}

bool get(const wire::SurgeryPlan& in, SurgeryPlan& out) {
    out.intervention = in.intervention();
    out.reason = in.reason();
    out.operations.clear();
    for (const wire::SiteOperation& site : in.operations()) {
        SiteOperation& operation = out.operations.emplace_back();
        operation.site = site.site();
        getAll(site.units(), operation.units);
        getAll(site.values(), operation.values);
        getAll(site.partners(), operation.partners);
        getAll(site.groups(), operation.groups);
    }
    getAll(in.modules(), out.modules);
    out.operation = in.operation().empty() ? "compose" : in.operation();
    out.settings = in.settings();
    return enumFrom(wire::OptimiserPolicy_IsValid(in.optimiser()), in.optimiser(), out.optimiser) &&
           enumFrom(wire::TargetPolicy_IsValid(in.target()), in.target(), out.target);
}

void put(wire::SiteReceipt* out, const SiteReceipt& in) {
    out->set_site(in.site);
    putAll(out->mutable_units(), in.units);
    out->set_kind(in.kind);
    putAll(out->mutable_rua_before(), in.ruaBefore);
    out->set_frozen_parameters(in.frozenParameters);
    out->set_trainable_parameters(in.trainableParameters);
}

void get(const wire::SiteReceipt& in, SiteReceipt& out) {
    out.site = in.site();
    getAll(in.units(), out.units);
    out.kind = in.kind();
    getAll(in.rua_before(), out.ruaBefore);
    out.frozenParameters = in.frozen_parameters();
    out.trainableParameters = in.trainable_parameters();
}

void put(wire::SurgeryReceipt* out, const SurgeryReceipt& in) {
    out->set_event(in.event);
    put(out->mutable_clocks(), in.clocks);
    put(out->mutable_plan(), in.plan);
    for (const SiteReceipt& site : in.sites) {
        put(out->add_sites(), site);
    }
    wire::OutputChange* change = out->mutable_change();
    change->set_q(in.change.q);
    change->set_q_tot(in.change.qTot);
    change->set_target_q_tot(in.change.targetQTot);
    change->set_loss(in.change.loss);
    change->set_episodes(in.change.episodes);
}

bool get(const wire::SurgeryReceipt& in, SurgeryReceipt& out) {
    out.event = in.event();
    out.clocks = get(in.clocks());
    out.sites.clear();
    for (const wire::SiteReceipt& site : in.sites()) {
        get(site, out.sites.emplace_back());
    }
    const wire::OutputChange& change = in.change();
    out.change = {change.q(), change.q_tot(), change.target_q_tot(), change.loss(), change.episodes()};
    return get(in.plan(), out.plan);
}

void put(wire::CompositeInfo* out, const CompositeInfo& in) {
    out->set_unit(in.unit);
    out->set_events(in.events);
    out->set_knowledge_rms(in.knowledgeRms);
    out->set_active_rms(in.activeRms);
    out->set_compensation_rms(in.compensationRms);
    out->set_drift_rms(in.driftRms);
}

CompositeInfo get(const wire::CompositeInfo& in) {
    return {in.unit(), in.events(), in.knowledge_rms(), in.active_rms(), in.compensation_rms(), in.drift_rms()};
}

void put(wire::SiteSnapshot* out, const SiteSnapshot& in) {
    out->set_name(in.name);
    out->set_units(in.units);
    out->set_accepts_composites(in.acceptsComposites);
    out->set_refusal(in.refusal);
    for (const UnitDiagnostic& diagnostic : in.diagnostics) {
        wire::UnitDiagnostic* column = out->add_diagnostics();
        column->set_name(diagnostic.name);
        putAll(column->mutable_values(), diagnostic.values);
    }
    for (const CompositeInfo& composite : in.composites) {
        put(out->add_composites(), composite);
    }
}

void get(const wire::SiteSnapshot& in, SiteSnapshot& out) {
    out.name = in.name();
    out.units = in.units();
    out.acceptsComposites = in.accepts_composites();
    out.refusal = in.refusal();
    out.diagnostics.clear();
    for (const wire::UnitDiagnostic& column : in.diagnostics()) {
        UnitDiagnostic& diagnostic = out.diagnostics.emplace_back();
        diagnostic.name = column.name();
        getAll(column.values(), diagnostic.values);
    }
    out.composites.clear();
    for (const wire::CompositeInfo& composite : in.composites()) {
        out.composites.push_back(get(composite));
    }
}

void put(wire::NeuronFrame* out, const NeuronFrame& in) {
    put(out->mutable_clocks(), in.clocks);
    out->set_stale_below(in.staleBelow);
    out->set_volatile_above(in.volatileAbove);
    for (const SiteSnapshot& site : in.sites) {
        put(out->add_sites(), site);
    }
}

void get(const wire::NeuronFrame& in, NeuronFrame& out) {
    out.clocks = get(in.clocks());
    out.staleBelow = in.stale_below();
    out.volatileAbove = in.volatile_above();
    out.sites.clear();
    for (const wire::SiteSnapshot& site : in.sites()) {
        get(site, out.sites.emplace_back());
    }
}

void put(wire::MatrixView* out, const MatrixView& in) {
    out->set_title(in.title);
    putAll(out->mutable_shape(), in.shape);
    putAll(out->mutable_payoff(), in.payoff);
    putAll(out->mutable_learned_q_tot(), in.learnedQTot);
    for (const std::vector<float>& utilities : in.learnedQ) {
        putAll(out->add_learned_q()->mutable_q(), utilities);
    }
    putAll(out->mutable_last_actions(), in.lastActions);
}

void get(const wire::MatrixView& in, MatrixView& out) {
    out.title = in.title();
    getAll(in.shape(), out.shape);
    getAll(in.payoff(), out.payoff);
    getAll(in.learned_q_tot(), out.learnedQTot);
    out.learnedQ.clear();
    for (const wire::AgentUtilities& utilities : in.learned_q()) {
        getAll(utilities.q(), out.learnedQ.emplace_back());
    }
    getAll(in.last_actions(), out.lastActions);
}

void put(wire::BoardView* out, const BoardView& in) {
    out->set_rows(in.rows);
    out->set_columns(in.columns);
    out->set_sight_radius(in.sightRadius);
    out->set_toroidal(in.toroidal);
    for (const BoardView::Piece& piece : in.pieces) {
        wire::Piece* copy = out->add_pieces();
        copy->set_kind(enumTo<wire::PieceKind>(piece.kind));
        copy->set_id(piece.id);
        copy->set_row(piece.row);
        copy->set_column(piece.column);
        copy->set_active(piece.active);
        copy->set_action(piece.action);
    }
    for (const std::string& name : in.actionNames) {
        out->add_action_names(name);
    }
}

bool get(const wire::BoardView& in, BoardView& out) {
    out.rows = in.rows();
    out.columns = in.columns();
    out.sightRadius = in.sight_radius();
    out.toroidal = in.toroidal();
    out.pieces.clear();
    for (const wire::Piece& piece : in.pieces()) {
        BoardView::Piece& copy = out.pieces.emplace_back();
        if (!enumFrom(wire::PieceKind_IsValid(piece.kind()), piece.kind(), copy.kind)) {
            return false;
        }
        copy.id = piece.id();
        copy.row = piece.row();
        copy.column = piece.column();
        copy.active = piece.active();
        copy.action = piece.action();
    }
    getAll(in.action_names(), out.actionNames);
    return true;
}

void put(wire::BattleView* out, const BattleView& in) {
    out->set_width(in.width);
    out->set_height(in.height);
    for (const BattleView::Ground ground : in.ground) {
        out->add_ground(enumTo<wire::BattleGround>(ground));
    }
    putAll(out->mutable_heights(), in.heights);
    out->set_cone_angle(in.coneAngle);
    for (const BattleView::Unit& unit : in.units) {
        wire::BattleUnit* copy = out->add_units();
        copy->set_type(unit.type);
        copy->set_ally(unit.ally);
        copy->set_flies(unit.flies);
        copy->set_x(unit.x);
        copy->set_y(unit.y);
        copy->set_radius(unit.radius);
        copy->set_health(unit.health);
        copy->set_health_max(unit.healthMax);
        copy->set_shield(unit.shield);
        copy->set_shield_max(unit.shieldMax);
        copy->set_energy(unit.energy);
        copy->set_energy_max(unit.energyMax);
        copy->set_sight(unit.sight);
        copy->set_reach(unit.reach);
        copy->set_facing(unit.facing);
        copy->set_action(unit.action);
        copy->set_struck(unit.struck);
        copy->set_heals(unit.heals);
    }
    for (const std::string& name : in.actionNames) {
        out->add_action_names(name);
    }
}

// Pictures go straight to painters, which must not be asked for a million units, or to draw one at NaN.
constexpr int kMostCellsAside = 512;
constexpr int kMostFigures = 4096; // units, bodies
constexpr float kFurthest = 1e6F;  // of any coordinate or amount
// Tables get a row for each of these; the largest grids that agents can see whole have a quarter of them.
constexpr int kMostFeatures = 1 << 20;
constexpr int kMostActions = 1 << 16;
constexpr std::size_t kLongestName = 200;

bool areSane(std::initializer_list<float> values) {
    return std::ranges::all_of(values, [](float value) { return std::abs(value) <= kFurthest; }); // not of NaN
}

bool areAmounts(std::initializer_list<float> values) {
    return areSane(values) && std::ranges::all_of(values, [](float value) { return value >= 0.F; });
}

bool get(const wire::BattleUnit& in, int units, BattleView::Unit& out) {
    out = {.type = in.type(),
           .ally = in.ally(),
           .flies = in.flies(),
           .x = in.x(),
           .y = in.y(),
           .radius = in.radius(),
           .health = in.health(),
           .healthMax = in.health_max(),
           .shield = in.shield(),
           .shieldMax = in.shield_max(),
           .energy = in.energy(),
           .energyMax = in.energy_max(),
           .sight = in.sight(),
           .reach = in.reach(),
           .facing = in.facing(),
           .action = in.action(),
           .struck = in.struck(),
           .heals = in.heals()};
    return areSane({out.x, out.y, out.facing}) &&
           areAmounts({out.radius, out.health, out.healthMax, out.shield, out.shieldMax, out.energy, out.energyMax,
                       out.sight, out.reach}) &&
           out.action >= -1 && out.struck >= -1 && out.struck < units;
}

template <typename Field>
bool areNames(const Field& names, int most) {
    return names.size() <= most &&
           std::ranges::all_of(names, [](const std::string& name) { return name.size() <= kLongestName; });
}

bool get(const wire::BattleView& in, BattleView& out) {
    out.width = in.width();
    out.height = in.height();
    if (out.width < 0 || out.width > kMostCellsAside || out.height < 0 || out.height > kMostCellsAside ||
        out.width * out.height != in.ground_size() || in.heights_size() != in.ground_size() ||
        in.units_size() > kMostFigures || !areNames(in.action_names(), kMostActions)) {
        return false;
    }
    out.ground.clear();
    out.ground.reserve(static_cast<std::size_t>(in.ground_size()));
    for (const int ground : in.ground()) {
        if (!enumFrom(wire::BattleGround_IsValid(ground), ground, out.ground.emplace_back())) {
            return false;
        }
    }
    getAll(in.heights(), out.heights);
    out.coneAngle = in.cone_angle();
    const auto isHeight = [](float height) {
        return height >= 0.F && height <= 1.F;
    };
    if (!std::ranges::all_of(out.heights, isHeight) || !areAmounts({out.coneAngle})) {
        return false;
    }
    out.units.clear();
    out.units.reserve(static_cast<std::size_t>(in.units_size()));
    for (const wire::BattleUnit& unit : in.units()) {
        if (!get(unit, in.units_size(), out.units.emplace_back())) {
            return false;
        }
    }
    getAll(in.action_names(), out.actionNames);
    return true;
}

void put(wire::PlaneView* out, const PlaneView& in) {
    out->set_sight(in.sight);
    for (const PlaneView::Body& body : in.bodies) {
        wire::PlaneBody* copy = out->add_bodies();
        copy->set_kind(enumTo<wire::PlaneKind>(body.kind));
        copy->set_id(body.id);
        copy->set_x(body.x);
        copy->set_y(body.y);
        copy->set_radius(body.radius);
        copy->set_velocity_x(body.velocityX);
        copy->set_velocity_y(body.velocityY);
        copy->set_caught(body.caught);
        copy->set_action(body.action);
    }
    for (const std::string& name : in.actionNames) {
        out->add_action_names(name);
    }
}

bool get(const wire::PlaneBody& in, PlaneView::Body& out) {
    out = {.id = in.id(),
           .x = in.x(),
           .y = in.y(),
           .radius = in.radius(),
           .velocityX = in.velocity_x(),
           .velocityY = in.velocity_y(),
           .caught = in.caught(),
           .action = in.action()};
    return enumFrom(wire::PlaneKind_IsValid(in.kind()), in.kind(), out.kind) && out.id >= 0 && out.action >= -1 &&
           areSane({out.x, out.y, out.velocityX, out.velocityY}) && areAmounts({out.radius});
}

bool get(const wire::PlaneView& in, PlaneView& out) {
    out.sight = in.sight();
    if (!areAmounts({out.sight}) || in.bodies_size() > kMostFigures || !areNames(in.action_names(), kMostActions)) {
        return false;
    }
    out.bodies.clear();
    out.bodies.reserve(static_cast<std::size_t>(in.bodies_size()));
    for (const wire::PlaneBody& body : in.bodies()) {
        if (!get(body, out.bodies.emplace_back())) {
            return false;
        }
    }
    getAll(in.action_names(), out.actionNames);
    return true;
}

void put(wire::Choice* out, const ChoiceView& in) {
    putAll(out->mutable_observation(), in.observation);
    putAll(out->mutable_values(), in.values);
    out->set_legal(std::string(in.legal.begin(), in.legal.end()));
    out->set_action(in.action);
}

// Values may be NaN: of a network that has diverged, that is what there is to see.
bool get(const wire::Choice& in, ChoiceView& out) {
    getAll(in.observation(), out.observation);
    getAll(in.values(), out.values);
    out.legal.assign(in.legal().begin(), in.legal().end());
    out.action = in.action();
    return in.observation_size() <= kMostFeatures && in.values_size() <= kMostActions &&
           out.legal.size() == out.values.size() && out.action >= -1 &&
           out.action < static_cast<std::int64_t>(out.values.size());
}

void put(wire::EnvView* out, const EnvView& in) {
    out->set_env_name(in.envName);
    out->set_task(in.task);
    out->set_step(in.step);
    out->set_episode_limit(in.episodeLimit);
    out->set_last_reward(in.lastReward);
    out->set_episode_return(in.episodeReturn);
    out->set_greedy(in.greedy);
    if (const auto* matrix = std::get_if<MatrixView>(&in.scene)) {
        put(out->mutable_matrix(), *matrix);
    } else if (const auto* board = std::get_if<BoardView>(&in.scene)) {
        put(out->mutable_board(), *board);
    } else if (const auto* battle = std::get_if<BattleView>(&in.scene)) {
        put(out->mutable_battle(), *battle);
    } else if (const auto* plane = std::get_if<PlaneView>(&in.scene)) {
        put(out->mutable_plane(), *plane);
    }
    for (const std::string& name : in.featureNames) {
        out->add_feature_names(name);
    }
    for (const ChoiceView& choice : in.choices) {
        put(out->add_choices(), choice);
    }
}

bool getScene(const wire::EnvView& in, EnvView& out) {
    switch (in.scene_case()) {
    case wire::EnvView::kMatrix:
        get(in.matrix(), out.scene.emplace<MatrixView>());
        return true;
    case wire::EnvView::kBoard:
        return get(in.board(), out.scene.emplace<BoardView>());
    case wire::EnvView::kBattle:
        return get(in.battle(), out.scene.emplace<BattleView>());
    case wire::EnvView::kPlane:
        return get(in.plane(), out.scene.emplace<PlaneView>());
    case wire::EnvView::SCENE_NOT_SET:
        break;
    }
    out.scene = std::monostate();
    return true;
}

bool get(const wire::EnvView& in, EnvView& out) {
    out.envName = in.env_name();
    out.task = in.task();
    out.step = in.step();
    out.episodeLimit = in.episode_limit();
    out.lastReward = in.last_reward();
    out.episodeReturn = in.episode_return();
    out.greedy = in.greedy();
    getAll(in.feature_names(), out.featureNames);
    out.choices.clear();
    if (in.choices_size() > kMostFigures || !areNames(in.feature_names(), kMostFeatures)) {
        return false;
    }
    for (const wire::Choice& choice : in.choices()) {
        if (!get(choice, out.choices.emplace_back())) {
            return false;
        }
    }
    return getScene(in, out);
}

void put(wire::Snapshot* out, const Snapshot& in) {
    out->set_state(enumTo<wire::RunState>(in.state));
    put(out->mutable_clocks(), in.clocks);
    out->set_total_env_steps(in.totalEnvSteps);
    out->set_env_steps_per_s(in.envStepsPerS);
    out->set_updates_per_s(in.updatesPerS);
    out->set_memory_bytes(in.memoryBytes);
    out->set_task(in.task);
    put(out->mutable_neurons(), in.neurons);
    put(out->mutable_env(), in.env);
}

bool get(const wire::Snapshot& in, Snapshot& out) {
    out.clocks = get(in.clocks());
    out.totalEnvSteps = in.total_env_steps();
    out.envStepsPerS = in.env_steps_per_s();
    out.updatesPerS = in.updates_per_s();
    out.memoryBytes = in.memory_bytes();
    out.task = in.task();
    get(in.neurons(), out.neurons);
    return enumFrom(wire::RunState_IsValid(in.state()), in.state(), out.state) && get(in.env(), out.env);
}

// One overload per command, so that a new kind of command does not compile until it has a place on the wire.
void putBody(wire::Command* out, const ContinueCommand&) {
    out->mutable_continue_();
}
void putBody(wire::Command* out, const PauseCommand&) {
    out->mutable_pause();
}
void putBody(wire::Command* out, const StepCommand& in) {
    out->mutable_step()->set_updates(in.updates);
}
void putBody(wire::Command* out, const RunToCommand& in) {
    out->mutable_run_to()->set_env_step(in.envStep.value);
}
void putBody(wire::Command* out, const EvaluateCommand&) {
    out->mutable_evaluate();
}
void putBody(wire::Command* out, const CheckpointCommand&) {
    out->mutable_checkpoint();
}
void putBody(wire::Command* out, const OperateCommand& in) {
    put(out->mutable_operate(), in.plan);
}
void putBody(wire::Command* out, const UndoCommand&) {
    out->mutable_undo();
}
void putBody(wire::Command* out, const StopCommand&) {
    out->mutable_stop();
}

bool getBody(const wire::Command& in, CommandBody& out) {
    switch (in.body_case()) {
    case wire::Command::kContinue:
        out = ContinueCommand();
        return true;
    case wire::Command::kPause:
        out = PauseCommand();
        return true;
    case wire::Command::kStep:
        out = StepCommand{in.step().updates()};
        return true;
    case wire::Command::kRunTo:
        out = RunToCommand{EnvStep{in.run_to().env_step()}};
        return true;
    case wire::Command::kEvaluate:
        out = EvaluateCommand();
        return true;
    case wire::Command::kCheckpoint:
        out = CheckpointCommand();
        return true;
    case wire::Command::kOperate:
        return get(in.operate(), out.emplace<OperateCommand>().plan);
    case wire::Command::kUndo:
        out = UndoCommand();
        return true;
    case wire::Command::kStop:
        out = StopCommand();
        return true;
    case wire::Command::BODY_NOT_SET:
        return false;
    }
    return false;
}

void putMessage(wire::Envelope& out, const Hello& in) {
    wire::Hello* hello = out.mutable_hello();
    hello->set_version(in.version);
    hello->set_program(in.program);
    hello->set_run(in.run.value);
}

void putMessage(wire::Envelope& out, const Command& in) {
    wire::Command* command = out.mutable_command();
    command->set_id(in.id.value);
    std::visit([command](const auto& body) { putBody(command, body); }, in.body);
}

void putMessage(wire::Envelope& out, const CommandResult& in) {
    wire::CommandResult* result = out.mutable_command_result();
    result->set_id(in.id.value);
    if (in.error) {
        put(result->mutable_error(), *in.error);
    }
    if (in.receipt) {
        put(result->mutable_receipt(), *in.receipt);
    }
    result->set_text(in.text);
}

void putMessage(wire::Envelope& out, const StateChanged& in) {
    wire::StateChanged* state = out.mutable_state_changed();
    state->set_state(enumTo<wire::RunState>(in.state));
    put(state->mutable_clocks(), in.clocks);
    state->set_reason(in.reason);
}

void putMessage(wire::Envelope& out, const Notice& in) {
    wire::Notice* notice = out.mutable_notice();
    notice->set_level(enumTo<wire::NoticeLevel>(in.level));
    put(notice->mutable_clocks(), in.clocks);
    notice->set_text(in.text);
}

void putMessage(wire::Envelope& out, const SnapshotRequest&) {
    out.mutable_snapshot_request();
}
void putMessage(wire::Envelope& out, const Snapshot& in) {
    put(out.mutable_snapshot(), in);
}

bool get(const wire::CommandResult& in, CommandResult& out) {
    out.id = CommandId{in.id()};
    out.text = in.text();
    return (!in.has_error() || get(in.error(), out.error.emplace())) &&
           (!in.has_receipt() || get(in.receipt(), out.receipt.emplace()));
}

bool get(const wire::Envelope& in, Message& out) {
    switch (in.message_case()) {
    case wire::Envelope::kHello:
        out = Hello{in.hello().version(), in.hello().program(), RunId{in.hello().run()}};
        return true;
    case wire::Envelope::kCommand: {
        Command& command = out.emplace<Command>();
        command.id = CommandId{in.command().id()};
        return getBody(in.command(), command.body);
    }
    case wire::Envelope::kCommandResult:
        return get(in.command_result(), out.emplace<CommandResult>());
    case wire::Envelope::kStateChanged: {
        StateChanged& state = out.emplace<StateChanged>();
        state.clocks = get(in.state_changed().clocks());
        state.reason = in.state_changed().reason();
        const wire::RunState number = in.state_changed().state();
        return enumFrom(wire::RunState_IsValid(number), number, state.state);
    }
    case wire::Envelope::kNotice: {
        Notice& notice = out.emplace<Notice>();
        notice.clocks = get(in.notice().clocks());
        notice.text = in.notice().text();
        return enumFrom(wire::NoticeLevel_IsValid(in.notice().level()), in.notice().level(), notice.level);
    }
    case wire::Envelope::kSnapshotRequest:
        out = SnapshotRequest();
        return true;
    case wire::Envelope::kSnapshot:
        return get(in.snapshot(), out.emplace<Snapshot>());
    case wire::Envelope::MESSAGE_NOT_SET:
        return false;
    }
    return false;
}

constexpr std::size_t kLengthBytes = 4;

std::array<char, kLengthBytes> littleEndian(std::size_t length) {
    std::array<char, kLengthBytes> bytes{};
    for (std::size_t i = 0; i < kLengthBytes; ++i) {
        bytes[i] = static_cast<char>((length >> (8U * i)) & 0xFFU);
    }
    return bytes;
}

std::size_t fromLittleEndian(const char* bytes) {
    std::size_t length = 0;
    for (std::size_t i = 0; i < kLengthBytes; ++i) {
        length |= static_cast<std::size_t>(static_cast<unsigned char>(bytes[i])) << (8U * i);
    }
    return length;
}

/// Protobuf counts bytes with an int; anything this long is refused before it gets there.
bool parse(google::protobuf::MessageLite& message, std::string_view bytes) {
    return bytes.size() <= kMaxFrameBytes && message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
}

} // namespace

std::string encode(const Message& message) {
    wire::Envelope envelope;
    std::visit([&envelope](const auto& content) { putMessage(envelope, content); }, message);
    std::string frame(kLengthBytes, '\0');
    envelope.AppendToString(&frame);
    const auto length = littleEndian(frame.size() - kLengthBytes);
    frame.replace(0, kLengthBytes, length.data(), kLengthBytes);
    return frame;
}

void FrameDecoder::feed(std::span<const char> bytes) {
    // What was handed out is dropped only when it is the larger part, so that each byte moves at most once.
    if (m_read > m_buffer.size() / 2) {
        m_buffer.erase(0, m_read);
        m_read = 0;
    }
    m_buffer.append(bytes.data(), bytes.size());
}

Result<std::optional<Message>> FrameDecoder::next() {
    const std::string_view unread = std::string_view(m_buffer).substr(m_read);
    if (unread.size() < kLengthBytes) {
        return std::optional<Message>();
    }
    // After an error m_read stays where it is, so every later call gives the same error.
    const std::size_t length = fromLittleEndian(unread.data());
    if (length > kMaxFrameBytes) {
        return fail(ErrorCode::Protocol, fmt::format("the peer announced a message of {} bytes; at most {} are allowed",
                                                     length, kMaxFrameBytes));
    }
    if (unread.size() - kLengthBytes < length) {
        return std::optional<Message>();
    }
    wire::Envelope envelope;
    Message message;
    if (!parse(envelope, unread.substr(kLengthBytes, length)) || !get(envelope, message)) {
        return fail(ErrorCode::Protocol,
                    fmt::format("the peer sent a message of {} bytes that makes no sense", length));
    }
    m_read += kLengthBytes + length;
    return std::optional<Message>(std::move(message));
}

std::string serialise(const NeuronFrame& frame) {
    wire::NeuronFrame message;
    put(&message, frame);
    return message.SerializeAsString();
}

Result<NeuronFrame> parseNeuronFrame(std::string_view bytes) {
    wire::NeuronFrame message;
    if (!parse(message, bytes)) {
        return fail(ErrorCode::Corrupt, "a stored neuron frame cannot be read");
    }
    NeuronFrame frame;
    get(message, frame);
    return frame;
}

std::string serialise(const SurgeryReceipt& receipt) {
    wire::SurgeryReceipt message;
    put(&message, receipt);
    return message.SerializeAsString();
}

Result<SurgeryReceipt> parseReceipt(std::string_view bytes) {
    wire::SurgeryReceipt message;
    SurgeryReceipt receipt;
    if (!parse(message, bytes) || !get(message, receipt)) {
        return fail(ErrorCode::Corrupt, "a stored surgery receipt cannot be read");
    }
    return receipt;
}

Result<std::string> serialise(const EpisodeRecording& recording) {
    wire::EpisodeRecording message;
    put(message.mutable_clocks(), recording.clocks);
    std::size_t bytes = 0;
    for (const EnvView& moment : recording.moments) {
        wire::EnvView* copy = message.add_moments();
        put(copy, moment);
        bytes += copy->ByteSizeLong();
        if (bytes > kMaxFrameBytes || message.moments_size() > kMaxMoments) {
            break;
        }
    }
    if (recording.moments.empty()) {
        return fail(ErrorCode::Unsupported, "an episode without a moment is none");
    }
    if (bytes > kMaxFrameBytes || message.moments_size() > kMaxMoments || message.ByteSizeLong() > kMaxFrameBytes) {
        return fail(ErrorCode::Unsupported,
                    fmt::format("an episode of {} moments is too large to be stored", recording.moments.size()));
    }
    return message.SerializeAsString();
}

namespace {

/// One payoff for each joint action, and nothing that is taken or valued beyond.
bool isDrawable(const MatrixView& matrix) {
    std::size_t joint = matrix.shape.empty() ? 0 : 1;
    for (const int actions : matrix.shape) {
        if (actions < 1 || joint > kMaxFrameBytes) {
            return false;
        }
        joint *= static_cast<std::size_t>(actions);
    }
    const auto isAction = [&](std::size_t agent) {
        return matrix.lastActions[agent] >= 0 && matrix.lastActions[agent] < matrix.shape[agent];
    };
    bool fits = matrix.payoff.size() == joint && (matrix.learnedQTot.empty() || matrix.learnedQTot.size() == joint) &&
                (matrix.learnedQ.empty() || matrix.learnedQ.size() == matrix.shape.size()) &&
                (matrix.lastActions.empty() || matrix.lastActions.size() == matrix.shape.size());
    for (std::size_t agent = 0; fits && agent < matrix.shape.size(); ++agent) {
        fits = (matrix.learnedQ.empty() ||
                matrix.learnedQ[agent].size() == static_cast<std::size_t>(matrix.shape[agent])) &&
               (matrix.lastActions.empty() || isAction(agent));
    }
    return fits;
}

bool isDrawable(const BoardView& board) {
    const auto isSide = [](int cells) {
        return cells >= 0 && cells <= kMostCellsAside;
    };
    return isSide(board.rows) && isSide(board.columns) && isSide(board.sightRadius) &&
           board.pieces.size() <= std::size_t{kMostCellsAside} * kMostCellsAside &&
           std::ranges::all_of(board.pieces, [&](const BoardView::Piece& piece) {
               return piece.row >= 0 && piece.row < board.rows && piece.column >= 0 && piece.column < board.columns &&
                      piece.id >= 0 && piece.action >= -1;
           });
}

/// A file may come from anywhere; of the other scenes, get() asks as much of a peer.
bool isDrawable(const EnvView& view) {
    const auto* matrix = std::get_if<MatrixView>(&view.scene);
    const auto* board = std::get_if<BoardView>(&view.scene);
    return (matrix == nullptr || isDrawable(*matrix)) && (board == nullptr || isDrawable(*board));
}

} // namespace

Result<EpisodeRecording> parseEpisode(std::string_view bytes) {
    wire::EpisodeRecording message;
    EpisodeRecording recording;
    bool isSound = parse(message, bytes) && message.moments_size() > 0 && message.moments_size() <= kMaxMoments;
    recording.clocks = get(message.clocks());
    recording.moments.resize(isSound ? static_cast<std::size_t>(message.moments_size()) : 0);
    for (std::size_t i = 0; isSound && i < recording.moments.size(); ++i) {
        isSound = get(message.moments(static_cast<int>(i)), recording.moments[i]) && isDrawable(recording.moments[i]);
    }
    return isSound ? Result<EpisodeRecording>(std::move(recording))
                   : fail(ErrorCode::Corrupt, "a stored episode cannot be read");
}

} // namespace knife
