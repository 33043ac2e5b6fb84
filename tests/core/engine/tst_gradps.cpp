// SPDX-License-Identifier: GPL-3.0-or-later
// GradPS: agents that pull a unit apart are told apart, get rows of their own without a trace, and learn each their
// own.
#include <algorithm>
#include <cmath>

#include <ATen/ATen.h>
#include <QTest>
#include <rapidcheck.h>

#include "core/plasticity/interventions/gradps.h"
#include "core/plasticity/operations/consolidate.h"
#include "core/plasticity/operations/split_units.h"
#include "net_rows.h"
#include "theatre.h"

using namespace knife;
using namespace knife::test;

namespace {

using Groups = std::vector<int>;

SurgeryPlan splitOf(SiteOperation operation) {
    SurgeryPlan plan = planOf({std::move(operation)});
    plan.intervention = "by_hand";
    plan.operation = "split_units";
    plan.optimiser = OptimiserPolicy::Keep;
    return plan;
}

// Without a fast path, whose sums are ordered otherwise than those of the graph that takes its place.
Setup byGraph(const std::string& kind, const std::string& mixer = "method = \"vdn\"") {
    Setup setup = brisk(kind, mixer);
    setup.pool = nullptr;
    return setup;
}

AgentConflicts conflictsOf(const std::vector<std::vector<double>>& observations) {
    AgentConflicts conflicts(observations.front().size());
    for (const std::vector<double>& gains : observations) {
        conflicts.add(gains);
    }
    return conflicts;
}

double strongestWithin(const AgentConflicts& conflicts, const Groups& groups) {
    double strongest = 0.0;
    for (std::size_t a = 0; a < groups.size(); ++a) {
        for (std::size_t b = 0; b < a; ++b) {
            strongest = groups[a] == groups[b] ? std::max(strongest, conflicts.between(a, b)) : strongest;
        }
    }
    return strongest;
}

// The smallest of that over all ways to divide agents.
double leastOfAll(const AgentConflicts& conflicts, std::size_t agents, int groups) {
    double least = INFINITY;
    Groups choice(agents, 0);
    for (;;) {
        least = std::min(least, strongestWithin(conflicts, choice));
        std::size_t digit = 0;
        while (digit < agents && ++choice[digit] == groups) {
            choice[digit++] = 0;
        }
        if (digit == agents) {
            return least;
        }
    }
}

// agent.fc1 of 16 units and three agents, shown gains by hand.
struct Scripted {
    std::unique_ptr<FactorizedNet> net;
    Diagnostics diagnostics;
    std::int64_t update = 0;

    Scripted() : net(buildNet(Setup().net())), diagnostics({}, net->sites()) {}
    // One update in which unit j of agent a gains gains[a][j]; units beyond have the last entry's.
    void show(UpdateListener& listener, const std::vector<std::vector<float>>& gains) {
        SiteTaps taps(net->sites().all().size());
        SiteTap& tap = taps[siteIndex(*net, "agent.fc1")];
        tap.hidden = at::ones({4, 16});
        tap.gradient = at::full({4, 16}, 1e6F);
        for (std::size_t agent = 0; agent < 3; ++agent) {
            for (std::size_t unit = 0; unit < 16; ++unit) {
                tap.gradient[static_cast<std::int64_t>(agent)][static_cast<std::int64_t>(unit)] =
                    gains[agent][std::min(unit, gains[agent].size() - 1)];
            }
        }
        RowValidity rows{.agent = at::tensor({1.F, 1.F, 1.F, 0.F}), .mixer = {}, .agents = 3};
        const UpdateMoment moment{.update = update++, .parameters = net->parameters(), .taps = &taps, .rows = &rows};
        QVERIFY(listener.wishes(moment.update).activationGradients);
        listener.stepped(moment);
    }
    [[nodiscard]] SurgeryPlan proposed(const Intervention& method) const {
        return method.propose({.diagnostics = diagnostics, .net = *net});
    }
};

} // namespace

class TestGradps : public QObject {
    Q_OBJECT

