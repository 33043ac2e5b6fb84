// SPDX-License-Identifier: GPL-3.0-or-later
// KNIFE surgery changes no bit of any output, leaves knowledge frozen and actives free, and can be taken back.
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <QTest>

#include "core/plasticity/interventions/intervention.h"
#include "core/plasticity/interventions/knife.h"
#include "core/plasticity/surgeon.h"
#include "core/types/counter_rng.h"
#include "net_rows.h"
#include "theatre.h"

using namespace knife;
using namespace knife::test;

namespace {

const RowValidity kNoRows; // activations are not looked at

constexpr auto kMixers = {kTwoLayerQmix, kOneLayerQmix, kVdn, kIql};

std::vector<int> allUnits(const Site& site) {
    std::vector<int> units(static_cast<std::size_t>(site.units));
    std::iota(units.begin(), units.end(), 0);
    return units;
}

// Each unit with probability 1/3, at least one.
std::vector<int> someUnits(const Site& site, CounterRng& rng) {
    std::vector<int> units;
    for (int unit = 0; unit < site.units; ++unit) {
        if (rng.chance(1.0 / 3.0)) {
            units.push_back(unit);
        }
    }
    if (units.empty()) {
        units.push_back(static_cast<int>(rng.below(static_cast<std::uint32_t>(site.units))));
    }
    return units;
}

// Every frozen entry of every block.
std::vector<at::Tensor> frozenValues(const ParameterSet& parameters) {
    std::vector<at::Tensor> values;
    for (const ParameterBlock& block : parameters.blocks()) {
        values.push_back(block.trainable ? block.value.masked_select(block.mask == 0) : block.value.clone());
    }
    return values;
}

bool movedEverywhere(const at::Tensor& before, const at::Tensor& after) {
    return at::count_nonzero(before != after).item<std::int64_t>() == before.numel();
}

// Five windows' worth of activity at agent.fc1 of 16 units: row j of the gradient has norm activity[j], row j of the
// weights norm 1.
struct Watched {
    Setup setup;
    std::unique_ptr<FactorizedNet> net;
    std::unique_ptr<Diagnostics> diagnostics;

    explicit Watched(std::vector<double> activity) {
        net = buildNet(setup.net());
        DiagnosticsConfig config;
        config.window = 1;
        diagnostics = std::make_unique<Diagnostics>(config, net->sites());
        activity.resize(16, 1.0);
        const at::NoGradGuard noGrad;
        const Parameter& rows = parameterNamed(*net, "agent.fc1.weight");
        for (std::int64_t j = 0; j < 16; ++j) {
            const at::Tensor value = rows.value.detach()[j];
            value.div_(value.norm());
            rows.grad[j].copy_(value * activity[static_cast<std::size_t>(j)]);
        }
    }

    void windows(int count) const {
        for (int i = 0; i < count; ++i) {
            diagnostics->differentiated({.parameters = net->parameters(), .rows = &kNoRows});
            diagnostics->closeWindow();
        }
    }
    [[nodiscard]] SurgeryPlan propose(const KnifeConfig& config) const {
        return Knife(config).propose({.diagnostics = *diagnostics, .net = *net});
    }
};

} // namespace

class TestSurgery : public QObject {
    Q_OBJECT

  private Q_SLOTS:
    void cleanup() { at::set_num_threads(1); }

    void repeatedSurgeryChangesNoBit_data() {
        QTest::addColumn<QString>("kind");
        QTest::addColumn<QString>("mixer");
        QTest::addColumn<int>("threads");
        for (const int threads : {1, 2}) {
            for (const char* kind : {"rnn", "mlp"}) {
                for (const NamedMixer& mixer : kMixers) {
                    QTest::addRow("%s, %s, %d threads", kind, mixer.name, threads) << kind << mixer.toml << threads;
                }
            }
        }
    }
    void repeatedSurgeryChangesNoBit() {
        QFETCH(QString, kind);
        QFETCH(QString, mixer);
        QFETCH(int, threads);
        at::set_num_threads(threads);
        CounterRng rng({static_cast<std::uint64_t>(threads), "test/units", 0});
        const Setup setup = brisk(kind.toStdString(), mixer.toStdString());
        const Theatre model(setup);
        for (const Site* named : model.willing()) {
            Theatre theatre(setup);
            const Site& site = siteNamed(theatre.online(), named->name);
            for (std::int64_t event = 0; event < 5; ++event) {
                theatre.train(3);
                QCOMPARE(whatChanges(theatre, planOf({{site.name, someUnits(site, rng)}}), event), std::string());
            }
        }
        Theatre everywhere(setup);
        for (std::int64_t event = 0; event < 5; ++event) {
            everywhere.train(3);
            SurgeryPlan plan;
            for (const Site* site : everywhere.willing()) {
                plan.operations.push_back({site->name, someUnits(*site, rng)});
            }
            QCOMPARE(whatChanges(everywhere, plan, event), std::string());
        }
    }

