// SPDX-License-Identifier: GPL-3.0-or-later
#include <cmath>
#include <cstring>
#include <limits>
#include <random>

#include <QTest>
#include <rapidcheck.h>

#include "core/protocol/wire.h"

using namespace knife;

namespace {

// Random values of every message. Floats come from random bits: NaN, infinities, denormals and -0 among them.

template <typename Float, typename Bits>
Float anyFloat() {
    const Bits bits = *rc::gen::arbitrary<Bits>();
    Float value{};
    std::memcpy(&value, &bits, sizeof value);
    return value;
}
float anyF() {
    return anyFloat<float, std::uint32_t>();
}
double anyD() {
    return anyFloat<double, std::uint64_t>();
}
template <typename T>
T any() {
    return *rc::gen::arbitrary<T>();
}
std::string anyText() {
    return any<std::string>();
} // any bytes, UTF-8 or not

template <typename Make>
auto several(Make make) {
    std::vector<decltype(make())> items(*rc::gen::inRange<std::size_t>(0, 4));
    for (auto& item : items) {
        item = make();
    }
    return items;
}

template <typename Enum>
Enum anyEnum(Enum last) {
    return static_cast<Enum>(*rc::gen::inRange(0, static_cast<int>(last) + 1));
}

Clocks anyClocks() {
    return {UpdateStep{any<std::int64_t>()}, EnvStep{any<std::int64_t>()}, Episode{any<std::int64_t>()}, anyD()};
}

SurgeryPlan anyPlan() {
    SurgeryPlan plan;
    plan.intervention = anyText();
    plan.reason = anyText();
    plan.operation = "x" + anyText();
    plan.settings = anyText();
    plan.operations = several([] {
        return SiteOperation{anyText(), any<std::vector<int>>(), several(anyF), any<std::vector<int>>(),
                             any<std::vector<int>>()};
    });
    plan.modules = several(anyText);
    plan.optimiser = anyEnum(OptimiserPolicy::ResetAll);
    plan.target = anyEnum(TargetPolicy::None);
    return plan;
}

SurgeryReceipt anyReceipt() {
    SurgeryReceipt receipt;
    receipt.event = any<std::int64_t>();
    receipt.clocks = anyClocks();
    receipt.plan = anyPlan();
    receipt.sites = several([] {
        return SiteReceipt{anyText(),     any<std::vector<int>>(), anyText(),
                           several(anyF), any<std::int64_t>(),     any<std::int64_t>()};
    });
    receipt.change = {anyD(), anyD(), anyD(), anyD(), any<int>()};
    return receipt;
}

SiteSnapshot anySite() {
    SiteSnapshot site;
    site.name = anyText();
    site.units = any<int>();
    site.acceptsComposites = any<bool>();
    site.refusal = anyText();
    site.diagnostics = several([] { return UnitDiagnostic{anyText(), several(anyF)}; });
    site.composites = several([] { return CompositeInfo{any<int>(), any<int>(), anyF(), anyF(), anyF(), anyF()}; });
    return site;
}

NeuronFrame anyFrame() {
    return {anyClocks(), anyF(), anyF(), several(anySite)};
}

MatrixView anyMatrix() {
    return {anyText(),
            any<std::vector<int>>(),
            several(anyF),
            several(anyF),
            several([] { return several(anyF); }),
            any<std::vector<int>>()};
}

BoardView anyBoard() {
    BoardView board{any<int>(), any<int>(), any<int>(), any<bool>(), {}, several(anyText)};
    board.pieces = several([] {
        return BoardView::Piece{
            anyEnum(BoardView::Kind::Wall), any<int>(), any<int>(), any<int>(), any<bool>(), any<int>()};
    });
    return board;
}

// What pictures may hold: finite, and not beyond what a painter can be asked for.
float anyCoordinate() {
    return static_cast<float>(*rc::gen::inRange(-1'000'000'000, 1'000'000'001)) / 1e3F;
}
float anyAmount() {
    return std::abs(anyCoordinate());
}

BattleView anyBattle() {
    BattleView battle;
    battle.width = *rc::gen::inRange(0, 6);
    battle.height = *rc::gen::inRange(0, 6);
    for (int cell = 0; cell < battle.width * battle.height; ++cell) {
        battle.ground.push_back(anyEnum(BattleView::Ground::Cliff));
        battle.heights.push_back(static_cast<float>(*rc::gen::inRange(0, 256)) / 255.F);
    }
    battle.coneAngle = anyAmount();
    battle.units = several([] {
        return BattleView::Unit{.type = anyText(),
                                .ally = any<bool>(),
                                .flies = any<bool>(),
                                .x = anyCoordinate(),
                                .y = anyCoordinate(),
                                .radius = anyAmount(),
                                .health = anyAmount(),
                                .healthMax = anyAmount(),
                                .shield = anyAmount(),
                                .shieldMax = anyAmount(),
                                .energy = anyAmount(),
                                .energyMax = anyAmount(),
                                .sight = anyAmount(),
                                .reach = anyAmount(),
                                .facing = anyCoordinate(),
                                .action = *rc::gen::inRange(-1, 100),
                                .struck = -1,
                                .heals = any<bool>()};
    });
    const auto count = static_cast<int>(battle.units.size());
    for (BattleView::Unit& unit : battle.units) {
        unit.struck = *rc::gen::inRange(-1, count);
    }
    battle.actionNames = several(anyText);
    return battle;
}

PlaneView anyPlane() {
    PlaneView plane{.sight = anyAmount(), .bodies = {}, .actionNames = several(anyText)};
    plane.bodies = several([] {
        return PlaneView::Body{.kind = anyEnum(PlaneView::Kind::Landmark),
                               .id = *rc::gen::inRange(0, 100),
                               .x = anyCoordinate(),
                               .y = anyCoordinate(),
                               .radius = anyAmount(),
                               .velocityX = anyCoordinate(),
                               .velocityY = anyCoordinate(),
                               .caught = any<bool>(),
                               .action = *rc::gen::inRange(-1, 100)};
    });
    return plane;
}

ChoiceView anyChoice() {
    ChoiceView choice{.observation = several(anyF), .values = several(anyF), .legal = {}, .action = -1};
    for (std::size_t i = 0; i < choice.values.size(); ++i) {
        choice.legal.push_back(any<bool>() ? 1 : 0);
    }
    choice.action = *rc::gen::inRange(-1, static_cast<int>(choice.values.size()));
    return choice;
}

EnvView anyView() {
    EnvView view{anyText(), anyText(), any<int>(), any<int>(), anyF(), anyF(), any<bool>(), {}, {}, {}};
    view.featureNames = several(anyText);
    view.choices = several(anyChoice);
    switch (*rc::gen::inRange(0, 5)) {
    case 1:
        view.scene = anyMatrix();
        break;
    case 2:
        view.scene = anyBoard();
        break;
    case 3:
        view.scene = anyBattle();
        break;
    case 4:
        view.scene = anyPlane();
        break;
    default:
        break;
    }
    return view;
}

CommandBody anyBody() {
    switch (*rc::gen::inRange(0, 9)) {
    case 0:
        return ContinueCommand();
    case 1:
        return PauseCommand();
    case 2:
        return StepCommand{any<std::int64_t>()};
    case 3:
        return RunToCommand{EnvStep{any<std::int64_t>()}};
    case 4:
        return EvaluateCommand();
    case 5:
        return CheckpointCommand();
    case 6:
        return OperateCommand{anyPlan()};
    case 7:
        return UndoCommand();
    default:
        return StopCommand();
    }
}

CommandResult anyResult() {
    CommandResult result;
    result.id = CommandId{any<std::uint64_t>()};
    if (any<bool>()) {
        result.error = Error{anyEnum(ErrorCode::Internal), anyText(), several(anyText)};
    }
    if (any<bool>()) {
        result.receipt = anyReceipt();
    }
    result.text = anyText();
    return result;
}

Message anyMessage() {
    switch (*rc::gen::inRange(0, 7)) {
    case 0:
        return Hello{any<std::uint32_t>(), anyText(), RunId{anyText()}};
    case 1:
        return Command{CommandId{any<std::uint64_t>()}, anyBody()};
    case 2:
        return anyResult();
    case 3:
        return StateChanged{anyEnum(RunState::Interrupted), anyClocks(), anyText()};
    case 4:
        return Notice{anyEnum(Notice::Level::Error), anyClocks(), anyText()};
    case 5:
        return SnapshotRequest();
    default:
        return Snapshot{anyEnum(RunState::Interrupted), anyClocks(), any<std::int64_t>(), anyD(),   anyD(),
                        any<std::uint64_t>(),           anyText(),   anyFrame(),          anyView()};
    }
}

/// The only message after all these bytes.
Message decodeOne(const std::string& bytes) {
    FrameDecoder decoder;
    decoder.feed(bytes);
    const Result<std::optional<Message>> message = decoder.next();
    RC_ASSERT(message.has_value());
    RC_ASSERT(message->has_value());
    RC_ASSERT(!decoder.next()->has_value());
    return **message;
}

using Scene = decltype(EnvView::scene);

Snapshot snapshotOf(const Scene& scene) {
    Snapshot snapshot;
    snapshot.env.scene = scene;
    return snapshot;
}

EnvView throughTheWire(const Scene& scene) {
    return std::get<Snapshot>(decodeOne(encode(snapshotOf(scene)))).env;
}

/// Reads until the decoder asks for more or gives up; must come to an end.
std::size_t drain(FrameDecoder& decoder) {
    std::size_t messages = 0;
    while (true) {
        const Result<std::optional<Message>> message = decoder.next();
        if (!message) {
            RC_ASSERT(message.error().code == ErrorCode::Protocol);
            RC_ASSERT(decoder.next().error().code == ErrorCode::Protocol); // and stays so
            return messages;
        }
        if (!*message) {
            return messages;
        }
        ++messages;
    }
}

std::string lengthPrefix(std::uint32_t length) {
    std::string bytes(4, '\0');
    for (std::size_t i = 0; i < 4; ++i) {
        bytes[i] = static_cast<char>(length >> (8U * i));
    }
    return bytes;
}

std::string randomBytes(std::mt19937& random, std::size_t count) {
    std::string bytes(count, '\0');
    for (char& byte : bytes) {
        byte = static_cast<char>(random());
    }
    return bytes;
}

} // namespace