  private Q_SLOTS:
    void agentsAreSetApart() {
        QCOMPARE(conflictsOf({{1, -1, 2, -3}}).separated(2), (Groups{0, 1, 0, 1}));
        QCOMPARE(conflictsOf({{1, 2, 3}, {-1, -1, -1}}).separated(2), (Groups{0, 0, 0}));
        QCOMPARE(conflictsOf({{5, -4}}).between(0, 1), 8.0); // |5| + |-4| - |5 - 4|
        // Everybody against everybody: two groups leave the weakest conflict, between the first two; three leave none.
        const AgentConflicts triangle = conflictsOf({{1, -1, 0}, {3, 0, -3}, {0, 2, -2}});
        QCOMPARE(triangle.separated(2), (Groups{0, 0, 1}));
        QCOMPARE(triangle.separated(3), (Groups{0, 1, 2}));
    }

    void noDivisionIsBetter() {
        QVERIFY(rc::check("no other division leaves a weaker conflict within a group", [] {
            const auto agents = *rc::gen::inRange<std::size_t>(2, 6);
            const auto groups = *rc::gen::inRange(2, 4);
            std::vector<std::vector<double>> observations;
            for (int i = *rc::gen::inRange(1, 5); i > 0; --i) {
                std::vector<double> gains;
                for (std::size_t agent = 0; agent < agents; ++agent) {
                    gains.push_back(*rc::gen::inRange(-9, 10));
                }
                observations.push_back(gains);
            }
            const AgentConflicts conflicts = conflictsOf(observations);
            const Groups found = conflicts.separated(groups);
            RC_ASSERT(found.front() == 0);
            RC_ASSERT(std::ranges::max(found) < groups);
            for (int group = 0; group <= std::ranges::max(found); ++group) {
                RC_ASSERT(std::ranges::count(found, group) > 0);
            }
            RC_ASSERT(strongestWithin(conflicts, found) == leastOfAll(conflicts, agents, groups));
        }));
    }

    void splitsChangeNoBit_data() { addNets({kTwoLayerQmix, kQplex, kIql}); }
    void splitsChangeNoBit() {
        QFETCH(QString, kind);
        QFETCH(QString, mixer);
        Theatre theatre(byGraph(kind.toStdString(), mixer.toStdString()));
        theatre.train(4);
        SurgeryPlan plan = splitOf({.site = "agent.fc1", .units = {1, 4, 9}, .groups = {0, 1, 0, 0, 1, 2, 1, 0, 1}});
        QCOMPARE(whatChanges(theatre, plan, 0), std::string());
        theatre.train(4); // clones and rows drift apart
        const at::Tensor clones = theatre.layer("agent.fc1").clones().events()[0].rows->value.detach();
        QVERIFY(!sameBits(clones[0], theatre.layer("agent.fc1").weight()->value.detach()[1]));
        plan = splitOf({.site = "agent.fc1", .units = {0, 15}, .groups = {0, 0, 1, 0, 1, 1}});
        QCOMPARE(whatChanges(theatre, plan, 1), std::string());
        // KNIFE on a split unit and beside it: what the clones have learned is knowledge, too.
        const at::Tensor known = clones.clone();
        QCOMPARE(whatChanges(theatre, planOf({{"agent.fc1", {2, 4}}}), 2), std::string());
        theatre.train(4);
        QVERIFY(!sameBits(known[0], clones[0]));
        QVERIFY(sameBits(known[1], clones[1]) && sameBits(known[2], clones[2])); // of unit 4
        QVERIFY(!sameBits(known[3], clones[3]));
    }