    void theSameUnitCanBeOperatedOnAgainAndAgain_data() { addNets(kMixers); }
    void theSameUnitCanBeOperatedOnAgainAndAgain() {
        QFETCH(QString, kind);
        QFETCH(QString, mixer);
        for (const int between : {0, 4}) { // also before the active neuron was ever updated
            Theatre theatre(brisk(kind.toStdString(), mixer.toStdString()));
            for (std::int64_t event = 0; event < 5; ++event) {
                theatre.train(between);
                SurgeryPlan plan;
                for (const Site* site : theatre.willing()) {
                    plan.operations.push_back({site->name, {5}});
                }
                QCOMPARE(whatChanges(theatre, plan, event), std::string());
            }
            const auto& branches = theatre.layer("agent.fc1").branches();
            if (between == 0) {
                QCOMPARE(branches.size(), std::size_t(1)); // the others came to nothing
                QCOMPARE(branches[0].event, std::int64_t(4));
                continue;
            }
            QCOMPARE(branches.size(), std::size_t(5));
            for (std::size_t e = 0; e < 5; ++e) {
                QCOMPARE(branches[e].event, std::int64_t(e));
                QCOMPARE(branches[e].superseded[0] != 0, e < 4);
            }
        }
    }

    void allUnitsAtOnceChangeNoBit_data() { addNets(kMixers); }
    void allUnitsAtOnceChangeNoBit() {
        QFETCH(QString, kind);
        QFETCH(QString, mixer);
        Theatre theatre(brisk(kind.toStdString(), mixer.toStdString()));
        for (std::int64_t event = 0; event < 3; ++event) {
            theatre.train(4);
            SurgeryPlan plan;
            for (const Site* site : theatre.willing()) {
                plan.operations.push_back({site->name, allUnits(*site)});
            }
            QCOMPARE(whatChanges(theatre, plan, event), std::string());
        }
        const ParameterCopy before(theatre.online().parameters());
        theatre.train(1); // and training goes on
        QVERIFY(!before.sameBitsAs(theatre.online().parameters()));
    }

    // Tensors large enough that LibTorch and the BLAS do split them between threads.
    void largeBatchesOnTwoThreadsChangeNoBit() {
        at::set_num_threads(2);
        Setup setup = brisk("rnn", "method = \"qmix\"");
        setup.hidden = 64;
        setup.spec.nAgents = 6;
        setup.spec.obsDim = 40;
        setup.spec.stateDim = 50;
        setup.spec.episodeLimit = 40;
        Theatre theatre(setup);
        theatre.lengths = {40, 37, 40, 21};
        CounterRng rng({3, "test/units", 0});
        for (std::int64_t event = 0; event < 3; ++event) {
            theatre.train(1);
            SurgeryPlan plan;
            for (const Site* site : theatre.willing()) {
                plan.operations.push_back({site->name, someUnits(*site, rng)});
            }
            QCOMPARE(whatChanges(theatre, plan, event), std::string());
        }
    }

    // What the checks above must be able to see.
    void aNaiveResetOfARowIsSeen_data() { addNets(kMixers); }
    void aNaiveResetOfARowIsSeen() {
        QFETCH(QString, kind);
        QFETCH(QString, mixer);
        Theatre theatre(brisk(kind.toStdString(), mixer.toStdString()));
        theatre.train(5);
        for (const Site* site : theatre.willing()) {
            const Batch batch = theatre.batch(900);
            const Probe before = theatre.learner->probe(batch);
            const at::Tensor weight = site->composite->weight()->value.detach();
            for (std::int64_t unit = 0; unit < 5; ++unit) { // one of them may be silent on this batch
                weight[unit].copy_(randomTensor({weight.size(1)}, static_cast<std::uint64_t>(unit)));
            }
            const OutputChange change = Learner::difference(before, theatre.learner->probe(batch));
            QVERIFY2(change.qTot > 1e-6 && change.loss > 0.0 && change.max() > 1e-6, site->name.c_str());
        }
    }

    void anUnknownChangeDoesNotPassForNone() {
        const double unknown = std::nan("");
        QCOMPARE((OutputChange{.q = 0.0, .qTot = 2.0, .targetQTot = 1.0, .loss = 0.5}).max(), 2.0);
        QVERIFY(std::isnan((OutputChange{.q = unknown, .loss = 1.0}).max()));
        QVERIFY(std::isnan((OutputChange{.qTot = unknown, .loss = 1.0}).max()));
        QVERIFY(std::isnan((OutputChange{.loss = unknown}).max()));
        // And a network that is not finite does not compare equal to itself.
        Theatre theatre(brisk());
        const Batch batch = theatre.batch(1);
        parameterNamed(theatre.online(), "agent.head.bias")
            .value.detach()
            .fill_(std::numeric_limits<float>::infinity());
        const Probe probe = theatre.learner->probe(batch);
        QVERIFY(std::isnan(Learner::difference(probe, probe).max()));
    }