Q_DECLARE_METATYPE(Scene)

class TestWire : public QObject {
    Q_OBJECT

  private Q_SLOTS:
    void everyMessageComesBackToTheBit() {
        // NaN is unequal to itself, so equality is that of the encoding, which keeps every bit.
        QVERIFY(rc::check("encode(decode(encode(m))) == encode(m)", [] {
            const Message message = anyMessage();
            const std::string bytes = encode(message);
            const Message back = decodeOne(bytes);
            RC_ASSERT(back.index() == message.index());
            RC_ASSERT(encode(back) == bytes);
        }));
    }

    void valuesComeBackEqual() {
        // With numbers that equal themselves the values can be compared field by field.
        NeuronFrame frame{{UpdateStep{1}, EnvStep{2}, Episode{3}, 4.5}, 0.25F, 4.F, {}};
        frame.sites = {{"agent.fc1", 2, true, "", {{"rua", {1.F, -0.F}}}, {{1, 2, 3.F, 4.F, 5.F, 6.F}}},
                       {"mixer.w", 1, false, "monotone", {}, {}}};
        EnvView view{.envName = "stag_hunt",
                     .task = "task 2",
                     .step = 3,
                     .episodeLimit = 200,
                     .lastReward = -1.F,
                     .episodeReturn = 7.F,
                     .greedy = true,
                     .scene = BoardView{4, 5, 2, true, {}, {"stay", "north"}},
                     .featureNames = {"x", "y"},
                     .choices = {{{1.F, -0.F}, {2.F, 3.F}, {0, 1}, 1}}};
        std::get<BoardView>(view.scene).pieces = {{BoardView::Kind::Hare, 1, 2, 3, false, 1}};
        const Snapshot snapshot{RunState::Paused, frame.clocks, 100, 1.5, 2.5, 1U << 30U, "task 2", frame, view};
        QVERIFY(std::get<Snapshot>(decodeOne(encode(snapshot))) == snapshot);
        QVERIFY(*parseNeuronFrame(serialise(frame)) == frame);

        SurgeryReceipt receipt;
        receipt.event = 3;
        receipt.plan.reason = "by_hand";
        receipt.plan.operations = {{"agent.fc1", {1, 4}}};
        receipt.plan.optimiser = OptimiserPolicy::Zero;
        receipt.plan.target = TargetPolicy::HardSync;
        receipt.sites = {{"agent.fc1", {1, 4}, "composite", {0.1F, 0.2F}, 10, 20}};
        receipt.change = {0.0, 1e-300, 2.0, 3.0, 32};
        QVERIFY(*parseReceipt(serialise(receipt)) == receipt);
        const Command command{CommandId{7}, OperateCommand{receipt.plan}};
        QVERIFY(std::get<Command>(decodeOne(encode(command))) == command);

        const CommandResult result{CommandId{7}, Error{ErrorCode::DiskFull, "no space", {"a", "b"}}, receipt, "done"};
        const CommandResult back = std::get<CommandResult>(decodeOne(encode(result)));
        QVERIFY(back.error->code == ErrorCode::DiskFull && back.error->context.size() == 2);
        QVERIFY(back.receipt == receipt);
    }

