// SPDX-License-Identifier: GPL-3.0-or-later
// Resetting units: what is silent is reset without a trace, means are folded exactly, new weights come from where the
// settings say, and all of it can be taken back.
#include <algorithm>
#include <cmath>
#include <numeric>

#include <ATen/ATen.h>
#include <QTest>

#include "core/nets/live_unit.h"
#include "core/plasticity/operations/reset_units.h"
#include "core/plasticity/operations/share_units.h"
#include "net_rows.h"
#include "theatre.h"

using namespace knife;
using namespace knife::test;

namespace {

SurgeryPlan resetOf(std::vector<SiteOperation> operations, const std::string& settings = "",
                    OptimiserPolicy optimiser = OptimiserPolicy::MeanFill, TargetPolicy target = TargetPolicy::None) {
    SurgeryPlan plan = planOf(std::move(operations));
    plan.intervention = "by_hand";
    plan.operation = "reset_units";
    plan.settings = settings;
    plan.optimiser = optimiser;
    plan.target = target;
    return plan;
}

std::vector<const Site*> resettable(const FactorizedNet& net) {
    std::vector<const Site*> sites;
    for (const Site& site : net.sites().all()) {
        if (refuseResets(site).empty()) {
            sites.push_back(&site);
        }
    }
    return sites;
}

// The same units of every site that can be reset.
SurgeryPlan everywhere(const FactorizedNet& net, const std::vector<int>& units, const std::string& settings = "") {
    std::vector<SiteOperation> operations;
    for (const Site* site : resettable(net)) {
        std::vector<int> own;
        std::ranges::copy_if(units, std::back_inserter(own), [&](int unit) { return unit < site->units; });
        operations.push_back({.site = site->name, .units = own});
    }
    return resetOf(operations, settings);
}

// No input of these worlds can make them fire.
void silence(const FactorizedNet& net, const SurgeryPlan& plan) {
    const at::NoGradGuard noGrad;
    for (const SiteOperation& operation : plan.operations) {
        for (const int unit : operation.units) {
            const LiveUnit live = liveUnit(siteNamed(net, operation.site), unit);
            at::Tensor bias = live.bias->value.detach();
            bias[live.row].fill_(-1e4F);
        }
    }
}

at::Tensor columnOf(const Parameter& parameter, std::int64_t column) {
    return parameter.value.detach().select(1, column);
}

// What the layer gives on average over rows of noise, and the mean activation of a unit's live neuron there.
struct LayerMeans {
    at::Tensor output;
    double activation = 0.0;
};

LayerMeans layerMeans(const CompositeLinear& layer, const at::Tensor& rows, std::int64_t unit, bool inBranch) {
    const at::NoGradGuard noGrad;
    SiteTap tap;
    const at::Tensor y = layer.forward(rows, &tap);
    const at::Tensor h = inBranch ? tap.branches.back().active.select(1, 0) : tap.hidden.select(1, unit);
    return {y.to(at::kDouble).mean(0), h.to(at::kDouble).mean().item<double>()};
}

double largest(const at::Tensor& difference) {
    return difference.abs().max().item<double>();
}

} // namespace

class TestUnitResets : public QObject {
    Q_OBJECT

  private Q_SLOTS:
    void silentUnitsAreResetWithoutATrace_data() { addNets({kTwoLayerQmix, kVdn, kQplex}); }
    void silentUnitsAreResetWithoutATrace() {
        QFETCH(QString, kind);
        QFETCH(QString, mixer);
        for (const TargetPolicy target : {TargetPolicy::None, TargetPolicy::Mirror}) {
            Theatre theatre(brisk(kind.toStdString(), mixer.toStdString()));
            theatre.train(5);
            SurgeryPlan plan = everywhere(theatre.online(), {1, 4}, "incoming = \"xavier\"");
            plan.target = target;
            QVERIFY(plan.operations.size() >= 1);
            silence(theatre.online(), plan);
            silence(theatre.target(), plan);
            const ParameterCopy before(theatre.online().parameters());
            const OutputChange change = theatre.measure(plan, 0);
            QVERIFY2(change.max() == 0.0, complaint(change, kind.toStdString()).c_str());
            QVERIFY(!before.sameBitsAs(theatre.online().parameters()));
            // The check above can see a change: the same units once more, now that they fire.
            SurgeryPlan again = everywhere(theatre.online(), {0, 2, 3, 5}, "outgoing = \"layer\"");
            QVERIFY(theatre.measure(again, 1).qTot > 1e-6);
        }
    }

