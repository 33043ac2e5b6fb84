// SPDX-License-Identifier: GPL-3.0-or-later
// Composites of the units of a linear head: KNIFE's surgery on all of them is an injection of plasticity into the
// layer.
#include <cmath>

#include <ATen/ATen.h>
#include <QTest>

#include "core/plasticity/site_measurement.h"
#include "theatre.h"

using namespace knife;
using namespace knife::test;

namespace {

const char* const kHead = "agent.head";

Setup watching(const char* kind = "rnn") {
    Setup setup = brisk(kind);
    setup.agent.furtherSites = {"head"};
    return setup;
}

InjectedLinear& headOf(const Theatre& theatre) {
    return *siteNamed(theatre.online(), kHead).linear;
}

SurgeryPlan injection() {
    SurgeryPlan plan;
    plan.operation = "inject";
    plan.modules = {kHead};
    return plan;
}

// Gradients before frozen entries are masked.
struct Gradients final : UpdateListener {
    std::vector<at::Tensor> blocks;
    void unmasked(const UpdateMoment& moment) override {
        for (const ParameterBlock& block : moment.parameters.blocks()) {
            blocks.push_back(block.grad.defined() ? block.grad.clone() : at::Tensor());
        }
    }
};

} // namespace

class TestHeadComposites : public QObject {
    Q_OBJECT

  private Q_SLOTS:
    void surgeryChangesNoBit_data() {
        QTest::addColumn<QString>("kind");
        for (const char* kind : {"rnn", "mlp", "rnn_layernorm", "rnn_crelu"}) {
            QTest::addRow("%s", kind) << kind;
        }
    }
    void surgeryChangesNoBit() {
        QFETCH(QString, kind);
        Theatre theatre(watching(kind.toUtf8().constData()));
        const std::vector<std::vector<int>> events = {{1}, {0, 3}, {1, 2, 3}, {0, 1, 2, 3}};
        for (std::size_t event = 0; event < events.size(); ++event) {
            theatre.train(3);
            QCOMPARE(whatChanges(theatre, planOf({{kHead, events[event]}}), static_cast<std::int64_t>(event)),
                     std::string());
        }
        theatre.train(3);
        QCOMPARE(whatChanges(theatre, injection(), 4), std::string()); // and the whole layer behind units
        theatre.train(3);
        QCOMPARE(whatChanges(theatre, planOf({{kHead, {2}}}), 5), std::string()); // and a unit behind it
    }

    void allUnitsAreAnInjection() {
        Theatre units(watching());
        Theatre layer(watching());
        for (std::int64_t event = 0; event < 2; ++event) {
            units.train(4);
            layer.train(4);
            QVERIFY(sameBits(units.learner->probe(units.batch(7)).q, layer.learner->probe(layer.batch(7)).q));
            units.operate(planOf({{kHead, {0, 1, 2, 3}}}), event);
            layer.operate(injection(), event);
            QVERIFY(sameBits(units.online().parameters(), layer.online().parameters()));
            QVERIFY(sameBits(units.target().parameters(), layer.target().parameters()));
        }
        Gradients ofUnits;
        Gradients ofLayer;
        units.train(1, {&ofUnits});
        layer.train(1, {&ofLayer});
        QCOMPARE(ofUnits.blocks.size(), ofLayer.blocks.size());
        for (std::size_t i = 0; i < ofUnits.blocks.size(); ++i) {
            QCOMPARE(ofUnits.blocks[i].defined(), ofLayer.blocks[i].defined());
            QVERIFY(!ofUnits.blocks[i].defined() || sameBits(ofUnits.blocks[i], ofLayer.blocks[i]));
        }
        units.train(10);
        layer.train(10);
        QVERIFY(sameBits(units.online().parameters(), layer.online().parameters()));
    }

    void activesHaveTheGradientOfOrdinaryUnits() {
        for (const bool fast : {true, false}) {
            Setup setup = watching();
            setup.pool = fast ? setup.pool : nullptr;
            Theatre trained(setup);
            trained.train(5);
            Theatre theatre = measuringRoom(trained);
            theatre.operate(planOf({{kHead, {1, 3}}}), 0);
            const Batch batch = theatre.batch(70);
            QVERIFY(theatre.learner->update(batch));
            const InjectedLinear::Branch& branch = headOf(theatre).branches().back();
            QCOMPARE(branch.activeWeight->value.size(0), std::int64_t(2));
            QCOMPARE(wrongSlope(theatre, *branch.activeWeight, batch), std::string());
            QCOMPARE(wrongSlope(theatre, *branch.activeBias, batch), std::string());
        }
    }