    void storedValuesComeBackToTheBit() {
        QVERIFY(rc::check("frames and receipts", [] {
            const std::string frame = serialise(anyFrame());
            RC_ASSERT(serialise(*parseNeuronFrame(frame)) == frame);
            const std::string receipt = serialise(anyReceipt());
            RC_ASSERT(serialise(*parseReceipt(receipt)) == receipt);
            EpisodeRecording recording{.clocks = anyClocks(), .moments = several(anyView)};
            recording.moments.push_back(anyView());
            for (EnvView& moment : recording.moments) {
                // Pictures of files must be sound; these are mostly not.
                if (std::holds_alternative<MatrixView>(moment.scene) ||
                    std::holds_alternative<BoardView>(moment.scene)) {
                    moment.scene = anyPlane();
                }
            }
            const std::string episode = *serialise(recording);
            RC_ASSERT(*serialise(*parseEpisode(episode)) == episode);
        }));
    }

    void episodesThatAreNoneAreRefused() {
        QVERIFY(serialise(EpisodeRecording()).error().code == ErrorCode::Unsupported);
        QVERIFY(parseEpisode({}).error().code == ErrorCode::Corrupt);
        // A moment costs two bytes there, and a hundred times that here.
        const EpisodeRecording longest{.clocks = {}, .moments = std::vector<EnvView>(kMaxMoments)};
        const std::string bytes = *serialise(longest);
        QVERIFY(parseEpisode(bytes).has_value());
        QVERIFY(parseEpisode(bytes + std::string("\x12\0", 2)).error().code == ErrorCode::Corrupt);
        const EpisodeRecording longer{.clocks = {}, .moments = std::vector<EnvView>(kMaxMoments + 1)};
        QVERIFY(serialise(longer).error().code == ErrorCode::Unsupported);
        EpisodeRecording senseless{.clocks = {}, .moments = std::vector<EnvView>(1)};
        senseless.moments.front().choices = {{{1.F}, {1.F}, {1}, 0}};
        QVERIFY(parseEpisode(*serialise(senseless)).has_value());
        senseless.moments.front().choices.front().action = 1; // there is one
        QVERIFY(parseEpisode(*serialise(senseless)).error().code == ErrorCode::Corrupt);
    }

