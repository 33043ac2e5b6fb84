// SPDX-License-Identifier: GPL-3.0-or-later
// Fewer frozen neurons: how far the output moves, that live neurons do not, and that it can be taken back.
#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include <ATen/ATen.h>
#include <QTest>
#include <fmt/format.h>
#include <rapidcheck.h>

#include "core/nets/live_unit.h"
#include "core/plasticity/operations/consolidate.h"
#include "core/plasticity/operations/frozen_neurons.h"
#include "theatre.h"

using namespace knife;
using namespace knife::test;

namespace {

constexpr double kRounding = 1e-5;

SurgeryPlan consolidation(const Theatre& theatre, const std::vector<std::string>& sites, const std::string& settings) {
    SurgeryPlan plan;
    plan.operation = "consolidate";
    plan.settings = settings;
    plan.optimiser = OptimiserPolicy::Keep;
    for (const std::string& name : sites) {
        plan.operations.push_back({name, compositeUnits(siteNamed(theatre.online(), name))});
    }
    return plan;
}

// Every second unit of these sites, then every third, with updates in between.
void grow(Theatre& theatre, const std::vector<std::string>& sites, int events = 2) {
    for (int event = 0; event < events; ++event) {
        theatre.train(4);
        std::vector<SiteOperation> operations;
        for (const std::string& name : sites) {
            std::vector<int> units;
            for (int unit = 0; unit < siteNamed(theatre.online(), name).units; unit += 2 + event) {
                units.push_back(unit);
            }
            operations.push_back({name, units});
        }
        theatre.operate(planOf(operations), event);
    }
    theatre.train(4);
}

// No frozen neuron of this unit fires on any input, in both networks.
void silence(Theatre& theatre, const std::string& name, int unit) {
    const at::NoGradGuard noGrad;
    for (FactorizedNet* net : {&theatre.online(), &theatre.target()}) {
        const CompositeLinear& layer = *siteNamed(*net, name).composite;
        layer.bias()->value.select(0, unit).fill_(-1e4);
        for (const CompositeBranch& branch : layer.branches()) {
            for (std::size_t k = 0; k < branch.units.size(); ++k) {
                if (branch.units[k] == unit) {
                    const auto column = static_cast<std::int64_t>(k);
                    branch.compensationBias->value.select(0, column).fill_(-1e4);
                    if (branch.superseded[k] != 0) {
                        branch.activeBias->value.select(0, column).fill_(-1e4);
                    }
                }
            }
        }
    }
}

at::Tensor outputOf(const Theatre& theatre, const FactorizedNet& net, const std::string& name) {
    const at::NoGradGuard noGrad;
    const at::Tensor read = Theatre::readBy(theatre.setup, *theatre.learner)(net)[siteIndex(net, name)];
    return siteNamed(net, name).composite->forward(read, nullptr).to(at::kDouble);
}

double rms(const at::Tensor& values) {
    return values.square().mean().sqrt().item<double>();
}

struct Drift {
    double online = 0.0; ///< RMS change of a site's output, as a share of its RMS
    double target = 0.0;
    double mean = 0.0;      ///< largest change of an output's mean, as a share of the RMS
    std::size_t before = 0; ///< frozen neurons with outgoing weights
    std::size_t after = 0;
};

std::size_t busy(const CompositeLinear& layer) {
    const FrozenNeurons frozen = frozenNeurons(layer);
    return frozen.size() == 0 ? 0 : static_cast<std::size_t>(frozen.neurons.out.ne(0.0).any(0).sum().item<int>());
}

Drift consolidate(Theatre& theatre, const std::string& name, const std::string& settings) {
    Drift drift{.before = busy(theatre.layer(name))};
    const at::Tensor online = outputOf(theatre, theatre.online(), name);
    const at::Tensor target = outputOf(theatre, theatre.target(), name);
    theatre.operate(consolidation(theatre, {name}, settings), 9);
    const at::Tensor change = outputOf(theatre, theatre.online(), name) - online;
    drift.online = rms(change) / rms(online);
    drift.mean = change.mean(0).abs().max().item<double>() / rms(online);
    drift.target = rms(outputOf(theatre, theatre.target(), name) - target) / rms(target);
    drift.after = busy(theatre.layer(name));
    return drift;
}

std::vector<at::Tensor> liveValues(const Site& site, at::Tensor Parameter::*member) {
    std::vector<at::Tensor> values;
    for (int unit = 0; unit < site.units; ++unit) {
        const LiveUnit live = liveUnit(site, unit);
        values.push_back((live.weight->*member).detach().select(0, live.row).clone());
        values.push_back((live.bias->*member).detach().select(0, live.row).clone());
        const LiveUnit::Outgoing& out = live.outgoing.front();
        values.push_back((out.weight->*member).detach().select(1, out.column).clone());
    }
    return values;
}

bool allSameBits(const std::vector<at::Tensor>& a, const std::vector<at::Tensor>& b) {
    return std::ranges::equal(a, b, [](const at::Tensor& x, const at::Tensor& y) { return sameBits(x, y); });
}

} // namespace