    void knowledgeIsFrozenAndActivesMove() {
        Theatre theatre(watching());
        theatre.train(4);
        theatre.operate(planOf({{kHead, {0, 2}}}), 0);
        theatre.train(4);
        theatre.operate(planOf({{kHead, {2, 3}}}), 1);
        const InjectedLinear& head = headOf(theatre);
        const at::Tensor own = head.weight()->value.detach().clone();
        const at::Tensor older = head.branches()[0].activeWeight->value.detach().clone();
        const at::Tensor newer = head.branches()[1].activeWeight->value.detach().clone();
        theatre.train(10);
        const at::Tensor now = head.weight()->value.detach();
        for (const std::int64_t unit : {0, 2, 3}) {
            QVERIFY(sameBits(now[unit], own[unit]));
        }
        QVERIFY(!sameBits(now[1], own[1]));
        QVERIFY(!sameBits(head.branches()[0].activeWeight->value.detach()[0], older[0]));
        QVERIFY(sameBits(head.branches()[0].activeWeight->value.detach()[1], older[1]));
        QVERIFY(!sameBits(head.branches()[1].activeWeight->value.detach()[0], newer[0]));
        QCOMPARE(head.rowsOf(2).size(), std::size_t(3));
        QVERIFY(head.rowsOf(2).back().weight == head.branches()[1].activeWeight);
    }

    void fastPathAndReferenceAgree() {
        Setup slow = watching();
        slow.pool = nullptr;
        Theatre fast(watching());
        Theatre reference(slow);
        for (Theatre* theatre : {&fast, &reference}) {
            for (std::int64_t event = 0; event < 3; ++event) {
                theatre->train(2);
                theatre->operate(planOf({{kHead, {static_cast<int>(event), 3}}, {"agent.fc1", {1, 2}}}), event);
            }
            theatre->train(2);
        }
        const Probe a = fast.learner->probe(fast.batch(5));
        const Probe b = reference.learner->probe(fast.batch(5));
        QVERIFY(at::allclose(a.q, b.q, 1e-3, 1e-4));
    }

    void activityIsThatOfTheLiveRow() {
        Theatre theatre(watching());
        theatre.train(3);
        theatre.operate(planOf({{kHead, {1}}}), 0);
        theatre.train(3);
        SiteMeter meter;
        const SiteMeasurement& measured = meter.measure(siteNamed(theatre.online(), kHead), nullptr, {});
        for (const int unit : {0, 1}) {
            const InjectedLinear::Row live = headOf(theatre).rowsOf(unit).back();
            const auto norm = [&](const at::Tensor& rows) {
                return rows.detach()[live.row].norm().item<double>();
            };
            const auto at = static_cast<std::size_t>(unit);
            QVERIFY(std::abs(measured.gradNorm[at] - norm(live.weight->grad)) < 1e-5 * measured.gradNorm[at]);
            QVERIFY(std::abs(measured.weightNorm[at] - norm(live.weight->value)) < 1e-5 * measured.weightNorm[at]);
        }
        QVERIFY(headOf(theatre).rowsOf(1).back().weight != headOf(theatre).weight());
    }

    void undoTakesEverythingBack() {
        Theatre theatre(watching());
        theatre.train(3);
        theatre.operate(planOf({{kHead, {1}}}), 0);
        theatre.train(3);
        const ParameterCopy before(theatre.online().parameters());
        theatre.operate(planOf({{kHead, {0, 1}}, {"mixer.v", {2}}}), 1);
        QVERIFY(theatre.surgeon.undo());
        QVERIFY(before.sameBitsAs(theatre.online().parameters()));
        QCOMPARE(headOf(theatre).branches().front().units, std::vector<int>{1});
        theatre.train(2);
    }

    void injectionsAreOfWholeLayers() {
        Theatre theatre(watching());
        SurgeryPlan plan = planOf({{kHead, {1}}});
        plan.operation = "inject";
        const auto refused = theatre.surgeon.apply(plan, 0);
        QVERIFY(!refused);
        QVERIFY(refused.error().message.find("as a whole") != std::string::npos);
    }
};

QTEST_APPLESS_MAIN(TestHeadComposites)
#include "tst_head_composites.moc"