    void storedPicturesThatCannotBeDrawnAreRefused() {
        const auto isAccepted = [](const Scene& scene) {
            EpisodeRecording recording{.clocks = {}, .moments = std::vector<EnvView>(1)};
            recording.moments.front().scene = scene;
            return parseEpisode(*serialise(recording)).has_value();
        };
        const MatrixView game{.title = "game",
                              .shape = {2, 3},
                              .payoff = std::vector<float>(6),
                              .learnedQTot = std::vector<float>(6),
                              .learnedQ = {{1.F, 2.F}, {1.F, 2.F, 3.F}},
                              .lastActions = {1, 2}};
        QVERIFY(isAccepted(game));
        const auto refusesGame = [&](auto change) {
            MatrixView changed = game;
            change(changed);
            return !isAccepted(changed);
        };
        QVERIFY(refusesGame([](MatrixView& g) { g.shape = {0, 3}; }));
        QVERIFY(refusesGame([](MatrixView& g) { g.shape = {-2, -3}; }));
        QVERIFY(refusesGame([](MatrixView& g) { g.shape = std::vector<int>(200, 1 << 30); }));
        QVERIFY(refusesGame([](MatrixView& g) { g.payoff.pop_back(); }));
        QVERIFY(refusesGame([](MatrixView& g) { g.learnedQTot.pop_back(); }));
        QVERIFY(refusesGame([](MatrixView& g) { g.learnedQ.pop_back(); }));
        QVERIFY(refusesGame([](MatrixView& g) { g.learnedQ[0].pop_back(); }));
        QVERIFY(refusesGame([](MatrixView& g) { g.lastActions = {1, 3}; }));
        QVERIFY(refusesGame([](MatrixView& g) { g.lastActions = {1}; }));

        const BoardView board{.rows = 3,
                              .columns = 4,
                              .sightRadius = 1,
                              .toroidal = true,
                              .pieces = {{BoardView::Kind::Agent, 0, 2, 3, true, -1}},
                              .actionNames = {}};
        QVERIFY(isAccepted(board));
        const auto refusesBoard = [&](auto change) {
            BoardView changed = board;
            change(changed);
            return !isAccepted(changed);
        };
        QVERIFY(refusesBoard([](BoardView& b) { b.rows = 1 << 30; }));
        QVERIFY(refusesBoard([](BoardView& b) { b.columns = -1; }));
        QVERIFY(refusesBoard([](BoardView& b) { b.sightRadius = 1 << 30; }));
        QVERIFY(refusesBoard([](BoardView& b) { b.pieces[0].row = 3; }));
        QVERIFY(refusesBoard([](BoardView& b) { b.pieces[0].column = -1; }));
        QVERIFY(refusesBoard([](BoardView& b) { b.pieces[0].action = -2; }));
    }