class TestConsolidate : public QObject {
    Q_OBJECT

  private Q_SLOTS:
    void silentNeuronsGoWithoutATrace() {
        Theatre theatre(brisk());
        grow(theatre, {"agent.fc1", "mixer.v"});
        const std::vector<int> fc1 = compositeUnits(siteNamed(theatre.online(), "agent.fc1"));
        for (const int unit : fc1) {
            silence(theatre, "agent.fc1", unit);
        }
        const std::int64_t columns = columnsOf(theatre.layer("agent.fc1"));
        const Batch batch = theatre.batch(500);
        const Probe before = theatre.learner->probe(batch);
        const auto receipts = theatre.operate(consolidation(theatre, {"agent.fc1"}, "prune_below = 0"), 5);
        const OutputChange change = Learner::difference(before, theatre.learner->probe(batch));
        QVERIFY2(change.max() < kRounding, complaint(change, "agent.fc1").c_str());
        QVERIFY(theatre.layer("agent.fc1").branches().empty());
        QVERIFY(!theatre.layer("mixer.v").branches().empty());
        QCOMPARE(receipts.size(), std::size_t(1));
        QCOMPARE(receipts[0].kind, std::string("consolidated"));
        QCOMPARE(receipts[0].units, fc1);
        const CompositeLinear::Shape shape = theatre.layer("agent.fc1").shape();
        QCOMPARE(receipts[0].frozenParameters, -2 * (shape.in + 1 + shape.out) * columns);
        const Parameter& weight = *theatre.layer("agent.fc1").weight();
        QVERIFY(at::all(weight.mask.eq(1.0)).item<bool>()); // plain units learn again
        theatre.train(3);
        theatre.learner->copyToTarget();
    }

    void nothingToGainChangesNoBit() {
        Theatre theatre(brisk());
        grow(theatre, {"agent.fc1"});
        const ParameterCopy online(theatre.online().parameters());
        const ParameterCopy target(theatre.target().parameters());
        for (const char* settings : {"prune_below = 0", "policy = \"lstsq\"\nkeep_frozen = 1.0"}) {
            SurgeryPlan plan = consolidation(theatre, {"agent.fc1"}, settings);
            plan.target = TargetPolicy::HardSync; // nor these, where there is no surgery
            plan.optimiser = OptimiserPolicy::ResetAll;
            QVERIFY(theatre.operate(plan, 7).empty());
            QVERIFY(online.sameBitsAs(theatre.online().parameters()));
            QVERIFY(target.sameBitsAs(theatre.target().parameters()));
        }
        QVERIFY(!theatre.surgeon.canUndo());
        theatre.operate(planOf({{"agent.fc1", {1}}}), 7);
        QVERIFY(theatre.operate(consolidation(theatre, {"agent.fc1"}, "prune_below = 0"), 8).empty());
        QVERIFY(theatre.surgeon.undo()); // of the surgery before
        QVERIFY(online.sameBitsAs(theatre.online().parameters()));
    }

    void sitesThatStayGetNoReceipt() {
        Theatre theatre(brisk());
        grow(theatre, {"agent.fc1", "mixer.v"});
        for (const int unit : compositeUnits(siteNamed(theatre.online(), "agent.fc1"))) {
            silence(theatre, "agent.fc1", unit);
        }
        const auto receipts = theatre.operate(consolidation(theatre, {"agent.fc1", "mixer.v"}, "prune_below = 0"), 5);
        QCOMPARE(receipts.size(), std::size_t(1));
        QCOMPARE(receipts[0].site, std::string("agent.fc1"));
    }