    void onlyTheUnitsOfThePlanChange() {
        Theatre theatre(brisk());
        theatre.train(5);
        const ParameterCopy target(theatre.target().parameters());
        const Site& site = siteNamed(theatre.online(), "agent.fc1");
        const at::Tensor rows = site.weight->value.detach().clone();
        const at::Tensor columns = site.consumers[0].weight->value.detach().clone();
        const at::Tensor v = parameterNamed(theatre.online(), "mixer.v.weight").value.detach().clone();
        const auto receipts = theatre.operate(resetOf({{"agent.fc1", {2, 7}}}), 0);
        QCOMPARE(receipts.size(), std::size_t(1));
        QCOMPARE(receipts[0].kind, std::string("reset"));
        QCOMPARE(receipts[0].units, (std::vector<int>{2, 7}));
        QCOMPARE(receipts[0].frozenParameters + receipts[0].trainableParameters, std::int64_t(0));
        for (std::int64_t unit = 0; unit < site.units; ++unit) {
            const bool reset = unit == 2 || unit == 7;
            QCOMPARE(sameBits(rows[unit], site.weight->value.detach()[unit]), !reset);
            QCOMPARE(sameBits(columns.select(1, unit), columnOf(*site.consumers[0].weight, unit)), !reset);
            if (reset) {
                QCOMPARE(largest(columnOf(*site.consumers[0].weight, unit)), 0.0);
                QCOMPARE(site.bias->value.detach()[unit].item<float>(), 0.F);
            }
        }
        QVERIFY(sameBits(v, parameterNamed(theatre.online(), "mixer.v.weight").value.detach()));
        QVERIFY(target.sameBitsAs(theatre.target().parameters())); // by default it waits for its next copy
    }

    void momentsFollowThePolicy_data() {
        QTest::addColumn<int>("policy");
        QTest::addRow("zero") << static_cast<int>(OptimiserPolicy::Zero);
        QTest::addRow("mean_fill") << static_cast<int>(OptimiserPolicy::MeanFill);
        QTest::addRow("keep") << static_cast<int>(OptimiserPolicy::Keep);
    }
    void momentsFollowThePolicy() {
        QFETCH(int, policy);
        Setup setup = brisk();
        setup.learning.optimiser = "adam";
        Theatre theatre(setup);
        theatre.train(5);
        const Site& site = siteNamed(theatre.online(), "agent.fc1");
        const auto check = [&](const Parameter& parameter, std::int64_t dimension, const at::Tensor& first,
                               const at::Tensor& second, std::int64_t unit, bool reset) {
            const at::Tensor now1 = parameter.moment1.select(dimension, unit);
            const at::Tensor now2 = parameter.moment2.select(dimension, unit);
            if (!reset || policy == static_cast<int>(OptimiserPolicy::Keep)) {
                QVERIFY(sameBits(now1, first.select(dimension, unit)));
                QVERIFY(sameBits(now2, second.select(dimension, unit)));
                return;
            }
            QCOMPARE(largest(now1), 0.0);
            const at::Tensor others =
                at::cat({second.narrow(dimension, 0, 3), second.narrow(dimension, 5, 11)}, dimension);
            const at::Tensor expected =
                policy == static_cast<int>(OptimiserPolicy::MeanFill) ? others.mean(dimension) : at::zeros_like(now2);
            QVERIFY(at::allclose(now2, expected, 1e-4, 1e-12));
        };
        for (const auto& [parameter, dimension] :
             {std::pair{site.weight, 0}, std::pair{site.bias, 0}, std::pair{site.consumers[0].weight, 1}}) {
            Theatre fresh(setup);
            fresh.train(5);
            const Parameter& own = parameterNamed(fresh.online(), parameter->name);
            const at::Tensor first = own.moment1.clone();
            const at::Tensor second = own.moment2.clone();
            QVERIFY(largest(second) > 0.0);
            fresh.operate(resetOf({{"agent.fc1", {3, 4}}}, "", static_cast<OptimiserPolicy>(policy)), 0);
            for (std::int64_t unit = 0; unit < 16; ++unit) {
                check(own, dimension, first, second, unit, unit == 3 || unit == 4);
            }
        }
    }

