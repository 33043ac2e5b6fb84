// SPDX-License-Identifier: GPL-3.0-or-later
// A checkpoint goes on bit for bit, also right after surgery, and damaged bytes are an error and nothing worse.
#include <algorithm>

#include <QTest>

#include "checkpoint.pb.h"
#include "core/session/run_plan.h"
#include "core/session/trainer.h"
#include "core/store/workspace.h"
#include "core/types/counter_rng.h"
#include "session_fixture.h"

using namespace knife;
using namespace knife::test;

class TestCheckpoint : public QObject {
    Q_OBJECT

  private Q_SLOTS:
    void continuesBitForBitAfterSurgery_data();
    void continuesBitForBitAfterSurgery();
    void aForkMayAskForFurtherSites();
    void continuesBitForBitAfterASwitch_data();
    void continuesBitForBitAfterASwitch();
    void continuesBitForBitAfterConsolidation();
    void leavesBehindWhatIsNotMeasuredAnyMore();
    void readsTheFirstVersionAndRefusesNewerOnes();
    void refusesDamagedBytes();
    void refusesAnotherExperiment();
    void undoEndsWithTheFirstUpdateOfAFollowingTarget();
};

namespace {

// A trainer with a store of its own.
class Bench {
  public:
    explicit Bench(const Experiment& experiment) {
        const auto plan = planRun(experiment);
        if (!plan || !prepareWorkspace(m_workspace.path())) {
            qFatal("cannot prepare");
        }
        auto store = RunWriter::create(m_workspace.path(), {.id = {},
                                                            .experiment = "bench",
                                                            .seed = 1,
                                                            .configToml = "",
                                                            .totalEnvSteps = experiment.steps,
                                                            .build = "test"});
        m_store = std::move(*store);
        if (!m_store->beginSegment({}, "start")) {
            qFatal("cannot begin");
        }
        m_trainer = std::move(*Trainer::build(*plan, 1, *m_store, [] {}));
    }

    Trainer& operator*() { return *m_trainer; }
    Trainer* operator->() { return m_trainer.get(); }

    void advance(int times) {
        for (int i = 0; i < times; ++i) {
            if (!m_trainer->advance()) {
                qFatal("training failed");
            }
        }
    }

  private:
    Workspace m_workspace;
    std::unique_ptr<RunWriter> m_store;
    std::unique_ptr<Trainer> m_trainer;
};

SurgeryPlan planOf(std::vector<SiteOperation> operations) {
    SurgeryPlan plan;
    plan.reason = "by_hand";
    plan.operations = std::move(operations);
    return plan;
}

Experiment sequenceWith(const QStringList& overrides) {
    std::vector<std::string> texts;
    for (const QString& text : overrides) {
        texts.push_back(text.toStdString());
    }
    return experimentOf(kMatrixSequence, texts);
}

// A trainer that is restored from what this one saves now takes the same steps.
void goesOnAlike(Bench& original, const Experiment& experiment, int rollouts) {
    const std::string saved = original->save();
    Bench copy(experiment);
    const auto restored = copy->restore(saved);
    QVERIFY2(restored, restored ? "" : restored.error().describe().c_str());
    QCOMPARE(copy->figures().weightsSha256, original->figures().weightsSha256);
    QCOMPARE(copy->save(), saved);
    for (int i = 0; i < rollouts; ++i) {
        original.advance(1);
        copy.advance(1);
        QCOMPARE(copy->figures().weightsSha256, original->figures().weightsSha256);
    }
}

} // namespace

void TestCheckpoint::continuesBitForBitAfterSurgery_data() {
    QTest::addColumn<QStringList>("overrides");
    QTest::newRow("qmix, rnn, rmsprop") << QStringList{};
    QTest::newRow("qmix, mlp, adam") << QStringList{"agent.kind=mlp", "learning.optimiser=adam"};
    QTest::newRow("vdn") << QStringList{"mixer={method=\"vdn\"}"};
    QTest::newRow("iql") << QStringList{"mixer={method=\"iql\"}"};
    QTest::newRow("standardised rewards") << QStringList{"learning.standardise_rewards=true"};
    QTest::newRow("following target") << QStringList{"learning.target_tau=0.01"};
    QTest::newRow("corrected returns, orthogonal layers")
        << QStringList{"learning.td_variant=q_lambda", "learning.td_lambda=0.6", "agent.init=orthogonal"};
    QTest::newRow("one-layer hypernets") << QStringList{"mixer.hypernet_layers=1"};
    const char* further = "agent.further_sites=[\"gru\", \"head\"]";
    QTest::newRow("units of the GRU cell and the head") << QStringList{further};
    QTest::newRow("the same behind two layers") << QStringList{further, "agent.fc_layers=2"};
    QTest::newRow("the same behind LayerNorm") << QStringList{further, "agent.kind=rnn_layernorm"};
}