    void unitsThatWerePlainStayPlain() {
        Theatre theatre(brisk());
        for (int event = 0; event < 4; ++event) {
            theatre.train(4);
            theatre.operate(planOf({{"agent.fc1", {3, 8}}}), event);
        }
        theatre.train(4);
        const Drift drift = consolidate(theatre, "agent.fc1", "policy = \"lstsq\"\nkeep_frozen = 0.7");
        QVERIFY2(drift.after < drift.before && drift.after > 4,
                 fmt::format("{} of {}", drift.after, drift.before).c_str());
        QCOMPARE(compositeUnits(siteNamed(theatre.online(), "agent.fc1")), (std::vector<int>{3, 8}));
    }

    void pruningKeepsToItsBound() {
        std::size_t all = 0;
        QVERIFY(rc::check("bound", [&all] {
            Setup setup = brisk();
            setup.seed = *rc::gen::inRange<std::uint64_t>(1, 50);
            const double below = *rc::gen::element(0.02, 0.05, 0.1, 0.3);
            Theatre theatre(setup);
            grow(theatre, {"agent.fc1"}, *rc::gen::inRange(1, 4));
            const Drift drift = consolidate(theatre, "agent.fc1", "prune_below = " + std::to_string(below));
            const auto dropped = static_cast<double>(drift.before - drift.after);
            RC_ASSERT(drift.online <= dropped * below + kRounding);
            RC_ASSERT(drift.mean <= kRounding);
            all += drift.before - drift.after;
            RC_ASSERT(columnsOf(theatre.layer("agent.fc1")) == columnsFor(drift.after) || dropped == 0.0);
        }));
        QVERIFY(all > 0);
    }

    void liveNeuronsStayAsTheyAre_data() {
        QTest::addColumn<QString>("settings");
        QTest::addRow("prune") << "prune_below = 0.2";
        QTest::addRow("lstsq") << "policy = \"lstsq\"";
        QTest::addRow("distill") << "policy = \"distill\"\ndistill_steps = 5";
    }
    void liveNeuronsStayAsTheyAre() {
        QFETCH(QString, settings);
        Theatre theatre(brisk());
        grow(theatre, {"agent.fc1", "mixer.hyper_w1"}, 3);
        for (const char* name : {"agent.fc1", "mixer.hyper_w1"}) {
            std::vector<std::vector<at::Tensor>> before;
            const std::vector<at::Tensor Parameter::*> members = {&Parameter::value, &Parameter::mask,
                                                                  &Parameter::moment1, &Parameter::moment2};
            for (const auto member : members) {
                before.push_back(liveValues(siteNamed(theatre.online(), name), member));
            }
            const auto ofTarget = liveValues(siteNamed(theatre.target(), name), &Parameter::value);
            const Drift drift = consolidate(theatre, name, settings.toStdString());
            QVERIFY(drift.after < drift.before);
            for (std::size_t i = 0; i < members.size(); ++i) {
                QVERIFY(allSameBits(before[i], liveValues(siteNamed(theatre.online(), name), members[i])));
            }
            QVERIFY(allSameBits(ofTarget, liveValues(siteNamed(theatre.target(), name), &Parameter::value)));
            const ParameterCopy frozen(theatre.online().parameters());
            theatre.train(3);
            for (std::size_t i = 0; i < frozen.blocks.size(); ++i) { // what is frozen stays so
                const ParameterBlock& block = theatre.online().parameters().blocks()[i];
                const at::Tensor held = block.trainable ? block.mask.eq(0.0) : at::ones(block.value.sizes(), at::kBool);
                QVERIFY(sameBits(frozen.blocks[i].value.masked_select(held), block.value.masked_select(held)));
            }
        }
    }