    // A fast path that does not know clones makes way; the two agree up to rounding, before and after.
    void theFastPathMakesWay() {
        Theatre theatre(brisk("rnn"));
        theatre.train(4);
        QVERIFY(!theatre.online().agent().outgrewKernel());
        const OutputChange change =
            theatre.measure(splitOf({.site = "agent.fc1", .units = {3, 4}, .groups = {0, 1, 1, 0, 0, 1}}), 0);
        QVERIFY(theatre.online().agent().outgrewKernel());
        QVERIFY2(change.max() < 1e-5, complaint(change, "rnn").c_str());
        theatre.train(4);
        Setup slow = byGraph("rnn", brisk().mixer);
        const auto reference = buildNet(slow.net());
        reference->sites()
            .find("agent.fc1")
            ->composite->addClones(reference->parameters(), 0, theatre.layer("agent.fc1").clones().events()[0].groups);
        reference->parameters().copyValuesFrom(theatre.online().parameters());
        const Batch batch = theatre.batch(77);
        const at::NoGradGuard noGrad;
        const at::Tensor expected = reference->pass(batch.inputs, Keep::Nothing, nullptr).agent.outputs;
        const at::Tensor got = theatre.online().pass(batch.inputs, Keep::Nothing, nullptr).agent.outputs;
        QVERIFY(sameBits(expected, got));
    }

    // Each agent's activations are those of an ordinary layer with the row of its group.
    void everyGroupHasItsRow() {
        Theatre theatre(byGraph("mlp"));
        theatre.train(3);
        const Groups ofUnit{0, 1, 2};
        theatre.operate(splitOf({.site = "agent.fc1", .units = {5}, .groups = ofUnit}), 0);
        theatre.train(5);
        const CompositeLinear& layer = theatre.layer("agent.fc1");
        const at::NoGradGuard noGrad;
        const at::Tensor x = randomTensor({12, layer.shape().in}, 3);
        SiteTap tap;
        (void)layer.forward(x, &tap);
        for (std::int64_t row = 0; row < 12; ++row) {
            const int group = ofUnit[static_cast<std::size_t>(row % 3)];
            const at::Tensor weights =
                group == 0 ? layer.weight()->value[5] : layer.clones().events()[0].rows->value[group - 1];
            const at::Tensor expected = at::relu((weights * x[row]).sum() + layer.bias()->value[5]);
            QVERIFY(at::allclose(tap.hidden[row][5], expected, 1e-5, 1e-6));
        }
        const at::Tensor ordinary = at::relu(at::linear(x, layer.weight()->value, layer.bias()->value));
        QVERIFY(sameBits(tap.hidden.select(1, 4), ordinary.select(1, 4)));
        QVERIFY(!sameBits(tap.hidden.select(1, 5), ordinary.select(1, 5)));
    }

    // At the moment of the split the parts of the gradient add up to what the unit's row had, and each is one group's.
    void gradientsAreDividedBetweenTheGroups() {
        Setup setup = byGraph("rnn");
        setup.learning.lr = 0.0;
        setup.learning.gradClip = 0.0;
        const auto gradientsOf = [&](const Groups& groups) {
            Theatre theatre(setup);
            if (!groups.empty()) {
                theatre.operate(splitOf({.site = "agent.fc1", .units = {5}, .groups = groups}), 0);
            }
            theatre.train(1);
            const CompositeLinear& layer = theatre.layer("agent.fc1");
            std::vector<at::Tensor> gradients{layer.weight()->grad[5].clone(), layer.bias()->grad.clone(),
                                              layer.out()->grad.clone()};
            if (!groups.empty()) {
                gradients.push_back(layer.clones().events()[0].rows->grad.clone());
            }
            return gradients;
        };
        const auto whole = gradientsOf({});
        const auto split = gradientsOf({0, 1, 2});
        const auto paired = gradientsOf({0, 1, 1});
        QVERIFY(whole[0].abs().max().item<float>() > 1e-6F);
        QVERIFY(at::allclose(split[0] + split[3].sum(0), whole[0], 1e-4, 1e-8));
        QVERIFY(at::allclose(split[1], whole[1], 1e-5, 1e-8)); // the bias is shared
        QVERIFY(at::allclose(split[2], whole[2], 1e-5, 1e-8)); // and the outgoing weights
        QVERIFY(at::allclose(paired[3][0], split[3].sum(0), 1e-4, 1e-8));
        QVERIFY(at::allclose(paired[0], split[0], 1e-4, 1e-8));
        QVERIFY(!at::allclose(split[3][0], split[3][1], 1e-2, 1e-8));
    }