    void knowledgeIsFrozenAndActivesMove_data() {
        QTest::addColumn<QString>("optimiser");
        QTest::addRow("rmsprop") << QString("rmsprop");
        QTest::addRow("adam") << QString("adam");
    }
    void knowledgeIsFrozenAndActivesMove() {
        QFETCH(QString, optimiser);
        Setup setup = brisk();
        setup.learning.optimiser = optimiser.toStdString();
        Theatre theatre(setup);
        theatre.train(5);
        theatre.operate(planOf({{"agent.fc1", {1, 5, 9}}, {"mixer.hyper_w1", {0, 3}}}), 0);
        theatre.train(5);
        theatre.operate(planOf({{"agent.fc1", {5, 10}}, {"mixer.hyper_w1", {3}}}), 1);

        const CompositeLinear& layer = theatre.layer("agent.fc1");
        const auto& branches = layer.branches();
        const at::Tensor knowledge = layer.weight()->value.detach().clone();
        const at::Tensor out = layer.out()->value.detach().clone();
        const at::Tensor bias = layer.bias()->value.detach().clone();
        const at::Tensor olderActive = branches[0].activeIn->value.detach().clone();
        const at::Tensor newerIn = branches[1].activeIn->value.detach().clone();
        const at::Tensor newerBias = branches[1].activeBias->value.detach().clone();
        const at::Tensor newerOut = branches[1].activeOut->value.detach().clone();
        const auto frozen = frozenValues(theatre.online().parameters());
        theatre.train(50);
        const auto stillFrozen = frozenValues(theatre.online().parameters());
        QCOMPARE(stillFrozen.size(), frozen.size());
        for (std::size_t i = 0; i < frozen.size(); ++i) {
            QVERIFY(sameBits(frozen[i], stillFrozen[i]));
        }
        for (const std::int64_t unit : {1, 5, 9, 10}) {
            QVERIFY(sameBits(layer.weight()->value[unit], knowledge[unit]));
            QVERIFY(sameBits(layer.bias()->value[unit], bias[unit]));
            QVERIFY(sameBits(layer.out()->value.select(1, unit), out.select(1, unit)));
        }
        QVERIFY(movedEverywhere(knowledge[0], layer.weight()->value.detach()[0])); // an ordinary unit
        const at::Tensor older = branches[0].activeIn->value.detach();
        QVERIFY(sameBits(older[1], olderActive[1])); // superseded: unit 5 lives in the second branch
        QVERIFY(movedEverywhere(older[0], olderActive[0]) && movedEverywhere(older[2], olderActive[2]));
        QVERIFY(movedEverywhere(branches[1].activeIn->value.detach(), newerIn));
        QVERIFY(movedEverywhere(branches[1].activeBias->value.detach(), newerBias));
        QVERIFY(movedEverywhere(branches[1].activeOut->value.detach(), newerOut));
    }

    void activesHaveTheGradientOfOrdinaryNeurons_data() { addNets(kMixers); }
    void activesHaveTheGradientOfOrdinaryNeurons() {
        QFETCH(QString, kind);
        QFETCH(QString, mixer);
        Setup setup = brisk(kind.toStdString(), mixer.toStdString());
        setup.learning.gradClip = 1e30;
        setup.learning.doubleQ = false;
        Theatre trained(setup);
        trained.train(5);
        SurgeryPlan plan;
        for (const Site* site : trained.willing()) {
            plan.operations.push_back({site->name, {1, 4}});
        }
        Theatre theatre = measuringRoom(trained);
        theatre.operate(plan, 0);
        const Batch batch = theatre.batch(70);
        QVERIFY(theatre.learner->update(batch));
        for (const Site* site : theatre.willing()) {
            const CompositeBranch& branch = site->composite->branches().back();
            for (const Parameter* parameter : {branch.activeIn, branch.activeBias, branch.activeOut}) {
                const std::string wrong = wrongSlope(theatre, *parameter, batch);
                QVERIFY2(wrong.empty(), wrong.c_str());
            }
        }
    }

    void theTargetIsMirroredOnItsOwnKnowledge() {
        Theatre theatre(brisk());
        theatre.train(5); // online and target differ now
        const CompositeLinear& own = *siteNamed(theatre.target(), "agent.fc1").composite;
        const at::Tensor knowledge = own.weight()->value.detach().clone();
        QCOMPARE(whatChanges(theatre, planOf({{"agent.fc1", {2, 3}}}), 0), std::string());
        QVERIFY(sameBits(own.weight()->value, knowledge));
        QVERIFY(!sameBits(own.weight()->value, theatre.layer("agent.fc1").weight()->value));
        const CompositeBranch& mirrored = own.branches().front();
        const CompositeBranch& branch = theatre.layer("agent.fc1").branches().front();
        QVERIFY(sameBits(mirrored.activeIn->value, branch.activeIn->value));
        QVERIFY(sameBits(mirrored.activeBias->value, branch.activeBias->value));
        QVERIFY(sameBits(mirrored.activeOut->value, branch.activeOut->value));
        QVERIFY(sameBits(mirrored.compensationIn->value, branch.activeIn->value));
        QVERIFY(sameBits(mirrored.compensationOut->value, branch.activeOut->value));
        theatre.train(5);
        QVERIFY(!sameBits(mirrored.activeIn->value, branch.activeIn->value));
        theatre.learner->copyToTarget();
        QVERIFY(sameBits(mirrored.activeIn->value, branch.activeIn->value));
        const Probe probe = theatre.learner->probe(theatre.batch(900));
        QVERIFY(sameBits(probe.qTot, probe.targetQTot));
    }