    void aStreamMayComeInAnyPortions() {
        QVERIFY(rc::check("portions", [] {
            const auto messages = several(anyMessage);
            std::string stream;
            for (const Message& message : messages) {
                stream += encode(message);
            }
            const auto portion = *rc::gen::inRange<std::size_t>(1, 50);
            FrameDecoder decoder;
            std::string again;
            for (std::size_t at = 0; at < stream.size(); at += portion) {
                decoder.feed(std::span(stream).subspan(at, std::min(portion, stream.size() - at)));
                for (auto message = decoder.next(); message && *message; message = decoder.next()) {
                    again += encode(**message);
                }
            }
            RC_ASSERT(again == stream);
        }));
    }

    void byteByByte() {
        const std::string frame = encode(Notice{Notice::Level::Info, {}, "one byte at a time"});
        FrameDecoder decoder;
        for (std::size_t i = 0; i + 1 < frame.size(); ++i) {
            decoder.feed({&frame[i], 1});
            QVERIFY(!decoder.next()->has_value());
        }
        decoder.feed({&frame.back(), 1});
        QVERIFY(decoder.next()->has_value());
    }

    void anOversizedFrameIsRefusedFromItsLengthAlone() {
        FrameDecoder decoder;
        decoder.feed(lengthPrefix(kMaxFrameBytes + 1));
        QVERIFY(decoder.next().error().code == ErrorCode::Protocol);
        FrameDecoder atLimit;
        atLimit.feed(lengthPrefix(kMaxFrameBytes));
        QVERIFY(!atLimit.next()->has_value());
    }