    void momentsOfClones_data() {
        QTest::addColumn<int>("policy");
        QTest::newRow("keep") << static_cast<int>(OptimiserPolicy::Keep);
        QTest::newRow("zero") << static_cast<int>(OptimiserPolicy::Zero);
        QTest::newRow("mean_fill") << static_cast<int>(OptimiserPolicy::MeanFill);
    }
    void momentsOfClones() {
        QFETCH(int, policy);
        Theatre theatre(byGraph("mlp"));
        theatre.train(3);
        SurgeryPlan plan = splitOf({.site = "agent.fc1", .units = {2, 7}, .groups = {0, 0, 1, 0, 1, 1}});
        plan.optimiser = static_cast<OptimiserPolicy>(policy);
        const auto receipts = theatre.operate(plan, 0);
        QCOMPARE(receipts[0].kind, std::string("split"));
        const std::int64_t width = theatre.layer("agent.fc1").shape().in;
        QCOMPARE(receipts[0].trainableParameters, 2 * width);
        QCOMPARE(theatre.online().parameters().blocks()[1].size(), 2 * width);
        QCOMPARE(receipts[0].frozenParameters, theatre.online().parameters().blocks()[2].size());
        const Parameter& rows = *theatre.layer("agent.fc1").clones().events()[0].rows;
        const at::Tensor before = theatre.layer("agent.fc1").weight()->moment2;
        const at::Tensor expected = plan.optimiser == OptimiserPolicy::Keep       ? before[7]
                                    : plan.optimiser == OptimiserPolicy::MeanFill ? before.mean(0)
                                                                                  : at::zeros({width});
        QVERIFY(sameBits(rows.moment2[1], expected));
    }

    void splitsCanBeUndone() {
        Theatre theatre(byGraph("rnn"));
        theatre.train(3);
        theatre.operate(splitOf({.site = "agent.fc1", .units = {2}, .groups = {0, 1, 0}}), 0);
        theatre.train(2);
        const ParameterCopy online(theatre.online().parameters());
        const ParameterCopy target(theatre.target().parameters());
        theatre.operate(splitOf({.site = "agent.fc1", .units = {3}, .groups = {0, 1, 0}}), 1);
        QVERIFY(theatre.surgeon.undo());
        QVERIFY(online.sameBitsAs(theatre.online().parameters()));
        QVERIFY(target.sameBitsAs(theatre.target().parameters()));
        QCOMPARE(theatre.layer("agent.fc1").clones().events().size(), std::size_t(1));
    }

    void resetsOfTheLayerEndClones() {
        Theatre theatre(byGraph("rnn"));
        theatre.train(2);
        theatre.operate(splitOf({.site = "agent.fc1", .units = {2}, .groups = {0, 1, 0}}), 0);
        SurgeryPlan redraw;
        redraw.operation = "redraw";
        redraw.modules = {"agent"};
        theatre.operate(redraw, 1);
        QVERIFY(theatre.layer("agent.fc1").clones().empty());
        QCOMPARE(theatre.online().parameters().blocks().size(), std::size_t(1));
        theatre.train(2);
    }