    void ofACompositeOnlyTheActiveNeuronIsReset() {
        for (const OptimiserPolicy policy : {OptimiserPolicy::MeanFill, OptimiserPolicy::Zero}) {
            Theatre theatre(brisk());
            theatre.train(3);
            theatre.operate(planOf({{"agent.fc1", {2, 5}}}), 0);
            theatre.train(5);
            const CompositeLinear& layer = theatre.layer("agent.fc1");
            const CompositeBranch& branch = layer.branches().back();
            const at::Tensor knowledge = layer.weight()->value.detach().clone();
            const at::Tensor out = layer.out()->value.detach().clone();
            const at::Tensor compensation = branch.compensationOut->value.detach().clone();
            const at::Tensor neighbour = branch.activeIn->value.detach()[0].clone();
            const SurgeryPlan plan = resetOf({{"agent.fc1", {5}}}, "", policy);
            silence(theatre.online(), plan);
            const OutputChange change = theatre.measure(plan, 1);
            QVERIFY2(change.max() == 0.0, complaint(change, "a silent active neuron").c_str());
            QVERIFY(sameBits(knowledge, layer.weight()->value.detach()));
            QVERIFY(sameBits(out, layer.out()->value.detach()));
            QVERIFY(sameBits(compensation, branch.compensationOut->value.detach()));
            QVERIFY(sameBits(neighbour, branch.activeIn->value.detach()[0]));
            QCOMPARE(largest(columnOf(*branch.activeOut, 1)), 0.0);
            const double moment = branch.activeIn->moment2[1].sum().item<double>();
            QCOMPARE(moment > 0.0, policy == OptimiserPolicy::MeanFill);
            // One that fires is missed, and the receipt's drift says so.
            QVERIFY(theatre.measure(resetOf({{"agent.fc1", {2}}}), 2).q > 1e-6);
        }
    }

    void foldingKeepsTheMeanOutput_data() {
        QTest::addColumn<bool>("composite");
        QTest::addRow("plain unit") << false;
        QTest::addRow("composite") << true;
    }
    void foldingKeepsTheMeanOutput() {
        QFETCH(bool, composite);
        for (const bool asReleased : {false, true}) {
            Theatre theatre(brisk());
            theatre.train(4);
            if (composite) {
                theatre.operate(planOf({{"agent.fc1", {6}}}), 0);
                theatre.train(4);
            }
            const CompositeLinear& layer = theatre.layer("agent.fc1");
            const at::Tensor rows = randomTensor({500, theatre.setup.layout().width()}, 3);
            const LayerMeans before = layerMeans(layer, rows, 6, composite);
            QVERIFY(before.activation > 1e-3);
            const Parameter& readers = composite ? *layer.branches().back().activeOut : *layer.out();
            const at::Tensor column = columnOf(readers, composite ? 0 : 6).to(at::kDouble);
            const at::Tensor bias = layer.outBias().value.detach().to(at::kDouble);
            SurgeryPlan plan = resetOf({{.site = "agent.fc1",
                                         .units = {6},
                                         .values = {asReleased ? 0.F : static_cast<float>(before.activation)}}},
                                       "fold_mean = true");
            theatre.operate(plan, 1);
            const at::Tensor shift = layer.outBias().value.detach().to(at::kDouble) - bias;
            const at::Tensor expected = column * before.activation;
            const double moved = largest(layerMeans(layer, rows, 6, composite).output - before.output);
            if (asReleased) { // the defect: the bias does not take over what the unit gave
                QCOMPARE(largest(shift), 0.0);
                QVERIFY(std::abs(moved - largest(expected)) < 1e-5 && moved > 1e-4);
            } else {
                QVERIFY(largest(shift - expected) < 1e-6);
                QVERIFY2(moved < 2e-6, std::to_string(moved).c_str());
            }
        }
    }