    void anEmptyFrameAndUnknownEnumeratorsAreRefused() {
        FrameDecoder decoder;
        decoder.feed(lengthPrefix(0));
        QVERIFY(decoder.next().error().code == ErrorCode::Protocol);

        // StateChanged (field 4) whose state (field 1) is 100.
        FrameDecoder unknown;
        unknown.feed(lengthPrefix(4) + std::string("\x22\x02\x08\x64"));
        QVERIFY(unknown.next().error().code == ErrorCode::Protocol);
    }

    void battlesComeBackEqual() {
        BattleView battle;
        battle.width = 2;
        battle.height = 1;
        battle.ground = {BattleView::Ground::Open, BattleView::Ground::Cliff};
        battle.heights = {0.25F, 1.F};
        battle.coneAngle = 0.5F;
        battle.units = {{.type = "marine",
                         .x = 0.5F,
                         .y = 0.25F,
                         .radius = 0.375F,
                         .health = 3.F,
                         .healthMax = 45.F,
                         .sight = 9.F,
                         .reach = 6.F,
                         .facing = -1.F,
                         .action = 6,
                         .struck = 1},
                        {.type = "medivac",
                         .ally = false,
                         .flies = true,
                         .shield = 1.F,
                         .shieldMax = 2.F,
                         .energy = 50.F,
                         .energyMax = 200.F,
                         .heals = true}};
        battle.actionNames = {"stop"};
        QVERIFY(std::get<BattleView>(throughTheWire(battle).scene) == battle);
        const PlaneView plane{.sight = 1.5F,
                              .bodies = {{.kind = PlaneView::Kind::Prey,
                                          .id = 2,
                                          .x = -3.F,
                                          .y = 4.F,
                                          .radius = 0.05F,
                                          .velocityX = 1.F,
                                          .velocityY = -2.F,
                                          .caught = true},
                                         {.kind = PlaneView::Kind::Landmark}},
                              .actionNames = {"none", "east"}};
        QVERIFY(std::get<PlaneView>(throughTheWire(plane).scene) == plane);
    }