    void unitsThatAreSplitBeginAndShrinkAsOne() {
        Theatre theatre(byGraph("rnn"));
        theatre.train(2);
        theatre.operate(splitOf({.site = "agent.fc1", .units = {2, 5}, .groups = {0, 1, 2, 0, 1, 0}}), 0);
        theatre.train(3);
        const CompositeLinear& layer = theatre.layer("agent.fc1");
        const Parameter& clones = *layer.clones().events()[0].rows; // two of unit 2, one of unit 5
        const at::Tensor before = clones.value.detach().clone();
        SurgeryPlan plan = planOf({{"agent.fc1", {2}}});
        plan.operation = "shrink_units";
        plan.settings = "factor = 0.5";
        theatre.operate(plan, 1);
        QVERIFY(sameBits(clones.value.detach().narrow(0, 0, 2), before.narrow(0, 0, 2) * 0.5));
        QVERIFY(sameBits(clones.value.detach()[2], before[2]));
        plan.operation = "reset_units";
        plan.settings.clear();
        plan.optimiser = OptimiserPolicy::MeanFill;
        theatre.operate(plan, 2);
        for (const std::int64_t clone : {0, 1}) {
            QVERIFY(sameBits(clones.value.detach()[clone], layer.weight()->value.detach()[2]));
            QVERIFY(sameBits(clones.moment2[clone], layer.weight()->moment2[2]));
            QCOMPARE(clones.moment1[clone].abs().max().item<float>(), 0.F);
        }
        QVERIFY(sameBits(clones.value.detach()[2], before[2]));
        theatre.train(2);
        QVERIFY(!sameBits(clones.value.detach()[0], layer.weight()->value.detach()[2])); // they learn apart
    }

    void unitsThatAreSplitDoNotShare() {
        Theatre theatre(byGraph("rnn"));
        theatre.train(2);
        theatre.operate(splitOf({.site = "agent.fc1", .units = {2}, .groups = {0, 1, 0}}), 0);
        const ParameterCopy before(theatre.online().parameters());
        SurgeryPlan plan = planOf({{.site = "agent.fc1", .units = {4}, .partners = {2}}});
        plan.operation = "share_units";
        for (const auto& [dormant, donor] : {std::pair{4, 2}, std::pair{2, 4}}) {
            plan.operations[0].units = {dormant};
            plan.operations[0].partners = {donor};
            const auto refused = theatre.surgeon.apply(plan, 1);
            QVERIFY(!refused && refused.error().describe().find("unit 2") != std::string::npos);
        }
        QVERIFY(before.sameBitsAs(theatre.online().parameters()));
    }

    // Of a target network, which has no masks.
    void blendsLeaveFrozenClonesOfTheTargetAlone() {
        Theatre theatre(byGraph("rnn"));
        theatre.train(2);
        theatre.operate(splitOf({.site = "agent.fc1", .units = {2, 5}, .groups = {0, 1, 0, 0, 1, 0}}), 0);
        theatre.train(2);
        theatre.learner->copyToTarget();
        theatre.operate(planOf({{"agent.fc1", {2}}}), 1);
        const at::Tensor clones =
            theatre.target().sites().find("agent.fc1")->composite->clones().events()[0].rows->value;
        const at::Tensor before = clones.detach().clone();
        SurgeryPlan plan;
        plan.operation = "blend";
        plan.settings = "keep = 0.8\nshare = 0.2";
        plan.modules = {"agent"};
        theatre.operate(plan, 2);
        QVERIFY(sameBits(clones.detach()[0], before[0]));
        QVERIFY(!sameBits(clones.detach()[1], before[1]));
    }

    // What frozen neurons give depends on the agent there, and no fit knows who asks.
    void consolidationPassesSplitLayersBy() {
        Theatre theatre(byGraph("rnn"));
        theatre.train(2);
        theatre.operate(planOf({{"agent.fc1", {2, 3}}}), 0);
        const Site& site = siteNamed(theatre.online(), "agent.fc1");
        QCOMPARE(compositeUnits(site), (std::vector<int>{2, 3}));
        theatre.operate(splitOf({.site = "agent.fc1", .units = {5}, .groups = {0, 1, 0}}), 1);
        QVERIFY(compositeUnits(site).empty());
        SurgeryPlan plan = planOf({{"agent.fc1", {2, 3}}});
        plan.operation = "consolidate";
        const ParameterCopy before(theatre.online().parameters());
        const auto refused = theatre.surgeon.apply(plan, 2);
        QVERIFY(!refused && refused.error().describe().find("split between agents") != std::string::npos);
        QVERIFY(before.sameBitsAs(theatre.online().parameters()));
    }