    void newWeightsComeFromWhereTheSettingsSay() {
        const Setup setup = brisk();
        const auto operated = [&](const std::string& settings) {
            auto theatre = std::make_unique<Theatre>(setup);
            theatre->train(4);
            theatre->operate(resetOf({{"agent.fc1", {0, 1, 2, 3, 4, 5}}}, settings), 3);
            return theatre;
        };
        const auto weightOf = [](const Theatre& theatre) {
            return siteNamed(theatre.online(), "agent.fc1").weight->value.detach();
        };
        const double fanIn = static_cast<double>(setup.layout().width());
        for (const auto& [incoming, bound] :
             {std::pair{"layer", std::sqrt(1.0 / fanIn)}, std::pair{"xavier", std::sqrt(6.0 / (fanIn + 16.0))},
              std::pair{"kaiming", std::sqrt(6.0 / fanIn)}}) {
            const auto theatre = operated(std::string("incoming = \"") + incoming + "\"");
            const at::Tensor fresh = weightOf(*theatre).narrow(0, 0, 6);
            QVERIFY(largest(fresh) <= bound);
            const double spread = fresh.square().mean().item<double>() / (bound * bound / 3.0);
            QVERIFY2(spread > 0.6 && spread < 1.4, incoming);
        }
        const auto initial = operated("incoming = \"initial\"\nbias = \"layer\"\noutgoing = \"layer\"");
        const auto untrained = buildNet(setup.net());
        const at::Tensor began = parameterNamed(*untrained, "agent.fc1.weight").value.detach();
        QVERIFY(sameBits(weightOf(*initial).narrow(0, 0, 6), began.narrow(0, 0, 6)));
        QVERIFY(!sameBits(weightOf(*initial)[6], began[6]));
        const Site& site = siteNamed(initial->online(), "agent.fc1");
        const double outBound = 1.0 / std::sqrt(16.0);
        QVERIFY(largest(columnOf(*site.consumers[0].weight, 3)) <= outBound);
        QVERIFY(largest(columnOf(*site.consumers[0].weight, 3)) > 0.5 * outBound);
        QVERIFY(site.bias->value.detach()[2].item<float>() != 0.F);

        const auto scaled = operated("incoming = \"xavier\"\nscale_incoming = true\noutgoing = \"small\"");
        const at::Tensor norms = weightOf(*scaled).norm(2, 1);
        const double mean = norms.narrow(0, 6, 10).mean().item<double>();
        const at::Tensor outgoing = siteNamed(scaled->online(), "agent.fc1").consumers[0].weight->value.detach();
        const at::Tensor columns = std::get<0>(outgoing.norm(2, 0).narrow(0, 6, 10).sort());
        for (std::int64_t unit = 0; unit < 6; ++unit) {
            QVERIFY(std::abs(norms[unit].item<double>() - mean) < 1e-5);
            const double norm = outgoing.select(1, unit).norm().item<double>();
            QVERIFY(std::abs(norm - 0.02 * columns[5].item<double>()) < 1e-6);
        }
    }

    void theInitialRowOfACompositeIsItsOwn() {
        Theatre theatre(brisk());
        theatre.operate(planOf({{"agent.fc1", {4, 9}}}), 0);
        const CompositeBranch& branch = theatre.layer("agent.fc1").branches().back();
        const at::Tensor birth = branch.activeIn->value.detach().clone();
        theatre.train(5);
        QVERIFY(!sameBits(birth[1], branch.activeIn->value.detach()[1]));
        theatre.operate(resetOf({{"agent.fc1", {9}}}, "incoming = \"initial\""), 1);
        QVERIFY(sameBits(birth[1], branch.activeIn->value.detach()[1]));
        QVERIFY(!sameBits(birth[0], branch.activeIn->value.detach()[0]));
    }

    void undoTakesEverythingBack_data() { addNets({kTwoLayerQmix, kVdn, kQplex}); }
    void undoTakesEverythingBack() {
        QFETCH(QString, kind);
        QFETCH(QString, mixer);
        Setup setup = brisk(kind.toStdString(), mixer.toStdString());
        setup.learning.optimiser = "adam";
        Theatre operated(setup);
        Theatre untouched(setup);
        for (Theatre* theatre : {&operated, &untouched}) {
            theatre->train(5);
        }
        const ParameterCopy online(operated.online().parameters());
        const ParameterCopy target(operated.target().parameters());
        for (const TargetPolicy policy : {TargetPolicy::None, TargetPolicy::Mirror, TargetPolicy::HardSync}) {
            SurgeryPlan plan = everywhere(operated.online(), {0, 3}, "outgoing = \"small\"");
            plan.target = policy;
            operated.operate(plan, 1);
            QVERIFY(!online.sameBitsAs(operated.online().parameters()));
            QCOMPARE(target.sameBitsAs(operated.target().parameters()), policy == TargetPolicy::None);
            QVERIFY(operated.surgeon.undo());
            QVERIFY(online.sameBitsAs(operated.online().parameters()));
            QVERIFY(target.sameBitsAs(operated.target().parameters()));
        }
        operated.train(5);
        untouched.train(5);
        QCOMPARE(operated.learner->weightsSha256(), untouched.learner->weightsSha256());
    }

