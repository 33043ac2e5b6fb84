// SPDX-License-Identifier: GPL-3.0-or-later
// Every method of value factorization trains on predator-prey, is operated on without a trace, and ends with the same
// weights whether or not it was paused, killed and resumed on the way.
#include <QTest>

#include "core/nets/mixers/mixer.h"
#include "core/store/run_reader.h"
#include "session_fixture.h"

using namespace knife;
using namespace knife::test;

namespace {

const char* const kHunt = R"(
[experiment]
name = "short hunt"
seeds = [1]
steps = 480

[env]
name = "stag_hunt"
preset = "pred_prey_punish"
episode_limit = 20

[agent]
hidden = 16

[learning]
optimiser = "adam"
lr = 1e-3
batch_episodes = 4
buffer_episodes = 12
target_interval = 5

[exploration]
anneal_steps = 200

[diagnostics]
window = 4
stagnant_below = 0.75 # something to operate on for every method
frame_interval = 10

[[interventions]]
method = "knife"
trigger = "periodic"
every = 6
persistence = 1

[evaluation]
interval = 240
episodes = 2
)";

constexpr std::int64_t kOperatedAt = 240; // env steps
constexpr std::int64_t kDiesAt = 360;

Command commandOf(std::uint64_t id, CommandBody body) {
    return {CommandId{id}, std::move(body)};
}

// The first and the last unit of every site that takes composites.
SurgeryPlan everywhere(const NeuronFrame& frame) {
    SurgeryPlan plan;
    plan.reason = "by_hand";
    for (const SiteSnapshot& site : frame.sites) {
        if (site.acceptsComposites) {
            plan.operations.push_back(
                {site.name, site.units > 1 ? std::vector<int>{0, site.units - 1} : std::vector<int>{0}});
        }
    }
    return plan;
}

enum class Life : std::uint8_t { Quiet, Eventful };

// Operates by hand at one env step. An eventful life is also paused, stepped, watched, checkpointed, and ends early.
class Operator {
  public:
    Operator(Session& session, Life life) : m_session(session), m_life(life) {
        m_observer.snapshotWanted = true;
        m_observer.onProgress = [this](const Clocks& clocks) {
            progressed(clocks.envStep.value);
        };
        m_observer.onState = [this](RunState state) {
            if (state == RunState::Paused && m_life == Life::Eventful) {
                paused();
            }
        };
    }
    RunOutcome run() { return m_session.run(m_observer); }
    [[nodiscard]] const SurgeryReceipt* receipt() const {
        const auto found = std::ranges::find(m_observer.results, CommandId{2}, &CommandResult::id);
        return found != m_observer.results.end() && found->receipt ? &*found->receipt : nullptr;
    }

  private:
    void paused() {
        switch (++m_pauses) {
        case 1:
            m_session.submit(commandOf(11, EvaluateCommand{}));
            m_session.submit(commandOf(12, StepCommand{1}));
            break;
        case 2: // after the step
            m_session.submit(commandOf(13, ContinueCommand{}));
            break;
        default: // the operation's own pause
            break;
        }
    }
    void progressed(std::int64_t envStep) {
        if (m_life == Life::Eventful && envStep >= 100 && !m_stepped) {
            m_stepped = true;
            m_session.submit(commandOf(10, PauseCommand{}));
        }
        if (envStep >= kOperatedAt && !m_operated) {
            m_operated = true;
            m_session.submit(commandOf(1, PauseCommand{}));
            m_session.submit(commandOf(2, OperateCommand{everywhere(m_observer.snapshots.back().neurons)}));
            if (m_life == Life::Eventful) {
                m_session.submit(commandOf(3, CheckpointCommand{}));
            }
            m_session.submit(commandOf(4, ContinueCommand{}));
        }
        if (m_life == Life::Eventful && envStep >= kDiesAt) {
            throw std::runtime_error("the process dies");
        }
    }

    Session& m_session;
    Life m_life;
    RecordingObserver m_observer;
    int m_pauses = 0;
    bool m_stepped = false;
    bool m_operated = false;
};

} // namespace

class TestEveryMethod : public QObject {
    Q_OBJECT

  private Q_SLOTS:
    void survivesPauseSurgeryCheckpointAndResume_data() {
        QTest::addColumn<QString>("method");
        QTest::addColumn<QString>("further");
        for (const std::string& method : mixerMethods()) {
            QTest::addRow("%s", method.c_str()) << QString::fromStdString(method) << QString();
        }
        QTest::addRow("units of cell and head") << "qmix"
                                                << "\"gru\", \"head\"";
        QTest::addRow("units of several cells") << "cw_qmix"
                                                << "\"gru\"";
        QTest::addRow("units of a cell without a head") << "dmix"
                                                        << "\"gru\"";
    }

    void survivesPauseSurgeryCheckpointAndResume() {
        QFETCH(QString, method);
        QFETCH(QString, further);
        std::vector<std::string> overrides = {"mixer={method=\"" + method.toStdString() + "\"}",
                                              "agent.further_sites=[" + further.toStdString() + "]"};
        if (!further.isEmpty()) {
            overrides.emplace_back("interventions[0].sites=[\"agent\", \"mixer\", \"agent.gru\"]");
        }
        const Experiment experiment = experimentOf(kHunt, overrides);

        const Workspace quiet;
        const auto whole = quiet.start(experiment);
        Operator undisturbed(*whole, Life::Quiet);
        const RunOutcome expected = undisturbed.run();
        VERIFY_FINISHED(expected);
        const auto summary = nlohmann::json::parse(expected.summaryJson);
        QVERIFY(summary.at("updates").get<int>() >= 20);
        QVERIFY(summary.at("final").at("test_return").is_number());
        checkReceipts(quiet, whole->id());

        const Workspace eventful;
        auto session = eventful.start(experiment);
        const RunId run = session->id();
        Operator disturbed(*session, Life::Eventful);
        QVERIFY(disturbed.run().state == RunState::Failed);
        const SurgeryReceipt* receipt = disturbed.receipt();
        QVERIFY(receipt != nullptr && !receipt->sites.empty());
        QCOMPARE(receipt->change.max(), 0.0);
        QCOMPARE(receipt->sites.size(), undisturbed.receipt()->sites.size());
        session.reset(); // lets go of the run
        const RunOutcome outcome = resume(run, eventful);
        VERIFY_FINISHED(outcome);
        QCOMPARE(hashOf(outcome), hashOf(expected));
        checkReceipts(eventful, run);
    }

  private:
    // KNIFE has operated beside the hand, and nothing could be seen of any surgery.
    static void checkReceipts(const Workspace& workspace, const RunId& run) {
        const auto reader = RunReader::open(workspace.path());
        QVERIFY(reader);
        const auto receipts = (*reader)->surgeries(run);
        QVERIFY(receipts && receipts->size() >= 2);
        bool periodic = false;
        for (const SurgeryReceipt& receipt : *receipts) {
            QCOMPARE(receipt.change.max(), 0.0);
            QVERIFY(receipt.change.episodes > 0);
            periodic = periodic || receipt.plan.reason == "periodic";
        }
        QVERIFY(periodic);
    }
};

QTEST_APPLESS_MAIN(TestEveryMethod)
#include "tst_every_method.moc"