    void refusedPlansChangeNothing_data() {
        QTest::addColumn<QString>("site");
        QTest::addColumn<QList<int>>("groups"); // of units 4 (a composite), 6 (split) or 8, by their number
        QTest::addColumn<int>("unit");
        QTest::addColumn<QString>("says");
        QTest::newRow("mixer") << "mixer.v" << QList<int>{0, 1, 0} << 2 << "no layer of agents";
        QTest::newRow("too few agents") << "agent.fc1" << QList<int>{0, 1} << 8 << "each of 3 agents";
        QTest::newRow("one group") << "agent.fc1" << QList<int>{0, 0, 0} << 8 << "at least two groups";
        QTest::newRow("a gap") << "agent.fc1" << QList<int>{0, 2, 2} << 8 << "a group, from 0 on";
        QTest::newRow("negative") << "agent.fc1" << QList<int>{0, -1, 1} << 8 << "a group, from 0 on";
        QTest::newRow("no groups") << "agent.fc1" << QList<int>{} << 8 << "a group, from 0 on";
        QTest::newRow("composite") << "agent.fc1" << QList<int>{0, 1, 0} << 4 << "unit 4";
        QTest::newRow("split") << "agent.fc1" << QList<int>{0, 1, 0} << 6 << "unit 6";
    }
    void refusedPlansChangeNothing() {
        QFETCH(QString, site);
        QFETCH(QList<int>, groups);
        QFETCH(int, unit);
        QFETCH(QString, says);
        Theatre theatre(byGraph("rnn", brisk().mixer));
        theatre.operate(planOf({{"agent.fc1", {4}}}), 0);
        theatre.operate(splitOf({.site = "agent.fc1", .units = {6}, .groups = {0, 1, 0}}), 1);
        const ParameterCopy before(theatre.online().parameters());
        const auto refused = theatre.surgeon.apply(
            splitOf({.site = site.toStdString(), .units = {unit}, .groups = {groups.begin(), groups.end()}}), 2);
        QVERIFY(!refused);
        const std::string message = refused.error().describe();
        QVERIFY2(message.find(says.toStdString()) != std::string::npos, message.c_str());
        QVERIFY(before.sameBitsAs(theatre.online().parameters()));
    }

    void futileUnitsOfTheWindowAreSplit() {
        Scripted world;
        GradpsConfig config;
        config.window = 2;
        Gradps method(config, *world.net);
        const std::size_t site = siteIndex(*world.net, "agent.fc1");
        // Unit 0: agents 0 and 2 against 1, then silent: (0 + 1) / 2 with the window's last two. Unit 1: 1 against -1
        // and 1: 1/3. Unit 2 is pulled both ways, but by updates of one interval, whose gains add up. The rest agree.
        const std::vector<std::vector<float>> first{{1, 1, 1, 1}, {-2, -1, 2, 1}, {1, 1, 1, 1}};
        const std::vector<std::vector<float>> second{{0, 1, 3, 1}, {0, -1, -2, 1}, {0, 1, 0, 1}};
        const auto interval = [&](const std::vector<std::vector<float>>& gains) {
            world.show(*method.listener(), gains);
            method.targetCopied();
        };
        interval(first);
        interval(second);
        QVERIFY(std::isnan(method.efficiencies(site)[1])); // not older than the window
        QVERIFY(world.proposed(method).empty());
        world.show(*method.listener(), first);
        interval(second); // first + second; with it the second interval is in the window
        const std::vector<double> efficiency = method.efficiencies(site);
        QVERIFY(std::abs(efficiency[0] - 0.5) < 1e-12); // silent: 1; then 1 -2 1: 0
        QVERIFY(std::abs(efficiency[1] - 1.0 / 3) < 1e-12);
        QVERIFY(std::abs(efficiency[2] - (0.2 + 1.0) / 2) < 1e-12); // 3 -2 0: 1/5; then 4 0 1: 1
        QCOMPARE(efficiency[3], 1.0);
        // The mean is (.5 + .3333 + .6 + 13) / 16 = .902: only unit 1 is below half of it.
        const SurgeryPlan plan = world.proposed(method);
        QCOMPARE(plan.operation, std::string("split_units"));
        QCOMPARE(plan.operations.size(), std::size_t(1));
        QCOMPARE(plan.operations[0].units, (std::vector<int>{1}));
        QCOMPARE(plan.operations[0].groups, (Groups{0, 1, 0}));

        Gradps copy(config, *world.net);
        QVERIFY(copy.restore(method.save()));
        QCOMPARE(world.proposed(copy).operations[0].groups, plan.operations[0].groups);
        QVERIFY(!copy.restore(method.save() + "x"));
        method.touched({{.site = "agent.fc1", .units = {1}, .kind = "split", .ruaBefore = {}}});
        QVERIFY(world.proposed(method).empty());
        // A split unit stays one for good.
        world.net->sites().all()[site].composite->addClones(world.net->parameters(), 0, {{1}, {0, 1, 0}});
        QVERIFY(world.proposed(copy).empty());
        QVERIFY(std::isnan(copy.efficiencies(site)[1]));
    }