    void drawsAreAFunctionOfTheEvent() {
        const std::string settings = "outgoing = \"small\"\nincoming = \"kaiming\"";
        const auto hash = [&](std::int64_t event) {
            Theatre theatre(brisk());
            theatre.operate(everywhere(theatre.online(), {0, 3}, settings), event);
            return theatre.learner->weightsSha256();
        };
        QCOMPARE(hash(2), hash(2));
        QVERIFY(hash(2) != hash(3));
    }

    // Composites behind a unit read it by weights of their own, which a reset would leave alone.
    void unitsThatCompositesReadAreRefused_data() {
        QTest::addColumn<QString>("kind");
        QTest::addColumn<QString>("reader");
        QTest::addColumn<QString>("site");
        QTest::newRow("gates") << "rnn"
                               << "agent.gru"
                               << "agent.fc1";
        QTest::newRow("head") << "mlp"
                              << "agent.head"
                              << "agent.fc2";
    }
    void unitsThatCompositesReadAreRefused() {
        QFETCH(QString, kind);
        QFETCH(QString, reader);
        QFETCH(QString, site);
        Setup setup = brisk(kind.toStdString());
        setup.agent.furtherSites = {reader.section('.', 1).toStdString()};
        Theatre theatre(setup);
        const Site& read = siteNamed(theatre.online(), site.toStdString());
        QVERIFY(refuseResets(read).empty() && refuseSharing(read).empty());
        theatre.operate(planOf({{reader.toStdString(), {1}}}), 0);
        QVERIFY(refuseResets(read).find("read by composites") != std::string::npos);
        QVERIFY(!refuseSharing(read).empty() && !refuseFolding(read).empty());
        const ParameterCopy before(theatre.online().parameters());
        for (const char* operation : {"reset_units", "shrink_units", "share_units"}) {
            SurgeryPlan plan = planOf({{site.toStdString(), {2}}});
            plan.operation = operation;
            QVERIFY(!theatre.surgeon.apply(plan, 1));
        }
        QVERIFY(before.sameBitsAs(theatre.online().parameters()));
    }

    void whatCannotBeResetIsRefusedWithItsReason_data() {
        QTest::addColumn<QString>("kind");
        QTest::addColumn<QString>("site");
        QTest::addColumn<QString>("settings");
        QTest::addColumn<QString>("says");
        const auto row = [](const char* kind, const char* site, const char* settings, const char* says) {
            QTest::addRow("%s: %s", site, says) << kind << site << settings << says;
        };
        row("rnn", "mixer.mix", "", "no weights of its own");
        row("mlp", "agent.fc2", "", "reads composites");
        row("rnn_crelu", "agent.fc1", "fold_mean = true", "two inputs of one layer");
        row("rnn", "agent.fc1", "fold_mean = true", "needs the mean activation");
        row("rnn", "agent.fc1", "incoming = \"nothing\"", "incoming");
        row("rnn", "agent.fc1", "outgoing = 3", "outgoing");
        row("rnn", "agent.fc1", "fold_means = true", "fold_mean");
    }
    void whatCannotBeResetIsRefusedWithItsReason() {
        QFETCH(QString, kind);
        QFETCH(QString, site);
        QFETCH(QString, settings);
        QFETCH(QString, says);
        Theatre theatre(brisk(kind.toStdString()));
        if (kind == "mlp") {
            QVERIFY(theatre.surgeon.check(resetOf({{"agent.fc2", {1}}})));
            theatre.operate(planOf({{"agent.fc1", {1}}}), 0);
        }
        const ParameterCopy before(theatre.online().parameters());
        const auto refused = theatre.surgeon.apply(resetOf({{site.toStdString(), {1}}}, settings.toStdString()), 1);
        QVERIFY(!refused);
        QVERIFY2(refused.error().describe().find(says.toStdString()) != std::string::npos,
                 refused.error().describe().c_str());
        QVERIFY(before.sameBitsAs(theatre.online().parameters()));
    }
};

QTEST_APPLESS_MAIN(TestUnitResets)
#include "tst_unit_resets.moc"