    // Pictures that no painter should be asked for; the same ones are accepted with a bearable value in that place.
    void unbearablePicturesAreRefused_data() {
        QTest::addColumn<Scene>("refused");
        QTest::addColumn<Scene>("accepted");
        const auto row = [](const char* name, auto refused, auto accepted) {
            QTest::newRow(name) << Scene{std::move(refused)} << Scene{std::move(accepted)};
        };
        const auto battle = [](auto change) {
            BattleView view;
            view.width = view.height = 2;
            view.ground.assign(4, BattleView::Ground::Open);
            view.heights.assign(4, 0.F);
            view.units.resize(2);
            change(view);
            return view;
        };
        const auto unit = [&](float BattleView::Unit::*field, float value) {
            return battle([&](BattleView& view) { view.units[1].*field = value; });
        };
        constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
        constexpr float kInfinity = std::numeric_limits<float>::infinity();
        using Unit = BattleView::Unit;
        for (float Unit::*field : {&Unit::x, &Unit::y, &Unit::facing}) {
            row("a coordinate that is none", unit(field, kNaN), unit(field, -3.F));
            row("a coordinate without end", unit(field, -kInfinity), unit(field, 1e6F));
            row("a coordinate far out", unit(field, 1.1e6F), unit(field, -1e6F));
        }
        for (float Unit::*field : {&Unit::radius, &Unit::health, &Unit::healthMax, &Unit::shield, &Unit::shieldMax,
                                   &Unit::energy, &Unit::energyMax, &Unit::sight, &Unit::reach}) {
            row("an amount that is none", unit(field, kNaN), unit(field, 0.F));
            row("a negative amount", unit(field, -1.F), unit(field, 1.F));
            row("a huge amount", unit(field, 1e30F), unit(field, 1e6F));
        }
        const auto height = [&](float value) {
            return battle([&](BattleView& view) { view.heights[3] = value; });
        };
        row("a height that is none", height(kNaN), height(1.F));
        row("a height above all", height(1.5F), height(0.5F));
        const auto cone = [&](float value) {
            return battle([&](BattleView& view) { view.coneAngle = value; });
        };
        row("a cone that is none", cone(kNaN), cone(0.5F));
        const auto struck = [&](int value) {
            return battle([&](BattleView& view) { view.units[0].struck = value; });
        };
        row("somebody strikes who is not there", struck(2), struck(1));
        row("somebody strikes before the first", struck(-2), struck(-1));
        const auto action = [&](int value) {
            return battle([&](BattleView& view) { view.units[0].action = value; });
        };
        row("no such action", action(-2), action(1'000'000)); // of which there is no name
        const auto units = [&](std::size_t count) {
            return battle([&](BattleView& view) { view.units.resize(count); });
        };
        row("a crowd", units(4097), units(4096));
        const auto cells = [&](int columns, int rows, std::size_t count) {
            return battle([&](BattleView& view) {
                view.width = columns;
                view.height = rows;
                view.ground.assign(count, BattleView::Ground::Open);
                view.heights.assign(count, 0.F);
            });
        };
        row("too wide", cells(513, 1, 513), cells(512, 1, 512));
        row("too high", cells(1, 513, 513), cells(1, 512, 512));
        row("cells missing", cells(3, 2, 5), cells(3, 2, 6));
        row("less than nothing", cells(-2, -2, 4), cells(2, 2, 4));
        row("a product that overflows", cells(65536, 65536, 0), cells(0, 0, 0));
        row("heights missing", battle([](BattleView& view) { view.heights.pop_back(); }), battle([](BattleView&) {}));
        row("no such ground", battle([](BattleView& view) { view.ground[0] = BattleView::Ground{3}; }),
            battle([](BattleView& view) { view.ground[0] = BattleView::Ground{2}; }));

        const auto plane = [](auto change) {
            PlaneView view;
            view.bodies.resize(2);
            change(view);
            return view;
        };
        using Body = PlaneView::Body;
        const auto body = [&](float Body::*field, float value) {
            return plane([&](PlaneView& view) { view.bodies[1].*field = value; });
        };
        for (float Body::*field : {&Body::x, &Body::y, &Body::velocityX, &Body::velocityY}) {
            row("a place that is none", body(field, kNaN), body(field, -2.F));
            row("a place far out", body(field, -1e7F), body(field, 1e6F));
        }
        row("a body without a size", body(&Body::radius, kNaN), body(&Body::radius, 0.F));
        row("a body of less than nothing", body(&Body::radius, -1.F), body(&Body::radius, 1.F));
        row("no such body", plane([](PlaneView& view) { view.bodies[0].kind = PlaneView::Kind{3}; }),
            plane([](PlaneView& view) { view.bodies[0].kind = PlaneView::Kind{2}; }));
        row("bodies before the first", plane([](PlaneView& view) { view.bodies[0].id = -1; }),
            plane([](PlaneView& view) { view.bodies[0].id = 0; }));
        row("a crowd of bodies", plane([](PlaneView& view) { view.bodies.resize(4097); }),
            plane([](PlaneView& view) { view.bodies.resize(4096); }));
        row("a sight that is none", plane([](PlaneView& view) { view.sight = kNaN; }),
            plane([](PlaneView& view) { view.sight = 1.F; }));
    }
    void unbearablePicturesAreRefused() {
        QFETCH(Scene, refused);
        QFETCH(Scene, accepted);
        const auto decode = [](const Scene& scene) {
            FrameDecoder decoder;
            decoder.feed(encode(snapshotOf(scene)));
            return decoder.next();
        };
        QVERIFY(decode(accepted).has_value());
        const auto answer = decode(refused);
        QVERIFY(!answer && answer.error().code == ErrorCode::Protocol);
    }

