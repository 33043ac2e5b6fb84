// SPDX-License-Identifier: GPL-3.0-or-later
// What is found wrong, or filled in, before a run exists.
#include <QTest>

#include <ATen/ATen.h>

#include "core/nets/mixers/mixer.h"
#include "core/session/run_plan.h"
#include "session_fixture.h"

using namespace knife;
using namespace knife::test;

class TestRunPlan : public QObject {
    Q_OBJECT

  private Q_SLOTS:
    void everyMethodCanBePlannedUnderEveryPreset_data() {
        QTest::addColumn<QString>("preset");
        QTest::addColumn<QString>("method");
        for (const char* preset : {"none", "group", "pymarl", "pymarl2", "epymarl"}) {
            for (const std::string& method : mixerMethods()) {
                QTest::addRow("%s, %s", preset, method.c_str()) << QString(preset) << QString::fromStdString(method);
            }
        }
    }
    void everyMethodCanBePlannedUnderEveryPreset() {
        QFETCH(QString, preset);
        QFETCH(QString, method);
        const auto experiment =
            parseExperiment("[env]\nname = \"qtran\"\n[mixer]\nmethod = \"qmix\"\nembed = 8\n", "test",
                            {"experiment.preset=" + preset.toStdString(), "mixer.method=" + method.toStdString(),
                             "learning.buffer_episodes=200", "agent.hidden=8"});
        QVERIFY2(experiment, experiment ? "" : experiment.error().describe().c_str());
        const auto plan = planRun(*experiment);
        QVERIFY2(plan, plan ? "" : plan.error().describe().c_str());
        QCOMPARE(plan->experiment.mixer.text("method", "").value(), method.toStdString());
        QCOMPARE(plan->experiment.env.text("name", "").value(), std::string("matrix"));
        // The stored configuration gives the same plan again.
        const auto again = parseExperiment(toToml(plan->experiment), "stored");
        QVERIFY2(again, again ? "" : again.error().describe().c_str());
        const auto replanned = planRun(*again);
        QVERIFY2(replanned, replanned ? "" : replanned.error().describe().c_str());
        QVERIFY(replanned->experiment == plan->experiment);
    }

    void whatWaitsForCopiesIsRefusedWhereNoneAreMade() {
        const std::vector<std::string> overrides{"interventions=[{method=\"gradps\"}]"};
        QVERIFY(planRun(experimentOf(kMatrixSequence, overrides)));
        const auto refused = planRun(experimentOf(kMatrixSequence, {overrides.front(), "learning.target_tau=0.01"}));
        QVERIFY(!refused);
        QVERIFY(refused.error().code == ErrorCode::Usage);
        QVERIFY2(refused.error().describe().find("target_tau") != std::string::npos,
                 refused.error().describe().c_str());
    }

    void aDeviceThatIsNotThereIsRefusedWithTheRemedy() {
        const auto plan = planRun(experimentOf(kMatrixSequence, {"experiment.device=cuda"}));
        if (at::hasCUDA()) {
            QVERIFY2(plan, plan ? "" : plan.error().describe().c_str());
            return;
        }
        QVERIFY(!plan);
        QVERIFY(plan.error().code == ErrorCode::Unsupported);
        const QString message = QString::fromStdString(plan.error().message);
        QVERIFY2(message.contains("experiment.device = \"cuda\"") && message.contains("experiment.device = \"cpu\"") &&
                     message.contains("CUDA"),
                 qPrintable(message));
    }
};

QTEST_APPLESS_MAIN(TestRunPlan)
#include "tst_run_plan.moc"