    void sharesAndThresholdsAreKept() {
        Scripted world;
        GradpsConfig config;
        config.window = 1;
        config.futileBelow = 2.0;
        config.maxShare = 0.125;
        Gradps method(config, *world.net);
        for (int i = 0; i < 2; ++i) {
            world.show(*method.listener(), {{3, 2, 4, 1}, {-2, -1, -2, 1}, {0, 0, 0, 1}});
            method.targetCopied();
        }
        // 1/5, 1/3, 1/3, then 1: two of 16 units, the lowest first; agent 2 is in nobody's way.
        QCOMPARE(world.proposed(method).operations[0].units, (std::vector<int>{0, 1}));
        QCOMPARE(world.proposed(method).operations[0].groups, (Groups{0, 1, 0, 0, 1, 0}));
    }

    void itWorksOnWhatALearnerShows() {
        Theatre theatre(byGraph("rnn", brisk().mixer));
        GradpsConfig config;
        config.window = 1;
        config.futileBelow = 1.0;
        Gradps method(config, theatre.online());
        for (int copy = 0; copy < 2; ++copy) {
            theatre.train(3, {method.listener()});
            theatre.learner->copyToTarget();
            method.targetCopied();
        }
        const Diagnostics diagnostics({}, theatre.online().sites());
        const SurgeryPlan plan = method.propose({.diagnostics = diagnostics, .net = theatre.online()});
        QVERIFY(!plan.operations.empty() && !plan.operations[0].units.empty());
        QCOMPARE(whatChanges(theatre, plan, 0), std::string());
    }

    void wrongSettingsAreRefused_data() {
        QTest::addColumn<QString>("toml");
        QTest::addColumn<QString>("says");
        QTest::newRow("groups") << "groups = 4"
                                << "groups";
        QTest::newRow("target") << "target = \"none\""
                                << "clones add parameters";
        QTest::newRow("mixer") << "sites = [\"mixer.v\"]"
                               << "no layer of agents";
        QTest::newRow("unknown") << "windows = 3"
                                 << "window";
    }
    void wrongSettingsAreRefused() {
        QFETCH(QString, toml);
        QFETCH(QString, says);
        const auto net = buildNet(Setup().net());
        const auto refused =
            makeIntervention(sectionOf("method = \"gradps\"\n" + toml.toStdString(), "interventions"), *net);
        QVERIFY(!refused);
        QVERIFY(refused.error().code == ErrorCode::Usage);
        const std::string message = refused.error().describe();
        QVERIFY2(message.find(says.toStdString()) != std::string::npos, message.c_str());
    }

    void agentsWithoutSuchALayerAreRefused() {
        Setup setup;
        setup.agentKind = "rnn_crelu";
        const auto net = buildNet(setup.net());
        const auto refused = makeIntervention(sectionOf("method = \"gradps\"", "interventions"), *net);
        QVERIFY(!refused && refused.error().describe().find("nothing in this network") != std::string::npos);
    }
};

QTEST_APPLESS_MAIN(TestGradps)
#include "tst_gradps.moc"