    void leastSquaresFindsWhatOneNeuronCanDo() {
        Theatre theatre(brisk());
        theatre.train(3);
        theatre.operate(planOf({{"agent.fc1", {1, 4, 6, 9}}}), 0);
        theatre.train(4);
        const at::NoGradGuard noGrad;
        for (FactorizedNet* net : {&theatre.online(), &theatre.target()}) {
            const CompositeLinear& layer = *siteNamed(*net, "agent.fc1").composite;
            const CompositeBranch& branch = layer.branches().front();
            for (const int unit : branch.units) { // eight neurons that see the same, scaled
                layer.weight()->value[unit].copy_(layer.weight()->value[1] * (1.0 + unit));
                layer.bias()->value[unit].copy_(layer.bias()->value[1] * (1.0 + unit));
            }
            for (std::int64_t k = 0; k < 4; ++k) {
                branch.compensationIn->value[k].copy_(layer.weight()->value[1] * 3.0);
                branch.compensationBias->value[k].copy_(layer.bias()->value[1] * 3.0);
            }
        }
        const Drift drift = consolidate(theatre, "agent.fc1", "policy = \"lstsq\"\nkeep_frozen = 0.1\nridge = 0");
        QCOMPARE(drift.after, std::size_t(1));
        QCOMPARE(columnsOf(theatre.layer("agent.fc1")), std::int64_t(1));
        QVERIFY2(drift.online < 1e-4, std::to_string(drift.online).c_str());
        QVERIFY2(drift.target < 1e-4, std::to_string(drift.target).c_str());
    }

    void moreNeuronsAndMoreStepsFitBetter() {
        const auto driftOf = [](const std::string& settings) {
            Theatre theatre(brisk());
            grow(theatre, {"agent.fc1"}, 3);
            const Drift drift = consolidate(theatre, "agent.fc1", settings);
            return std::pair{drift.online, drift.target};
        };
        const auto none = driftOf("policy = \"lstsq\"\nkeep_frozen = 0.0");
        const auto few = driftOf("policy = \"lstsq\"\nkeep_frozen = 0.2");
        const auto half = driftOf("policy = \"lstsq\"\nkeep_frozen = 0.5");
        const auto most = driftOf("policy = \"lstsq\"\nkeep_frozen = 0.9");
        const auto distilled = driftOf("policy = \"distill\"\nkeep_frozen = 0.2\ndistill_steps = 100");
        const std::string figures = fmt::format("online {:.4f} {:.4f} {:.4f} {:.4f}, distilled {:.4f}; target {:.4f} "
                                                "{:.4f} {:.4f} {:.4f}, distilled {:.4f}",
                                                none.first, few.first, half.first, most.first, distilled.first,
                                                none.second, few.second, half.second, most.second, distilled.second);
        qInfo("%s", figures.c_str());
        QVERIFY2(few.first < none.first && half.first < few.first && most.first < half.first, figures.c_str());
        QVERIFY2(few.second < none.second && half.second < few.second && most.second < half.second, figures.c_str());
        QVERIFY2(distilled.first < few.first && distilled.second < few.second, figures.c_str());
    }

    void receiptsMeasureTheDrift() {
        Theatre theatre(brisk());
        grow(theatre, {"agent.fc1", "mixer.hyper_w1", "mixer.v"}, 3);
        const OutputChange change = theatre.measure(
            consolidation(theatre, {"agent.fc1", "mixer.hyper_w1", "mixer.v"}, "policy = \"lstsq\""), 4);
        QVERIFY(change.max() > 0.0 && std::isfinite(change.max()));
        QVERIFY(theatre.surgeon.undo());
    }

    void sitesOutgrowTheirUnits() {
        Theatre theatre(brisk());
        std::vector<int> all(static_cast<std::size_t>(theatre.setup.hidden));
        std::iota(all.begin(), all.end(), 0);
        for (int event = 0; event < 3; ++event) {
            theatre.train(3);
            theatre.operate(planOf({{"agent.fc1", all}}), event);
        }
        theatre.train(3);
        for (const int unit : {2, 3, 11}) {
            silence(theatre, "agent.fc1", unit); // 6 frozen neurons each
        }
        const Drift drift = consolidate(theatre, "agent.fc1", "prune_below = 0");
        QVERIFY2(drift.online < kRounding && drift.target < kRounding, std::to_string(drift.online).c_str());
        QVERIFY(drift.after + 18 <= 6 * all.size());
        QCOMPARE(columnsOf(theatre.layer("agent.fc1")), columnsFor(drift.after));
        QVERIFY(columnsOf(theatre.layer("agent.fc1")) > static_cast<std::int64_t>(all.size()));
        QCOMPARE(whatChanges(theatre, planOf({{"agent.fc1", {0, 2, 5}}}), 10), std::string()); // exact as ever
        theatre.train(3);
        QCOMPARE(whatChanges(theatre, planOf({{"agent.fc1", {0, 3, 5}}, {"mixer.v", {1}}}), 11), std::string());
    }

