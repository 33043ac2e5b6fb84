// SPDX-License-Identifier: GPL-3.0-or-later
// The options of KNIFE's composites: whatever the new neurons are drawn from, nothing is seen from outside, and pairs
// that came to nothing are taken out.
#include <algorithm>

#include <ATen/ATen.h>
#include <QTest>

#include "core/plasticity/interventions/knife.h"
#include "core/plasticity/operations/neuron_draw.h"
#include "theatre.h"

using namespace knife;
using namespace knife::test;

namespace {

SurgeryPlan planWith(std::vector<SiteOperation> operations, const std::string& settings) {
    SurgeryPlan plan = planOf(std::move(operations));
    plan.settings = settings;
    return plan;
}

std::vector<int> unitsOf(const Site& site, int step) {
    std::vector<int> units;
    for (int unit = 0; unit < site.units; unit += step) {
        units.push_back(unit);
    }
    return units;
}

} // namespace

class TestCompose : public QObject {
    Q_OBJECT

  private Q_SLOTS:
    void everyOptionPreserves_data() {
        QTest::addColumn<QString>("settings");
        for (const char* incoming : {"layer", "orthogonal", "rms_matched", "initial"}) {
            for (const char* outgoing : {"fresh", "inherit", "zero"}) {
                for (const char* knowledge : {"frozen", "trainable"}) {
                    QTest::addRow("%s, %s, %s", incoming, outgoing, knowledge)
                        << QString("incoming = \"%1\"\noutgoing = \"%2\"\nknowledge_out = \"%3\"")
                               .arg(incoming, outgoing, knowledge);
                }
            }
        }
    }
    void everyOptionPreserves() {
        QFETCH(QString, settings);
        Theatre theatre(brisk());
        for (int event = 0; event < 3; ++event) {
            theatre.train(4);
            std::vector<SiteOperation> operations;
            for (const Site* site : theatre.willing()) {
                operations.push_back({site->name, unitsOf(*site, 2 + event)});
            }
            QCOMPARE(whatChanges(theatre, planWith(operations, settings.toStdString()), event), std::string());
        }
        const at::Tensor active = theatre.layer("agent.fc1").branches().back().activeOut->value.detach().clone();
        theatre.train(4);
        QVERIFY(!sameBits(active, theatre.layer("agent.fc1").branches().back().activeOut->value));
    }

    void drawsAreWhatTheySay() {
        Theatre theatre(brisk());
        theatre.train(3);
        const Site& site = siteNamed(theatre.online(), "agent.fc1");
        const SurgeryDraws draws{.seed = 5, .event = 0};
        const std::vector<int> units = {1, 4, 5};
        const Neurons orthogonal = drawNeurons(site, units, {.in = "orthogonal", .out = "zero"}, draws);
        QVERIFY(at::allclose(at::mm(orthogonal.in, orthogonal.in.t()), at::eye(3), 1e-4, 1e-5));
        QVERIFY(at::count_nonzero(orthogonal.out).item<std::int64_t>() == 0);
        const Neurons inherited = drawNeurons(site, units, {.in = "layer", .out = "inherit"}, draws);
        const at::Tensor own = site.composite->out()->value.detach();
        for (std::int64_t k = 0; k < 3; ++k) {
            QVERIFY(sameBits(inherited.out.select(1, k), own.select(1, units[static_cast<std::size_t>(k)])));
        }
        const Neurons matched = drawNeurons(site, units, {.in = "rms_matched", .out = "fresh"}, draws);
        std::vector<float> norms;
        for (int unit = 0; unit < site.units; ++unit) {
            if (!std::ranges::binary_search(units, unit)) {
                norms.push_back(site.weight->value.detach()[unit].norm().item<float>());
            }
        }
        std::ranges::sort(norms);
        const float median = norms[(norms.size() - 1) / 2]; // of an even count the lower, as torch has it
        for (std::int64_t k = 0; k < 3; ++k) {
            QVERIFY(std::abs(matched.in[k].norm().item<float>() - median) < 1e-5F);
        }
    }

    void activeNeuronsMayBeginAsTheirUnitsDid() {
        Theatre theatre(brisk());
        const CompositeLinear& layer = theatre.layer("agent.fc1");
        const at::Tensor rows = layer.weight()->value.detach().clone();
        const at::Tensor biases = layer.bias()->value.detach().clone();
        theatre.train(4);
        theatre.operate(planWith({{"agent.fc1", {2, 7}}}, "incoming = \"initial\""), 0);
        const CompositeBranch& branch = layer.branches().front();
        for (const auto& [k, unit] : {std::pair{0, 2}, {1, 7}}) {
            QVERIFY(sameBits(branch.activeIn->value.detach()[k], rows[unit]));
            QVERIFY(sameBits(branch.activeBias->value.detach()[k], biases[unit]));
            QVERIFY(!sameBits(layer.weight()->value.detach()[unit], rows[unit]));
        }
    }