    void aHardSyncCopiesTheOnlineNetwork() {
        Theatre theatre(brisk());
        theatre.train(5);
        SurgeryPlan plan = planOf({{"agent.fc1", {2, 3}}, {"mixer.v", {0}}});
        plan.target = TargetPolicy::HardSync;
        const Batch batch = theatre.batch(900);
        const Probe before = theatre.learner->probe(batch);
        const ParameterCopy targetBefore(theatre.target().parameters());
        theatre.operate(plan, 0);
        const Probe after = theatre.learner->probe(batch);
        QVERIFY(sameBits(after.q, before.q) && sameBits(after.qTot, before.qTot));
        QVERIFY(!sameBits(after.targetQTot, before.targetQTot));
        QVERIFY(sameBits(after.targetQTot, after.qTot));
        QVERIFY(theatre.surgeon.undo());
        QVERIFY(targetBefore.sameBitsAs(theatre.target().parameters()));
        QVERIFY(sameBits(theatre.learner->probe(batch).targetQTot, before.targetQTot));
    }

    void undoTakesEverythingBack_data() { addNets(kMixers); }
    void undoTakesEverythingBack() {
        QFETCH(QString, kind);
        QFETCH(QString, mixer);
        Setup setup = brisk(kind.toStdString(), mixer.toStdString());
        setup.learning.optimiser = "adam";
        Theatre operated(setup);
        Theatre untouched(setup);
        QVERIFY(!operated.surgeon.undo());
        for (Theatre* theatre : {&operated, &untouched}) {
            theatre->train(5);
            theatre->operate(planOf({{"agent.fc1", {1, 4, 7}}}), 0); // one that stays
            theatre->train(5);
        }
        QVERIFY(!operated.surgeon.canUndo());
        const ParameterCopy online(operated.online().parameters());
        const ParameterCopy target(operated.target().parameters());
        const std::string hash = operated.learner->weightsSha256();
        SurgeryPlan plan;
        for (const Site* site : operated.willing()) {
            plan.operations.push_back({site->name, {0, 4, 5}});
        }
        for (const auto policy : {TargetPolicy::Mirror, TargetPolicy::HardSync}) {
            plan.target = policy;
            operated.operate(plan, 1);
            QVERIFY(operated.learner->weightsSha256() != hash);
            QVERIFY(operated.surgeon.canUndo());
            QVERIFY(operated.surgeon.undo());
            QVERIFY(!operated.surgeon.undo());
            QVERIFY(online.sameBitsAs(operated.online().parameters()));
            QVERIFY(target.sameBitsAs(operated.target().parameters()));
            QCOMPARE(operated.learner->weightsSha256(), hash);
            for (const CompositeBranch& branch : operated.layer("agent.fc1").branches()) {
                QVERIFY(std::ranges::none_of(branch.superseded, [](char s) { return s != 0; }));
            }
        }
        operated.train(10);
        untouched.train(10);
        QVERIFY(sameBits(operated.online().parameters(), untouched.online().parameters()));
        QCOMPARE(operated.learner->weightsSha256(), untouched.learner->weightsSha256());
    }

    void theSameSurgeryDrawsTheSameNeurons() {
        Theatre first(brisk());
        Theatre second(brisk());
        const SurgeryPlan plan = planOf({{"agent.fc1", {2, 3}}, {"mixer.hyper_w2", {1}}});
        first.operate(plan, 4);
        // Taken back and done again; and in another order of sites, as a plan by hand may be.
        second.operate(planOf({{"agent.fc1", {9}}}), 4);
        QVERIFY(second.surgeon.undo());
        second.operate(planOf({{"mixer.hyper_w2", {1}}, {"agent.fc1", {2, 3}}}), 4);
        QVERIFY(sameBits(first.online().parameters(), second.online().parameters()));
        QVERIFY(sameBits(first.target().parameters(), second.target().parameters()));
        Theatre later(brisk());
        later.operate(plan, 5);
        QVERIFY(!sameBits(first.layer("agent.fc1").branches().front().activeIn->value,
                          later.layer("agent.fc1").branches().front().activeIn->value));
    }

    void freshNeuronsAreDrawnLikeTheirLayer() {
        Theatre theatre(brisk());
        const Site& site = siteNamed(theatre.online(), "agent.fc1");
        theatre.operate(planOf({{site.name, allUnits(site)}}), 0);
        const CompositeBranch& branch = site.composite->branches().front();
        const auto check = [](const Parameter* parameter, double fanIn) {
            const double bound = 1.0 / std::sqrt(fanIn);
            const at::Tensor value = parameter->value.detach();
            QVERIFY(value.abs().max().item<double>() <= bound);
            const double spread = value.square().mean().item<double>() / (bound * bound / 3.0);
            QVERIFY2(spread > 0.5 && spread < 1.6, parameter->name.c_str());
        };
        const auto inputs = static_cast<double>(theatre.setup.layout().width());
        check(branch.activeIn, inputs);
        check(branch.activeBias, inputs);
        check(branch.activeOut, 16.0);
    }

