// SPDX-License-Identifier: GPL-3.0-or-later
// Methods that reset single units, in runs: beside every method of value factorization they operate, and a run that was
// killed and resumed ends with the weights of one that was not, so nothing that they have gathered is lost.
#include <algorithm>
#include <cmath>
#include <map>

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
steps = 360

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
window = 3
activation_interval = 1

[evaluation]
interval = 400
episodes = 2
)";

// Thresholds and rates so high that there is something to do in a dozen updates.
const std::map<std::string, std::string> kMethods = {
    {"redo", "{method=\"redo\",every=4,tau=0.8}"},
    {"continual_backprop", "{method=\"continual_backprop\",utility=\"adaptable\",maturity=2,replacement_rate=0.02}"},
    {"self_normalized_resets", "{method=\"self_normalized_resets\",tau_max=100,resolution=10,threshold_every=3}"},
    {"gxd", "{method=\"gxd\",maturity=2,replacement_rate=0.02}"},
    {"regrama", "{method=\"regrama\",every=5,tau=0.5,observe_every=5,target=\"mirror\"}"},
};

std::string allMethods() {
    std::string all;
    for (const auto& [name, toml] : kMethods) {
        all += (all.empty() ? "" : ",") + toml;
    }
    return all;
}

// Names of the interventions that operated, with the largest change that one of their surgeries made.
std::map<std::string, double> drifts(const Workspace& workspace, const RunId& run) {
    std::map<std::string, double> largest;
    const auto reader = RunReader::open(workspace.path());
    const auto receipts = (*reader)->surgeries(run);
    for (const SurgeryReceipt& receipt : *receipts) {
        double& drift = largest[receipt.plan.intervention];
        drift = std::max(drift, receipt.change.max());
        for (const SiteReceipt& site : receipt.sites) {
            if (site.kind != "reset" || site.frozenParameters + site.trainableParameters != 0) {
                largest[site.kind] = -1.0;
            }
        }
    }
    return largest;
}

constexpr Death kDeath{.savedAt = 180, .at = 260};

void compareLives(const Experiment& experiment, const std::vector<std::string>& methods) {
    const Workspace quiet;
    RunId run;
    const RunOutcome expected = live(experiment, quiet, &run);
    VERIFY_FINISHED(expected);
    const auto operated = drifts(quiet, run);
    for (const auto& [method, drift] : operated) {
        QVERIFY2(kMethods.contains(method) && std::isfinite(drift), method.c_str());
        qInfo("%s: largest change %g", method.c_str(), drift);
    }
    for (const std::string& method : methods) {
        QVERIFY2(operated.contains(method), method.c_str());
    }
    const Workspace eventful;
    const RunOutcome outcome = dieAndResume(experiment, eventful, kDeath);
    VERIFY_FINISHED(outcome);
    QCOMPARE(hashOf(outcome), hashOf(expected));
}

} // namespace

class TestUnitResetRuns : public QObject {
    Q_OBJECT

  private Q_SLOTS:
    void allOfThemBesideEveryMixer_data() {
        QTest::addColumn<QString>("mixer");
        for (const std::string& mixer : mixerMethods()) {
            QTest::addRow("%s", mixer.c_str()) << QString::fromStdString(mixer);
        }
    }
    void allOfThemBesideEveryMixer() {
        QFETCH(QString, mixer);
        // Not in every small network is a unit ever silent, but its silence is counted in all of them.
        compareLives(experimentOf(kHunt, {"mixer={method=\"" + mixer.toStdString() + "\"}",
                                          "interventions=[" + allMethods() + "]"}),
                     {"redo", "continual_backprop", "gxd", "regrama"});
    }

    void eachAlone_data() {
        QTest::addColumn<QString>("method");
        for (const auto& [name, toml] : kMethods) {
            QTest::addRow("%s", name.c_str()) << QString::fromStdString(name);
        }
    }
    void eachAlone() {
        QFETCH(QString, method);
        const std::string name = method.toStdString();
        compareLives(
            experimentOf(kHunt, {"mixer={method=\"qtran_base\"}", "interventions=[" + kMethods.at(name) + "]"}),
            {name});
    }

    // Units behind KNIFE's composites and the composites themselves are handled while both are active.
    void besideKnife() {
        const std::string knife = "{method=\"knife\",trigger=\"periodic\",every=6,persistence=1}";
        const Experiment experiment = experimentOf(kHunt, {"agent.kind=\"mlp\"", "diagnostics.stagnant_below=0.75",
                                                           "interventions=[" + knife + "," + kMethods.at("redo") + "," +
                                                               kMethods.at("continual_backprop") + "]"});
        const Workspace quiet;
        RunId run;
        const RunOutcome expected = live(experiment, quiet, &run);
        VERIFY_FINISHED(expected);
        const auto operated = drifts(quiet, run);
        QVERIFY(operated.contains("knife") && operated.contains("redo") && operated.contains("continual_backprop"));
        const Workspace eventful;
        QCOMPARE(hashOf(dieAndResume(experiment, eventful, kDeath)), hashOf(expected));
    }
};

QTEST_APPLESS_MAIN(TestUnitResetRuns)
#include "tst_unit_reset_runs.moc"