    void knowledgeMayKeepItsOutgoingWeightsInTraining() {
        for (const bool trainable : {false, true}) {
            Theatre theatre(brisk());
            theatre.train(2);
            theatre.operate(planWith({{"agent.fc1", {2, 3}}}, trainable ? "knowledge_out = \"trainable\"" : ""), 0);
            const CompositeLinear& layer = theatre.layer("agent.fc1");
            const at::Tensor in = layer.weight()->value.detach().clone();
            const at::Tensor out = layer.out()->value.detach().clone();
            theatre.train(5);
            QVERIFY(sameBits(in[2], layer.weight()->value[2]));
            QCOMPARE(sameBits(out.select(1, 3), layer.out()->value.select(1, 3)), !trainable);
        }
    }

    void pairsThatNeverLearntAreTakenOut() {
        Theatre theatre(brisk());
        theatre.train(3);
        theatre.operate(planOf({{"agent.fc1", {4}}}), 0);
        const std::vector<SiteReceipt> again = theatre.operate(planOf({{"agent.fc1", {4}}}), 1);
        const CompositeLinear& layer = theatre.layer("agent.fc1");
        QCOMPARE(layer.branches().size(), std::size_t(1));
        QCOMPARE(layer.branches().front().event, std::int64_t(1));
        QCOMPARE(again.front().frozenParameters, std::int64_t(0)); // two neurons came, two went
        QCOMPARE(theatre.online().parameters().blocks().size(), std::size_t(3));
        QCOMPARE(theatre.target().parameters().blocks().size(), std::size_t(3));
        theatre.train(5);
        QCOMPARE(whatChanges(theatre, planOf({{"agent.fc1", {4}}}), 2), std::string());
        QCOMPARE(layer.branches().size(), std::size_t(2)); // the second one has learnt and is knowledge now
    }

    void takingPairsOutChangesNoBitAndCanBeUndone() {
        Theatre theatre(brisk());
        Theatre untouched(brisk());
        for (Theatre* each : {&theatre, &untouched}) {
            each->train(3);
            each->operate(planOf({{"agent.fc1", {1, 4}}, {"mixer.v", {2}}}), 0);
        }
        QCOMPARE(whatChanges(theatre, planOf({{"agent.fc1", {1, 4, 6}}}), 1), std::string());
        QCOMPARE(theatre.layer("agent.fc1").branches().size(), std::size_t(1));
        QVERIFY(theatre.surgeon.undo());
        QVERIFY(sameBits(theatre.online().parameters(), untouched.online().parameters()));
        QVERIFY(sameBits(theatre.target().parameters(), untouched.target().parameters()));
        theatre.train(6);
        untouched.train(6);
        QVERIFY(sameBits(theatre.online().parameters(), untouched.online().parameters()));
    }

    void halfSupersededBranchesStay() {
        Theatre theatre(brisk());
        theatre.operate(planOf({{"agent.fc1", {1, 4}}}), 0);
        QCOMPARE(whatChanges(theatre, planOf({{"agent.fc1", {4}}}), 1), std::string());
        QCOMPARE(theatre.layer("agent.fc1").branches().size(), std::size_t(2));
    }

    void wrongSettingsAreNamed() {
        Theatre theatre(brisk());
        for (const char* settings : {"outgoing = \"sideways\"", "outgone = \"zero\"", "outgoing ="}) {
            const auto refused = theatre.surgeon.check(planWith({{"agent.fc1", {1}}}, settings));
            QVERIFY2(!refused, settings);
            QVERIFY(refused.error().code == ErrorCode::Usage);
        }
        SurgeryPlan plan = planOf({{"agent.fc1", {1}}});
        plan.operation = "lobotomy";
        QVERIFY(!theatre.surgeon.check(plan));
        plan = planOf({{"agent.fc1", {1}}});
        plan.target = TargetPolicy::None;
        QVERIFY(!theatre.surgeon.check(plan));
        plan = planOf({{"agent.fc1", {1}}});
        plan.modules = {"agent"};
        QVERIFY(!theatre.surgeon.check(plan));
    }
};

QTEST_APPLESS_MAIN(TestCompose)
#include "tst_compose.moc"