    void secondMomentsStartAtTheHealthyMean_data() {
        QTest::addColumn<QString>("optimiser");
        QTest::addRow("rmsprop") << QString("rmsprop");
        QTest::addRow("adam") << QString("adam");
    }
    void secondMomentsStartAtTheHealthyMean() {
        QFETCH(QString, optimiser);
        Setup setup = brisk();
        setup.learning.optimiser = optimiser.toStdString();
        Theatre theatre(setup);
        theatre.train(5);
        theatre.operate(planOf({{"agent.fc1", {3, 8}}}), 0);
        theatre.train(5);
        const CompositeLinear& layer = theatre.layer("agent.fc1");
        // Healthy: all ordinary units but 0, and of the first branch only unit 8, since 3 is operated on again.
        at::Tensor in = layer.branches()[0].activeIn->moment2[1].clone();
        at::Tensor bias = layer.branches()[0].activeBias->moment2[1].clone();
        at::Tensor out = layer.branches()[0].activeOut->moment2.select(1, 1).clone();
        double healthy = 1.0;
        for (std::int64_t unit = 1; unit < 16; ++unit) {
            if (unit != 3 && unit != 8) {
                in += layer.weight()->moment2[unit];
                bias += layer.bias()->moment2[unit];
                out += layer.out()->moment2.select(1, unit);
                healthy += 1.0;
            }
        }
        theatre.operate(planOf({{"agent.fc1", {0, 3}}}), 1);
        const CompositeBranch& branch = layer.branches()[1];
        for (std::int64_t k = 0; k < 2; ++k) {
            QVERIFY(at::allclose(branch.activeIn->moment2[k], in / healthy, 1e-5, 0.0));
            QVERIFY(at::allclose(branch.activeBias->moment2[k], bias / healthy, 1e-5, 0.0));
            QVERIFY(at::allclose(branch.activeOut->moment2.select(1, k), out / healthy, 1e-5, 0.0));
        }
        QVERIFY(branch.activeIn->moment2.min().item<float>() > 0.F);
        for (const Parameter* parameter : {branch.activeIn, branch.activeBias, branch.activeOut}) {
            QCOMPARE(parameter->moment1.abs().sum().item<float>(), 0.F);
        }
        // The frozen units' own moments are gone.
        for (const std::int64_t unit : {0, 3, 8}) {
            QCOMPARE(layer.weight()->moment1[unit].abs().sum().item<float>(), 0.F);
            QCOMPARE(layer.weight()->moment2[unit].abs().sum().item<float>(), 0.F);
            QCOMPARE(layer.out()->moment2.select(1, unit).abs().sum().item<float>(), 0.F);
        }
        QCOMPARE(layer.branches()[0].activeIn->moment2[0].abs().sum().item<float>(), 0.F);
    }

    void momentsOfAWhollyOperatedLayerComeFromItsOwnHistory() {
        Theatre theatre(brisk());
        theatre.train(5);
        const Site& site = siteNamed(theatre.online(), "mixer.v");
        const at::Tensor mean = site.composite->weight()->moment2.mean(0);
        theatre.operate(planOf({{site.name, allUnits(site)}}), 0);
        const CompositeBranch& branch = site.composite->branches().front();
        QVERIFY(at::allclose(branch.activeIn->moment2, mean.unsqueeze(0).expand_as(branch.activeIn->moment2)));
    }

    void momentsCanStartAtZero() {
        Theatre theatre(brisk());
        theatre.train(5);
        SurgeryPlan plan = planOf({{"agent.fc1", {0, 3}}});
        plan.optimiser = OptimiserPolicy::Zero;
        theatre.operate(plan, 0);
        const CompositeBranch& branch = theatre.layer("agent.fc1").branches().front();
        QCOMPARE(branch.activeIn->moment2.abs().sum().item<float>(), 0.F);
        // Which is why the other policy is the default: the first RMSprop step is ten times the learning rate.
        const at::Tensor before = branch.activeIn->value.detach().clone();
        theatre.train(1);
        const double step = (branch.activeIn->value.detach() - before).abs().max().item<double>();
        QVERIFY(step > 9.0 * theatre.setup.learning.lr);
    }

    void momentsCanBeKeptOrClearedEverywhere() {
        for (const OptimiserPolicy policy : {OptimiserPolicy::Keep, OptimiserPolicy::ResetAll}) {
            Theatre theatre(brisk());
            theatre.train(5);
            const CompositeLinear& layer = theatre.layer("agent.fc1");
            const at::Tensor before = layer.weight()->moment2[5].clone();
            const at::Tensor elsewhere = theatre.layer("mixer.v").weight()->moment2.clone();
            SurgeryPlan plan = planOf({{"agent.fc1", {0, 3}}});
            plan.optimiser = policy;
            theatre.operate(plan, 0);
            const bool keeps = policy == OptimiserPolicy::Keep;
            QVERIFY(before.sum().item<float>() > 0.F && elsewhere.sum().item<float>() > 0.F);
            QCOMPARE(sameBits(layer.weight()->moment2[5], before), keeps);
            QCOMPARE(sameBits(theatre.layer("mixer.v").weight()->moment2, elsewhere), keeps);
            // What is new has none, and what is frozen none any more.
            QCOMPARE(layer.branches().front().activeIn->moment2.sum().item<float>(), 0.F);
            QCOMPARE(layer.weight()->moment2[3].sum().item<float>(), 0.F);
            for (const ParameterBlock& block : theatre.online().parameters().blocks()) {
                QVERIFY(keeps || !block.trainable || block.moment2.abs().sum().item<float>() == 0.F);
            }
        }
    }