void TestCheckpoint::continuesBitForBitAfterSurgery() {
    QFETCH(QStringList, overrides);
    const Experiment experiment = sequenceWith(overrides);
    Bench original(experiment);
    original.advance(60);
    const auto places = [&](const std::vector<int>& hidden, const std::vector<int>& outputs) {
        std::vector<SiteOperation> operations;
        if (experiment.agent.kind != "rnn_layernorm") {
            operations.push_back({"agent.fc1", hidden});
        }
        if (!experiment.agent.furtherSites.empty()) {
            operations.push_back({"agent.head", outputs});
            operations.push_back({"agent.gru", hidden});
        }
        return planOf(operations);
    };
    QVERIFY(original->operate(places({0, 3, 9}, {0, 1})));
    original.advance(7);
    QVERIFY(original->operate(places({3, 4}, {1}))); // a composite again
    goesOnAlike(original, experiment, 100);
}

void TestCheckpoint::continuesBitForBitAfterASwitch_data() {
    QTest::addColumn<QStringList>("overrides");
    QTest::addColumn<int>("episodesKept");
    QTest::newRow("clear") << QStringList{} << 0;
    QTest::newRow("keep") << QStringList{"learning.on_switch_buffer=keep"} << 64;
    QTest::newRow("partial") << QStringList{"learning.on_switch_buffer=partial"} << 16;
    QTest::newRow("reservoir") << QStringList{"learning.on_switch_buffer=reservoir", "learning.on_switch_share=0.5"}
                               << 32;
    QTest::newRow("floor") << QStringList{"exploration.on_switch=floor"} << 0;
    QTest::newRow("task id") << QStringList{"agent.task_id=true", "learning.on_switch_buffer=keep"} << 64;
}

void TestCheckpoint::continuesBitForBitAfterASwitch() {
    QFETCH(QStringList, overrides);
    QFETCH(int, episodesKept);
    const Experiment experiment = sequenceWith(overrides);
    Bench original(experiment);
    original.advance(201); // of the second task one rollout of four episodes
    QCOMPARE(original->task(), std::string("monotone"));
    knife::checkpoint::Checkpoint message;
    QVERIFY(message.ParseFromString(original->save()));
    const int expected = std::min(episodesKept + 4, 64);
    QCOMPARE(message.replay_size(), expected);
    int ofFirst = 0;
    for (const auto& episode : message.replay()) {
        ofFirst += episode.task() == 0 ? 1 : 0;
    }
    QCOMPARE(ofFirst, expected - 4);
    original.advance(20); // a full buffer
    goesOnAlike(original, experiment, 40);
    QVERIFY(message.ParseFromString(original->save()));
    QCOMPARE(message.replay_held(), std::uint64_t(overrides.contains("learning.on_switch_buffer=reservoir") ? 32 : 0));
}

void TestCheckpoint::continuesBitForBitAfterConsolidation() {
    const Experiment experiment = sequenceWith({});
    Bench original(experiment);
    original.advance(60);
    QVERIFY(original->operate(planOf({{"agent.fc1", {0, 3, 9}}, {"mixer.hyper_w1", {1, 5}}})));
    original.advance(7);
    QVERIFY(original->operate(planOf({{"agent.fc1", {3, 4}}})));
    original.advance(7);
    SurgeryPlan plan = planOf({{"agent.fc1", {0, 3, 4, 9}}, {"mixer.hyper_w1", {1, 5}}});
    plan.operation = "consolidate";
    plan.settings = "policy = \"lstsq\"\nkeep_frozen = 0.3";
    const std::string before = original->save();
    const auto receipt = original->operate(plan);
    QVERIFY2(receipt, receipt ? "" : receipt.error().describe().c_str());
    QVERIFY(receipt->sites.at(0).frozenParameters < 0);
    QVERIFY(receipt->change.episodes > 0);
    QVERIFY(original->undo());
    knife::checkpoint::Checkpoint undone;
    knife::checkpoint::Checkpoint untouched;
    QVERIFY(undone.ParseFromString(original->save()) && untouched.ParseFromString(before));
    undone.set_receipts(untouched.receipts());
    QCOMPARE(undone.SerializeAsString(), untouched.SerializeAsString());
    QVERIFY(original->operate(plan));
    goesOnAlike(original, experiment, 60);
}