    void someUnitsMayBeConsolidatedAlone() {
        Theatre theatre(brisk());
        theatre.train(3);
        theatre.operate(planOf({{"agent.fc1", {1, 4, 6, 9}}}), 0);
        theatre.train(3);
        SurgeryPlan plan = consolidation(theatre, {"agent.fc1"}, "policy = \"lstsq\"\nkeep_frozen = 0");
        plan.operations.front().units = {4, 9};
        theatre.operate(plan, 1);
        QCOMPARE(compositeUnits(siteNamed(theatre.online(), "agent.fc1")), (std::vector<int>{1, 6}));
        QCOMPARE(theatre.layer("agent.fc1").branches().size(), std::size_t(1));
    }

    void itCanBeTakenBack() {
        Theatre theatre(brisk());
        Theatre untouched(brisk());
        for (Theatre* each : {&theatre, &untouched}) {
            grow(*each, {"agent.fc1", "mixer.v"}, 3);
        }
        theatre.operate(consolidation(theatre, {"agent.fc1", "mixer.v"}, "policy = \"lstsq\""), 3);
        QVERIFY(!sameBits(theatre.online().parameters(), untouched.online().parameters()));
        QVERIFY(theatre.surgeon.undo());
        QVERIFY(sameBits(theatre.online().parameters(), untouched.online().parameters()));
        QVERIFY(sameBits(theatre.target().parameters(), untouched.target().parameters()));
        theatre.train(4);
        untouched.train(4);
        QVERIFY(sameBits(theatre.online().parameters(), untouched.online().parameters()));
    }

    void everyMethodsSitesCanBeConsolidated_data() {
        QTest::addColumn<QString>("mixer");
        for (const char* mixer : {"vdn", "qmix", "qplex", "qatten", "qtran_base", "cw_qmix", "resq", "dmix", "riskq"}) {
            QTest::addRow("%s", mixer) << mixer;
        }
    }
    void everyMethodsSitesCanBeConsolidated() {
        QFETCH(QString, mixer);
        Theatre theatre(brisk("rnn", "method = \"" + mixer.toStdString() + "\""));
        std::vector<std::string> names;
        for (const Site* site : theatre.willing()) {
            names.push_back(site->name);
        }
        grow(theatre, names);
        std::vector<std::int64_t> columns;
        for (const std::string& name : names) {
            columns.push_back(columnsOf(theatre.layer(name)));
        }
        theatre.operate(consolidation(theatre, names, "policy = \"lstsq\"\nkeep_frozen = 0.3"), 3);
        for (std::size_t i = 0; i < names.size(); ++i) {
            QVERIFY2(columnsOf(theatre.layer(names[i])) < columns[i], names[i].c_str());
        }
        theatre.train(3);
    }

    void whatCannotBeIsRefused() {
        Theatre theatre(brisk());
        theatre.train(2);
        theatre.operate(planOf({{"agent.fc1", {2, 3}}}), 0);
        SurgeryPlan plan = consolidation(theatre, {"agent.fc1"}, "");
        plan.operations.front().units = {2, 5};
        QVERIFY(theatre.surgeon.check(plan).error().code == ErrorCode::Usage);
        plan.operations.front().units = {2, 3};
        QVERIFY(theatre.surgeon.check(plan));
        Surgeon blind(theatre.online(), theatre.target(), 3);
        QVERIFY(blind.check(plan).error().code == ErrorCode::Unsupported);
        plan.target = TargetPolicy::None;
        QVERIFY(theatre.surgeon.check(plan).error().code == ErrorCode::Usage);
        plan.target = TargetPolicy::Mirror;
        plan.settings = "policy = \"wish\"";
        QVERIFY(theatre.surgeon.check(plan).error().code == ErrorCode::Usage);

        Theatre learning(brisk());
        SurgeryPlan compose = planOf({{"agent.fc1", {2, 3}}});
        compose.settings = "knowledge_out = \"trainable\"";
        learning.operate(compose, 0);
        const auto refused = learning.surgeon.check(consolidation(learning, {"agent.fc1"}, ""));
        QVERIFY(refused.error().code == ErrorCode::Unsupported);
    }
};

QTEST_APPLESS_MAIN(TestConsolidate)
#include "tst_consolidate.moc"