    void receiptsCountParameters_data() { addNets(kMixers); }
    void receiptsCountParameters() {
        QFETCH(QString, kind);
        QFETCH(QString, mixer);
        Theatre theatre(brisk(kind.toStdString(), mixer.toStdString()));
        const ParameterSet& parameters = theatre.online().parameters();
        const std::int64_t trainable = parameters.count(Trainability::Trainable);
        QCOMPARE(parameters.count(Trainability::Frozen), std::int64_t(0));
        std::int64_t frozen = 0;
        std::int64_t event = 0;
        // Fresh units, then partly the same ones.
        for (const std::vector<int>& units : {std::vector<int>{1, 4, 5}, std::vector<int>{4, 6}}) {
            for (const Site* site : theatre.willing()) {
                const auto receipts = theatre.operate(planOf({{site->name, units}}), event++);
                QCOMPARE(receipts.size(), std::size_t(1));
                QCOMPARE(receipts[0].site, site->name);
                QCOMPARE(receipts[0].units, units);
                QCOMPARE(receipts[0].kind, std::string("composite"));
                const auto& shape = site->composite->shape();
                const std::int64_t each = shape.in + 1 + shape.out;
                const auto count = static_cast<std::int64_t>(units.size());
                QCOMPARE(receipts[0].frozenParameters, 2 * each * count);
                QCOMPARE(receipts[0].trainableParameters, each * count);
                frozen += receipts[0].frozenParameters;
                QCOMPARE(parameters.count(Trainability::Frozen), frozen);
                QCOMPARE(parameters.count(Trainability::Trainable), trainable);
            }
        }
    }

    void addressesOfParametersSurvive() {
        Theatre theatre(brisk());
        theatre.train(1);
        const Parameter& rows = parameterNamed(theatre.online(), "agent.fc1.weight");
        const void* value = rows.value.data_ptr();
        const void* gradient = rows.grad.data_ptr();
        theatre.operate(planOf({{"agent.fc1", {1}}}), 0);
        theatre.train(2);
        QCOMPARE(&parameterNamed(theatre.online(), "agent.fc1.weight"), &rows);
        QCOMPARE(rows.value.data_ptr(), value);
        QCOMPARE(rows.grad.data_ptr(), gradient);
        QCOMPARE(rows.value.grad().data_ptr(), gradient);
    }

    void refusedPlansChangeNothing_data() {
        QTest::addColumn<QString>("site");
        QTest::addColumn<QList<int>>("units");
        QTest::addColumn<bool>("unsupported");
        QTest::addColumn<QString>("says");
        using Units = QList<int>;
        QTest::addRow("unknown site") << "agent.fc9" << Units{1} << false << "agent.fc9";
        QTest::addRow("no units") << "agent.fc1" << Units{} << false << "no units";
        QTest::addRow("unordered") << "agent.fc1" << Units{2, 1} << false << "ascend";
        QTest::addRow("repeated") << "agent.fc1" << Units{1, 1} << false << "ascend";
        QTest::addRow("too large") << "agent.fc1" << Units{3, 16} << false << "0 to 15";
        QTest::addRow("negative") << "agent.fc1" << Units{-1, 3} << false << "0 to 15";
        QTest::addRow("mixing units") << "mixer.mix" << Units{1} << true << "monotonicity";
        QTest::addRow("second layer") << "agent.fc2" << Units{1} << true << "agent.fc1";
    }
    void refusedPlansChangeNothing() {
        QFETCH(QString, site);
        QFETCH(QList<int>, units);
        QFETCH(bool, unsupported);
        QFETCH(QString, says);
        Theatre theatre(brisk("mlp"));
        theatre.train(3);
        const ParameterCopy online(theatre.online().parameters());
        const ParameterCopy target(theatre.target().parameters());
        const SiteOperation bad{site.toStdString(), {units.begin(), units.end()}};
        // Alone, and behind a good operation that must not be begun.
        for (const bool alone : {true, false}) {
            SurgeryPlan plan = planOf({bad});
            if (!alone) {
                if (units.isEmpty()) {
                    continue; // an operation without units is idle, not wrong, beside others
                }
                plan.operations.insert(plan.operations.begin(), {"mixer.v", {0}});
            }
            const auto refused = theatre.surgeon.apply(plan, 0);
            QVERIFY(!refused);
            QVERIFY(refused.error().code == (unsupported ? ErrorCode::Unsupported : ErrorCode::Usage));
            QVERIFY2(refused.error().message.find(says.toStdString()) != std::string::npos,
                     refused.error().message.c_str());
            QVERIFY(online.sameBitsAs(theatre.online().parameters()));
            QVERIFY(target.sameBitsAs(theatre.target().parameters()));
            QVERIFY(!theatre.surgeon.canUndo());
        }
    }