    void choicesThatDoNotFitAreRefused() {
        const auto isDecoded = [](const Snapshot& snapshot) {
            FrameDecoder decoder;
            decoder.feed(encode(snapshot));
            return decoder.next().has_value();
        };
        const auto isAccepted = [&isDecoded](const ChoiceView& choice) {
            Snapshot snapshot;
            snapshot.env.choices = {choice};
            return isDecoded(snapshot);
        };
        QVERIFY(isAccepted({{1.F}, {1.F, std::numeric_limits<float>::quiet_NaN()}, {1, 0}, 1}));
        QVERIFY(!isAccepted({{1.F}, {1.F, 2.F}, {1}, 0}));     // of which action is not known whether it was legal
        QVERIFY(!isAccepted({{1.F}, {1.F, 2.F}, {1, 1}, 2}));  // there are two
        QVERIFY(!isAccepted({{1.F}, {1.F, 2.F}, {1, 1}, -2})); // -1 is none
        constexpr std::size_t kMost = std::size_t{1} << 20U;
        QVERIFY(isAccepted({std::vector<float>(kMost), {1.F}, {1}, 0}));
        QVERIFY(!isAccepted({std::vector<float>(kMost + 1), {1.F}, {1}, 0}));
        QVERIFY(!isAccepted({{1.F}, std::vector<float>(65537), std::vector<std::uint8_t>(65537), 0}));
        Snapshot named;
        named.env.featureNames = {std::string(200, 'x')};
        QVERIFY(isDecoded(named));
        named.env.featureNames.front() += 'x';
        QVERIFY(!isDecoded(named));
    }

    void randomBytesNeverCrash() {
        std::mt19937 random(1);
        for (int round = 0; round < 20000; ++round) {
            const std::string body = randomBytes(random, random() % 200);
            FrameDecoder framed;
            framed.feed(lengthPrefix(static_cast<std::uint32_t>(body.size())) + body);
            drain(framed);
            FrameDecoder raw;
            raw.feed(body);
            drain(raw);
            const Result<NeuronFrame> frame = parseNeuronFrame(body);
            QVERIFY(frame || frame.error().code == ErrorCode::Corrupt);
            const Result<SurgeryReceipt> receipt = parseReceipt(body);
            QVERIFY(receipt || receipt.error().code == ErrorCode::Corrupt);
            const Result<EpisodeRecording> episode = parseEpisode(body);
            QVERIFY(episode || episode.error().code == ErrorCode::Corrupt);
        }
    }

    void mutatedMessagesNeverCrash() {
        QVERIFY(rc::check("mutations", [] {
            std::string bytes = encode(anyMessage());
            std::mt19937 random(any<std::uint32_t>());
            for (int round = 0; round < 100; ++round) {
                std::string mutated = bytes;
                switch (random() % 3) {
                case 0: // flip bits, the length among them
                    for (std::uint32_t i = 0; i <= random() % 8; ++i) {
                        mutated[random() % mutated.size()] ^= static_cast<char>(1U << random() % 8);
                    }
                    break;
                case 1:
                    mutated.resize(random() % mutated.size());
                    break;
                default:
                    mutated.insert(random() % mutated.size(), randomBytes(random, random() % 16));
                    break;
                }
                FrameDecoder decoder;
                decoder.feed(mutated);
                drain(decoder);
                (void)parseNeuronFrame(std::string_view(mutated).substr(std::min<std::size_t>(4, mutated.size())));
                (void)parseReceipt(mutated);
                (void)parseEpisode(mutated);
            }
        }));
    }

    void aLongStreamDoesNotPileUp() {
        // Reading keeps up, so the decoder's memory stays near one message; measured by time, which would be quadratic.
        const std::string frame = encode(Notice{Notice::Level::Info, {}, std::string(200, 'x')});
        FrameDecoder decoder;
        std::size_t messages = 0;
        for (int i = 0; i < 200000; ++i) {
            decoder.feed(frame);
            messages += decoder.next()->has_value() ? 1U : 0U;
        }
        QCOMPARE(messages, std::size_t{200000});
    }
};

QTEST_APPLESS_MAIN(TestWire)
#include "tst_wire.moc"