void TestCheckpoint::aForkMayAskForFurtherSites() {
    Bench original(experimentOf(kMatrixSequence));
    original.advance(40);
    Bench fork(experimentOf(kMatrixSequence, {"agent.further_sites=[\"gru\", \"head\"]"}));
    const auto restored = fork->restore(original->save());
    QVERIFY2(restored, restored ? "" : restored.error().describe().c_str());
    QCOMPARE(fork->figures().weightsSha256, original->figures().weightsSha256);
    QVERIFY(fork->operate(planOf({{"agent.gru", {1}}, {"agent.head", {0}}})));
    fork.advance(5);
    Bench back(experimentOf(kMatrixSequence)); // which has no place for them
    const auto refused = back->restore(fork->save());
    QVERIFY(!refused);
    QVERIFY(refused.error().code == ErrorCode::Corrupt);
}

void TestCheckpoint::leavesBehindWhatIsNotMeasuredAnyMore() {
    const auto measures = [](Bench& bench, const char* column) {
        const NeuronFrame frame = bench->neurons();
        return std::ranges::any_of(frame.sites, [column](const auto& site) { return site.find(column) != nullptr; });
    };
    Bench original(experimentOf(kMatrixSequence, {"diagnostics.per_unit=[\"saturation\"]"}));
    original.advance(40);
    QVERIFY(measures(original, "saturation"));
    Bench fork(experimentOf(kMatrixSequence));
    QVERIFY(fork->restore(original->save()));
    QVERIFY(measures(fork, "rua"));
    QVERIFY(!measures(fork, "saturation"));
}

void TestCheckpoint::readsTheFirstVersionAndRefusesNewerOnes() {
    Bench original(experimentOf(kMatrixSequence));
    original.advance(40);
    std::string bytes = original->save();
    QCOMPARE(bytes.substr(0, 2), std::string("\x08\x02")); // field 1, a varint
    bytes[1] = 1;
    Bench copy(experimentOf(kMatrixSequence));
    QVERIFY(copy->restore(bytes));
    QCOMPARE(copy->figures().weightsSha256, original->figures().weightsSha256);
    bytes[1] = 3;
    const auto refused = Bench(experimentOf(kMatrixSequence))->restore(bytes);
    QVERIFY(!refused);
    QVERIFY(refused.error().code == ErrorCode::NewerVersion);
}

void TestCheckpoint::refusesDamagedBytes() {
    const Experiment experiment = experimentOf(kMatrixSequence);
    Bench original(experiment);
    original.advance(30);
    QVERIFY(original->operate(planOf({{"mixer.hyper_w1", {5}}})));
    original.advance(2);
    const std::string saved = original->save();
    CounterRng rng({7, "damage", 0});
    const auto position = [&](const std::string& bytes) {
        return static_cast<std::size_t>(rng.below(static_cast<std::uint32_t>(bytes.size())));
    };
    int refused = 0;
    for (int round = 0; round < 120; ++round) {
        std::string damaged = saved;
        switch (round % 3) {
        case 0: // cut short
            damaged.resize(position(damaged));
            break;
        case 1: // flipped bits; in a weight they cannot be told from weights (the store's hash tells them)
            damaged[position(damaged)] = static_cast<char>(damaged[position(damaged)] ^ (1 << rng.below(8)));
            break;
        default: // noise over the structure at the front
            for (std::size_t i = 0; i < 16; ++i) {
                damaged[rng.below(200)] = static_cast<char>(rng.below(256));
            }
        }
        Bench copy(experiment);
        const auto restored = copy->restore(damaged);
        refused += restored ? 0 : 1;
        if (!restored) {
            QVERIFY(restored.error().code == ErrorCode::Corrupt || restored.error().code == ErrorCode::NewerVersion);
        }
    }
    QVERIFY(refused > 60);
}

void TestCheckpoint::refusesAnotherExperiment() {
    Bench original(experimentOf(kMatrixSequence));
    original.advance(20);
    Bench other(experimentOf(kMatrixSequence, {"agent.hidden=24"}));
    const auto restored = other->restore(original->save());
    QVERIFY(!restored);
    QVERIFY(restored.error().code == ErrorCode::Corrupt);
}

// Its every update moves the target, so that a surgery cannot be taken back bit for bit any more.
void TestCheckpoint::undoEndsWithTheFirstUpdateOfAFollowingTarget() {
    Bench bench(experimentOf(kMatrixSequence, {"learning.target_tau=0.05", "learning.target_interval=1"}));
    bench.advance(30);
    QVERIFY(bench->operate(planOf({{"agent.fc1", {0, 3}}})));
    const auto undone = bench->undo();
    QVERIFY2(undone, undone ? "" : undone.error().describe().c_str());
    QCOMPARE(undone->change.max(), 0.0);
    QVERIFY(bench->operate(planOf({{"agent.fc1", {0, 3}}})));
    bench.advance(1);
    const auto refused = bench->undo();
    QVERIFY(!refused);
    QVERIFY(refused.error().code == ErrorCode::IllegalTransition);
}

QTEST_APPLESS_MAIN(TestCheckpoint)
#include "tst_checkpoint.moc"