    void aPlanMayNameASiteOnce() {
        Theatre theatre(brisk());
        const auto twice = theatre.surgeon.apply(planOf({{"agent.fc1", {1}}, {"agent.fc1", {2}}}), 0);
        QVERIFY(!twice);
        QVERIFY(twice.error().code == ErrorCode::Usage);
        const auto idle = theatre.surgeon.apply(planOf({{"agent.fc1", {}}, {"mixer.v", {2}}}), 0);
        QVERIFY(idle);
        QCOMPARE(idle->size(), std::size_t(1));
        QVERIFY(theatre.surgeon.undo());
    }

    void knifeProposesWhatWasStagnantLongEnough() {
        const Watched watched({0.01, 1.0, 0.05, 0.02});
        KnifeConfig config;
        QVERIFY(watched.propose(config).empty()); // nothing seen yet
        watched.windows(1);
        QVERIFY(watched.propose(config).empty()); // persistence 2
        config.persistence = 1;
        QCOMPARE(watched.propose(config).operations, (std::vector<SiteOperation>{{"agent.fc1", {0, 2, 3}}}));
        watched.windows(1);
        config.persistence = 2;
        const SurgeryPlan plan = watched.propose(config);
        QCOMPARE(plan.operations, (std::vector<SiteOperation>{{"agent.fc1", {0, 2, 3}}}));
        QCOMPARE(plan.intervention, std::string("knife"));
        QVERIFY(plan.optimiser == OptimiserPolicy::MeanFill && plan.target == TargetPolicy::Mirror);
        config.persistence = 3;
        QVERIFY(watched.propose(config).empty());
    }

    void knifeTakesTheMostStagnantUpToItsShare() {
        const Watched watched({0.04, 0.01, 0.05, 0.02, 0.03, 0.011});
        watched.windows(2);
        KnifeConfig config;
        QCOMPARE(watched.propose(config).operations, (std::vector<SiteOperation>{{"agent.fc1", {1, 3, 4, 5}}}));
        config.maxFraction = 0.19; // 3.04 of 16
        QCOMPARE(watched.propose(config).operations, (std::vector<SiteOperation>{{"agent.fc1", {1, 3, 5}}}));
        config.maxFraction = 0.0;
        QVERIFY(watched.propose(config).empty());
        config.maxFraction = 1.0;
        QCOMPARE(watched.propose(config).operations.front().units.size(), std::size_t(6));
    }

    void knifeKeepsToItsSitesAndPolicies() {
        const Watched watched({0.01});
        watched.windows(2);
        KnifeConfig config;
        config.policy.optimiser = "zero";
        config.policy.target = "hard_sync";
        config.policy.sites = {"agent.fc1"};
        const SurgeryPlan plan = watched.propose(config);
        QVERIFY(!plan.empty());
        QVERIFY(plan.optimiser == OptimiserPolicy::Zero && plan.target == TargetPolicy::HardSync);
        config.policy.sites = {"mixer.v"};
        QVERIFY(watched.propose(config).empty());
    }

    void knifeLeavesALayerWithoutSignalAlone() {
        const Watched watched(std::vector<double>(16, 0.0));
        watched.windows(3);
        QCOMPARE(watched.diagnostics->stagnantWindows(0, 0), 3);
        KnifeConfig config;
        config.persistence = 1;
        QVERIFY(watched.propose(config).empty());
    }

    void knifeWaitsForOperatedUnits() {
        const Watched watched({0.01, 0.02});
        watched.windows(2);
        watched.diagnostics->touch(0, {0});
        const KnifeConfig config;
        QCOMPARE(watched.propose(config).operations, (std::vector<SiteOperation>{{"agent.fc1", {1}}}));
        watched.windows(1);
        QCOMPARE(watched.propose(config).operations.front().units, (std::vector<int>{1}));
        watched.windows(1);
        QCOMPARE(watched.propose(config).operations.front().units, (std::vector<int>{0, 1}));
    }

    void knifeCalmsVolatileUnitsIfAsked() {
        const Watched watched({9.0, 0.01});
        watched.windows(1);
        KnifeConfig config;
        const auto prepared = [&] {
            return Knife(config).prepare({.diagnostics = *watched.diagnostics, .net = *watched.net});
        };
        QVERIFY(std::ranges::all_of(prepared(), &SurgeryPlan::empty));
        for (const auto& [action, operation] : {std::pair{"shrink", "shrink_units"}, {"reset", "reset_units"}}) {
            config.volatileAction = action;
            const std::vector<SurgeryPlan> plans = prepared();
            QCOMPARE(plans.size(), std::size_t(2));
            QVERIFY(plans[0].empty());
            QCOMPARE(plans[1].operation, std::string(operation));
            QCOMPARE(plans[1].operations, (std::vector<SiteOperation>{{"agent.fc1", {0}}}));
        }
        watched.diagnostics->touch(0, {0});
        QVERIFY(prepared()[1].empty()); // in its grace
        watched.windows(2);
        QCOMPARE(prepared()[1].operations.front().units, std::vector<int>{0});
    }

    void shrunkUnitsGiveTheirShare() {
        Theatre theatre(brisk());
        theatre.train(3);
        theatre.operate(planOf({{"agent.fc1", {4}}}), 0);
        theatre.train(3);
        SurgeryPlan plan = planOf({{"agent.fc1", {2, 4}}});
        plan.operation = "shrink_units";
        plan.settings = "factor = 0.25";
        const CompositeLinear& layer = theatre.layer("agent.fc1");
        const ParameterCopy before(theatre.online().parameters());
        const at::Tensor plain = layer.weight()->value.detach().clone();
        const at::Tensor active = layer.branches().front().activeIn->value.detach().clone();
        const auto receipts = theatre.operate(plan, 1);
        QCOMPARE(receipts.front().kind, std::string("shrunk"));
        QVERIFY(sameBits(layer.weight()->value.detach()[2], plain[2] * 0.25));
        QVERIFY(sameBits(layer.weight()->value.detach()[4], plain[4])); // knowledge
        QVERIFY(sameBits(layer.branches().front().activeIn->value.detach()[0], active[0] * 0.25));
        QVERIFY(theatre.surgeon.undo());
        QVERIFY(before.sameBitsAs(theatre.online().parameters()));
        plan.operations = {{"mixer.mix", {0}}};
        QVERIFY(!theatre.surgeon.check(plan));
    }

    void knifeConsolidatesBeforeItGrows() {
        Watched watched({0.01, 1.0, 0.05, 0.02});
        watched.windows(2);
        const auto target = buildNet(watched.setup.net());
        Surgeon surgeon(*watched.net, *target, 3);
        QVERIFY(surgeon.apply(planOf({{"agent.fc1", {5, 6, 7}}, {"mixer.v", {1}}}), 0));
        KnifeConfig config;
        const auto consolidation = [&] {
            return Knife(config).prepare({.diagnostics = *watched.diagnostics, .net = *watched.net}).front();
        };
        QVERIFY(consolidation().empty());
        config.consolidation = "lstsq";
        const SurgeryPlan plan = consolidation();
        QCOMPARE(plan.operation, std::string("consolidate"));
        QCOMPARE(plan.operations, (std::vector<SiteOperation>{{"agent.fc1", {5, 6, 7}}, {"mixer.v", {1}}}));
        config.maxFrozenRatio = 0.5; // 3 + 3 units of 16 would make 12 frozen for 16 trainable ones
        QVERIFY(watched.propose(config).empty());
        config.atLimit = "consolidate"; // nothing is stagnant at mixer.v
        QCOMPARE(consolidation().operations, (std::vector<SiteOperation>{{"agent.fc1", {5, 6, 7}}}));
        config.maxFrozenRatio = 2.0;
        QVERIFY(consolidation().empty());
        QVERIFY(!watched.propose(config).empty());
    }

    void interventionsAreReadFromTheirSection() {
        const auto net = buildNet(Setup().net());
        const auto knife = makeIntervention(
            sectionOf("method = \"knife\"\ntrigger = \"periodic\"\nevery = 50\nsites = [\"mixer.v\"]", "interventions"),
            *net);
        QVERIFY(knife);
        QCOMPARE((*knife)->trigger().trigger, std::string("periodic"));
        QCOMPARE((*knife)->trigger().every, std::int64_t(50));
        for (const char* wrong :
             {"method = \"scalpel\"", "trigger = \"manual\"", "method = \"knife\"\nsites = [\"agent.fc7\"]",
              "method = \"knife\"\nsites = [\"mixer.mix\"]", "method = \"knife\"\npersistance = 2",
              "method = \"knife\"\nmax_fraction = 1.5",
              "method = \"knife\"\nconsolidation = \"prune\"\nknowledge_out = \"trainable\"",
              "method = \"knife\"\nconsolidation = \"prune\"\nat_limit = \"consolidate\"",
              "method = \"knife\"\nat_limit = \"consolidate\"\nmax_frozen_ratio = 2.0",
              "method = \"knife\"\ntrigger = \"sometimes\""}) {
            const auto refused = makeIntervention(sectionOf(wrong, "interventions"), *net);
            QVERIFY2(!refused, wrong);
            QVERIFY(refused.error().code == ErrorCode::Usage);
        }
        QVERIFY(makeIntervention(sectionOf("method = \"knife\"\nmax_fraction = 0", "interventions"), *net));
        const auto resolved = resolveIntervention(sectionOf("method = \"knife\"", "interventions"));
        QVERIFY(resolved);
        QVERIFY(resolved->has("max_fraction") && resolved->has("persistence") && resolved->has("trigger"));
    }
};

QTEST_APPLESS_MAIN(TestSurgery)
#include "tst_surgery.moc"
