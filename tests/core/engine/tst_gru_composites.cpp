// SPDX-License-Identifier: GPL-3.0-or-later
// Composites of GRU units: no bit changes over whole episodes, also when a surgery falls into one; the active neuron
// learns as an ordinary one; everything that is known about a unit is known of its live neuron.
#include <algorithm>
#include <cmath>

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <QTest>

#include "core/plasticity/composite_breakdown.h"
#include "core/plasticity/interventions/intervention.h"
#include "core/plasticity/interventions/knife.h"
#include "core/plasticity/operations/consolidate.h"
#include "core/plasticity/site_measurement.h"
#include "core/types/counter_rng.h"
#include "theatre.h"

using namespace knife;
using namespace knife::test;

namespace {

constexpr std::int64_t kSteps = 25;
const char* const kUnits = "agent.gru";

struct Cell {
    const char* name;
    const char* kind;
    int layers;
};
constexpr Cell kCells[] = {{"one layer before it", "rnn", 1},
                           {"two layers before it", "rnn", 2},
                           {"behind LayerNorm", "rnn_layernorm", 1},
                           {"behind CReLU", "rnn_crelu", 1}};

void addCells() {
    QTest::addColumn<QString>("kind");
    QTest::addColumn<int>("layers");
    for (const Cell& cell : kCells) {
        QTest::addRow("%s", cell.name) << cell.kind << cell.layers;
    }
}

Setup watching(const QString& kind = "rnn", int layers = 1) {
    Setup setup = brisk(kind.toStdString());
    setup.agent.fcLayers = layers;
    setup.agent.furtherSites = {"gru", "head"};
    return setup;
}

GruUnits& cellOf(const FactorizedNet& net) {
    return *siteNamed(net, kUnits).gru;
}

at::Tensor inputsFor(const Setup& setup) {
    return randomTensor({kSteps, 6, setup.layout().width()}, 31);
}

// Outputs and memory of whole episodes.
AgentPass unrolled(const FactorizedNet& net, const at::Tensor& inputs) {
    const at::NoGradGuard noGrad;
    return net.agent().unroll(inputs, nullptr);
}

// Some units of the cell, and of the layer before it if that holds composites.
SurgeryPlan someUnits(const Theatre& theatre, CounterRng& rng) {
    SurgeryPlan plan;
    for (const char* name : {"agent.fc1", kUnits}) {
        const Site& site = siteNamed(theatre.online(), name);
        std::vector<int> units;
        for (int unit = 0; unit < site.units; ++unit) {
            if (rng.chance(0.25)) {
                units.push_back(unit);
            }
        }
        if (site.acceptsComposites() && !units.empty()) {
            plan.operations.push_back({name, units});
        }
    }
    return plan;
}

// The cell written out neuron by neuron in double precision.
struct Reference {
    const GruUnits& cell;

    static at::Tensor wide(const Parameter* parameter) { return parameter->value.detach().to(at::kDouble); }
    // x [rows, d], h [rows, H], own [rows] -> the next state of one neuron.
    static at::Tensor step(const GruRows& rows, std::int64_t neuron, const at::Tensor& x, const at::Tensor& h,
                           const at::Tensor& own) {
        const auto part = [&](const Parameter* weight, const Parameter* bias, const at::Tensor& from, int gate) {
            const std::int64_t row = gate * rows.count + neuron;
            return at::mv(from, wide(weight)[row]) + wide(bias)[row];
        };
        const auto input = [&](int gate) {
            return part(rows.input, rows.inputBias, x, gate);
        };
        const auto recurrent = [&](int gate) {
            return part(rows.recurrent, rows.recurrentBias, h, gate);
        };
        const at::Tensor reset = at::sigmoid(input(0) + recurrent(0));
        const at::Tensor update = at::sigmoid(input(1) + recurrent(1));
        const at::Tensor candidate = at::tanh(input(2) + reset * recurrent(2));
        return (1.0 - update) * candidate + update * own;
    }
    // features [T, rows, d] -> h [T, rows, H]
    [[nodiscard]] at::Tensor run(const at::Tensor& features) const {
        const std::int64_t hidden = cell.cell().count;
        const std::int64_t rows = features.size(1);
        const auto zeros = [&](std::int64_t count) {
            return std::vector<at::Tensor>(static_cast<std::size_t>(count), at::zeros({rows}, at::kDouble));
        };
        std::vector<at::Tensor> own = zeros(hidden);
        std::vector<std::vector<at::Tensor>> active;
        std::vector<std::vector<at::Tensor>> compensation;
        for (const GruBranch& branch : cell.branches()) {
            active.push_back(zeros(branch.active.count));
            compensation.push_back(zeros(branch.active.count));
        }
        at::Tensor h = at::zeros({rows, hidden}, at::kDouble);
        std::vector<at::Tensor> all;
        for (const at::Tensor& x : features.to(at::kDouble).unbind(0)) {
            for (std::int64_t j = 0; j < hidden; ++j) {
                own[static_cast<std::size_t>(j)] = step(cell.cell(), j, x, h, own[static_cast<std::size_t>(j)]);
            }
            std::vector<at::Tensor> visible = own;
            for (std::size_t e = 0; e < active.size(); ++e) {
                const GruBranch& branch = cell.branches()[e];
                for (std::size_t k = 0; k < branch.units.size(); ++k) {
                    const auto neuron = static_cast<std::int64_t>(k);
                    active[e][k] = step(branch.active, neuron, x, h, active[e][k]);
                    compensation[e][k] = step(branch.compensation, neuron, x, h, compensation[e][k]);
                    at::Tensor& entry = visible[static_cast<std::size_t>(branch.units[k])];
                    entry = entry + active[e][k] - compensation[e][k];
                }
            }
            h = at::stack(visible, 1);
            all.push_back(h);
        }
        return at::stack(all);
    }
};

// Squares of the live rows of a unit and of their gradients, all gates together.
struct Squares {
    double gradient = 0.0;
    double weight = 0.0;
    void add(const Parameter& parameter, std::int64_t row) {
        gradient += parameter.grad[row].square().sum().item<double>();
        weight += parameter.value.detach()[row].square().sum().item<double>();
    }
};

} // namespace

class TestGruComposites : public QObject {
    Q_OBJECT

  private Q_SLOTS:
    void cleanup() { at::set_num_threads(1); }

    void withoutBeingAskedForThereIsNoSuchSite() {
        const auto net = buildNet(brisk().net());
        QVERIFY(net->sites().find(kUnits) == nullptr && net->sites().find("agent.head") == nullptr);
        Setup mlp = watching("mlp");
        const auto refused = FactorizedNet::build(mlp.net());
        QVERIFY(!refused);
        QVERIFY(refused.error().message.find("no GRU cell") != std::string::npos);
        mlp.agent.furtherSites = {"grue"};
        QVERIFY(!FactorizedNet::build(mlp.net()));
    }

    void watchedUnitsLeaveTheNetworkAsItIs() {
        Theatre plain(brisk());
        Theatre watched(watching());
        QVERIFY(sameBits(plain.online().parameters(), watched.online().parameters()));
        const at::Tensor inputs = inputsFor(plain.setup);
        QVERIFY(sameBits(unrolled(plain.online(), inputs).outputs, unrolled(watched.online(), inputs).outputs));
    }

    void surgeryChangesNoBit_data() {
        QTest::addColumn<QString>("kind");
        QTest::addColumn<int>("layers");
        QTest::addColumn<int>("threads");
        for (const Cell& cell : kCells) {
            for (const int threads : {1, 2}) {
                QTest::addRow("%s, %d threads", cell.name, threads) << cell.kind << cell.layers << threads;
            }
        }
    }
    void surgeryChangesNoBit() {
        QFETCH(QString, kind);
        QFETCH(int, layers);
        QFETCH(int, threads);
        at::set_num_threads(threads);
        CounterRng rng({static_cast<std::uint64_t>(threads), "test/units", 0});
        Theatre theatre(watching(kind, layers));
        const at::Tensor inputs = inputsFor(theatre.setup);
        for (std::int64_t event = 0; event < 5; ++event) {
            theatre.train(3);
            const AgentPass before = unrolled(theatre.online(), inputs);
            const AgentPass targetBefore = unrolled(theatre.target(), inputs);
            QCOMPARE(whatChanges(theatre, someUnits(theatre, rng), event), std::string());
            const AgentPass after = unrolled(theatre.online(), inputs);
            QVERIFY(sameBits(before.outputs, after.outputs) && sameBits(before.hidden, after.hidden));
            QVERIFY(sameBits(targetBefore.outputs, unrolled(theatre.target(), inputs).outputs));
        }
        QCOMPARE(cellOf(theatre.online()).branches().size(), std::size_t(5));
    }

    // Tensors large enough that LibTorch and the BLAS do split them between threads.
    void largeBatchesOnTwoThreadsChangeNoBit() {
        at::set_num_threads(2);
        CounterRng rng({5, "test/units", 0});
        Setup setup = watching();
        setup.hidden = 64;
        setup.spec.nAgents = 8;
        setup.spec.obsDim = 40;
        setup.spec.episodeLimit = 25;
        Theatre theatre(setup);
        theatre.lengths.assign(24, 25);
        for (std::int64_t event = 0; event < 3; ++event) {
            theatre.train(1);
            QCOMPARE(whatChanges(theatre, someUnits(theatre, rng), event), std::string());
        }
    }

    // What the check above must be able to see.
    void aNaiveResetOfRowsIsSeen_data() { addCells(); }
    void aNaiveResetOfRowsIsSeen() {
        QFETCH(QString, kind);
        QFETCH(int, layers);
        Theatre theatre(watching(kind, layers));
        theatre.train(3);
        const at::Tensor inputs = inputsFor(theatre.setup);
        const AgentPass before = unrolled(theatre.online(), inputs);
        const GruRows& rows = cellOf(theatre.online()).cell();
        for (const Parameter* parameter : rows.all()) {
            for (std::int64_t gate = 0; gate < kGruGates; ++gate) {
                at::Tensor row = parameter->value.detach()[gate * rows.count + 3];
                row.copy_(randomTensor(row.sizes().vec(), static_cast<std::uint64_t>(gate)) * 0.25);
            }
        }
        const at::Tensor drift = (unrolled(theatre.online(), inputs).outputs - before.outputs).abs();
        QVERIFY(drift.max().item<double>() > 1e-6);
    }

    void actingGoesOnThroughASurgery_data() { addCells(); }
    void actingGoesOnThroughASurgery() {
        QFETCH(QString, kind);
        QFETCH(int, layers);
        Theatre operated(watching(kind, layers));
        Theatre untouched(operated.setup);
        for (Theatre* theatre : {&operated, &untouched}) {
            theatre->train(3);
            theatre->operate(planOf({{kUnits, {1, 2}}}), 0);
            theatre->train(3);
        }
        const at::NoGradGuard noGrad;
        const at::Tensor inputs = inputsFor(operated.setup);
        at::Tensor memory = operated.online().agent().initialMemory(6);
        at::Tensor untouchedMemory = untouched.online().agent().initialMemory(6);
        for (std::int64_t t = 0; t < kSteps; ++t) {
            if (t == 10) {
                operated.operate(planOf({{kUnits, {0, 2, 7}}}), 1);
            } else if (t == 18) {
                QVERIFY(operated.surgeon.undo());
            }
            const AgentPass a = operated.online().agent().act(inputs[t], memory);
            const AgentPass b = untouched.online().agent().act(inputs[t], untouchedMemory);
            QVERIFY(sameBits(a.outputs, b.outputs) && sameBits(a.hidden, b.hidden));
        }
    }

    void stepByStepEqualsTheUnrollAndTheFormula_data() { addCells(); }
    void stepByStepEqualsTheUnrollAndTheFormula() {
        QFETCH(QString, kind);
        QFETCH(int, layers);
        CounterRng rng({4, "test/units", 0});
        Theatre theatre(watching(kind, layers));
        for (std::int64_t event = 0; event < 3; ++event) {
            theatre.train(4);
            theatre.operate(someUnits(theatre, rng), event);
        }
        theatre.train(20); // parts have come apart
        const at::NoGradGuard noGrad;
        const at::Tensor inputs = inputsFor(theatre.setup);
        const AgentPass whole = unrolled(theatre.online(), inputs);
        at::Tensor memory = theatre.online().agent().initialMemory(6);
        for (std::int64_t t = 0; t < kSteps; ++t) {
            const AgentPass step = theatre.online().agent().act(inputs[t], memory);
            QVERIFY(at::allclose(step.outputs, whole.outputs[t], 0.0, 1e-5));
        }
        if (kind == "rnn") {
            const CompositeLinear& first = theatre.layer("agent.fc1");
            at::Tensor features;
            const at::Tensor second = first.forward(inputs.reshape({kSteps * 6, -1}), nullptr, &features);
            features = layers == 2 ? at::relu(second) : features;
            // The composites of the layer before it reach the cell's own rows by their outgoing weights.
            if (layers == 2 || first.branches().empty()) {
                const at::Tensor expected = Reference{cellOf(theatre.online())}.run(features.view({kSteps, 6, -1}));
                QVERIFY(at::allclose(whole.hidden.to(at::kDouble), expected, 0.0, 1e-5));
            }
        }
    }

    void theFormulaHoldsRightBehindTheFirstLayer() {
        Theatre theatre(watching());
        for (std::int64_t event = 0; event < 2; ++event) {
            theatre.train(4);
            theatre.operate(planOf({{kUnits, {1, 3, 4}}}), event);
        }
        theatre.train(20);
        const at::NoGradGuard noGrad;
        const at::Tensor inputs = inputsFor(theatre.setup);
        at::Tensor features;
        static_cast<void>(theatre.layer("agent.fc1").forward(inputs.reshape({kSteps * 6, -1}), nullptr, &features));
        const at::Tensor expected = Reference{cellOf(theatre.online())}.run(features.view({kSteps, 6, -1}));
        QVERIFY(at::allclose(unrolled(theatre.online(), inputs).hidden.to(at::kDouble), expected, 0.0, 1e-5));
    }

    void activesHaveTheGradientOfOrdinaryNeurons_data() { addCells(); }
    void activesHaveTheGradientOfOrdinaryNeurons() {
        QFETCH(QString, kind);
        QFETCH(int, layers);
        Theatre trained(watching(kind, layers));
        trained.train(5);
        Theatre theatre = measuringRoom(trained);
        SurgeryPlan plan = planOf({{kUnits, {1, 4, 9}}});
        if (siteNamed(theatre.online(), "agent.fc1").acceptsComposites()) {
            plan.operations.push_back({"agent.fc1", {2, 5}});
        }
        theatre.operate(plan, 0);
        const Batch batch = theatre.batch(70);
        QVERIFY(theatre.learner->update(batch));
        const GruBranch& branch = cellOf(theatre.online()).branches().back();
        for (const Parameter* parameter : branch.active.all()) {
            QVERIFY(parameter->grad.abs().max().item<float>() > 0.F);
            QCOMPARE(wrongSlope(theatre, *parameter, batch), std::string());
        }
        // And so does what is before it.
        if (const CompositeLinear* first = siteNamed(theatre.online(), "agent.fc1").composite) {
            const CompositeBranch& before = first->branches().back();
            QCOMPARE(wrongSlope(theatre, *before.activeIn, batch), std::string());
        } else {
            QCOMPARE(wrongSlope(theatre, parameterNamed(theatre.online(), "agent.fc1.weight"), batch), std::string());
        }
    }

    void knowledgeIsFrozenAndActivesMove() {
        Theatre theatre(watching());
        theatre.train(5);
        theatre.operate(planOf({{"agent.fc1", {1, 5}}, {kUnits, {1, 5, 9}}}), 0);
        theatre.train(5);
        theatre.operate(planOf({{"agent.fc1", {2}}, {kUnits, {5, 10}}}), 1);
        const GruUnits& cell = cellOf(theatre.online());
        const ParameterCopy before(theatre.online().parameters());
        const auto copied = [](const GruRows& rows) {
            std::vector<at::Tensor> copies;
            for (const Parameter* parameter : rows.all()) {
                copies.push_back(parameter->value.detach().clone());
            }
            return copies;
        };
        const auto own = copied(cell.cell());
        const auto older = copied(cell.branches()[0].active);
        const auto newer = copied(cell.branches()[1].active);
        theatre.train(30);
        for (std::size_t i = 0; i < before.blocks.size(); ++i) {
            const ParameterBlock& block = theatre.online().parameters().blocks()[i];
            const at::Tensor frozen = block.trainable ? block.mask == 0 : at::ones(block.value.sizes(), at::kBool);
            QVERIFY(sameBits(block.value.detach().masked_select(frozen), before.blocks[i].value.masked_select(frozen)));
        }
        for (std::size_t part = 0; part < 4; ++part) {
            const at::Tensor now = cell.cell().all()[part]->value.detach();
            for (std::int64_t gate = 0; gate < kGruGates; ++gate) {
                for (const std::int64_t unit : {1, 5, 9, 10}) {
                    QVERIFY(sameBits(now[gate * 16 + unit], own[part][gate * 16 + unit]));
                }
                QVERIFY(!sameBits(now[gate * 16], own[part][gate * 16])); // an ordinary unit
                const at::Tensor first = cell.branches()[0].active.all()[part]->value.detach();
                QVERIFY(sameBits(first[gate * 3 + 1], older[part][gate * 3 + 1])); // unit 5 lives in the newer branch
                QVERIFY(!sameBits(first[gate * 3], older[part][gate * 3]));
                const at::Tensor second = cell.branches()[1].active.all()[part]->value.detach();
                QVERIFY(!sameBits(second[gate * 2], newer[part][gate * 2]));
            }
        }
        QCOMPARE(cell.branches()[0].superseded, (std::vector<char>{0, 1, 0}));
        // What the newest active neuron before the cell gives to knowledge is as frozen as that is.
        const at::Tensor mask = theatre.layer("agent.fc1").branches()[1].activeOut->mask;
        QCOMPARE(mask.select(0, 16 + 10).sum().item<float>(), 0.F);
        QCOMPARE(mask.select(0, 16 + 11).sum().item<float>(), 1.F);
    }

    void theTargetIsMirroredOnItsOwnKnowledge() {
        Theatre theatre(watching());
        theatre.train(5);
        QCOMPARE(whatChanges(theatre, planOf({{kUnits, {2, 3}}}), 0), std::string());
        const GruBranch& online = cellOf(theatre.online()).branches().front();
        const GruBranch& target = cellOf(theatre.target()).branches().front();
        QVERIFY(!sameBits(cellOf(theatre.online()).cell().recurrent->value,
                          cellOf(theatre.target()).cell().recurrent->value));
        for (std::size_t part = 0; part < 4; ++part) {
            QVERIFY(sameBits(online.active.all()[part]->value, target.active.all()[part]->value));
            QVERIFY(sameBits(online.compensation.all()[part]->value, target.active.all()[part]->value));
        }
        theatre.train(5);
        QVERIFY(!sameBits(online.active.input->value, target.active.input->value));
        theatre.learner->copyToTarget();
        const Probe probe = theatre.learner->probe(theatre.batch(900));
        QVERIFY(sameBits(probe.qTot, probe.targetQTot));
    }

    void undoTakesEverythingBack() {
        Theatre operated(watching());
        Theatre untouched(watching());
        for (Theatre* theatre : {&operated, &untouched}) {
            theatre->train(5);
            theatre->operate(planOf({{"agent.fc1", {1, 4}}, {kUnits, {1, 4, 7}}, {"agent.head", {1}}}), 0);
            theatre->train(5);
        }
        const ParameterCopy online(operated.online().parameters());
        const ParameterCopy target(operated.target().parameters());
        operated.operate(planOf({{"agent.head", {0, 1}}, {kUnits, {0, 4}}, {"agent.fc1", {3}}}), 1);
        QVERIFY(operated.surgeon.undo());
        QVERIFY(online.sameBitsAs(operated.online().parameters()));
        QVERIFY(target.sameBitsAs(operated.target().parameters()));
        operated.train(10);
        untouched.train(10);
        QVERIFY(sameBits(operated.online().parameters(), untouched.online().parameters()));
    }

    void pairsThatCancelAreTakenOut() {
        Theatre theatre(watching());
        theatre.train(3);
        for (std::int64_t event = 0; event < 3; ++event) {
            QCOMPARE(whatChanges(theatre, planOf({{kUnits, {5, 6}}}), event), std::string());
        }
        QCOMPARE(cellOf(theatre.online()).branches().size(), std::size_t(1));
        QCOMPARE(cellOf(theatre.target()).branches().front().event, std::int64_t(2));
    }

    void receiptsCountParameters() {
        Theatre theatre(watching());
        const ParameterSet& parameters = theatre.online().parameters();
        const std::int64_t trainable = parameters.count(Trainability::Trainable);
        std::int64_t frozen = 0;
        for (std::int64_t event = 0; event < 2; ++event) {
            theatre.train(1);
            const auto receipts = theatre.operate(planOf({{kUnits, {1, 4, 5}}}), event);
            QCOMPARE(receipts.front().kind, std::string("composite"));
            QCOMPARE(receipts.front().trainableParameters, std::int64_t(3 * 3 * (16 + 16 + 2)));
            frozen += receipts.front().frozenParameters;
            QCOMPARE(parameters.count(Trainability::Frozen), frozen);
            QCOMPARE(parameters.count(Trainability::Trainable), trainable);
        }
    }

    void momentsStartAtTheHealthyMean() {
        Theatre theatre(watching());
        theatre.train(5);
        const GruRows& rows = cellOf(theatre.online()).cell();
        at::Tensor mean = at::zeros({16});
        for (std::int64_t unit = 0; unit < 16; ++unit) {
            mean += unit == 2 || unit == 3 ? at::zeros({16}) : rows.recurrent->moment2[2 * 16 + unit] / 14.0;
        }
        theatre.operate(planOf({{kUnits, {2, 3}}}), 0);
        const Parameter& active = *cellOf(theatre.online()).branches().front().active.recurrent;
        for (const std::int64_t row : {4, 5}) { // the candidate's
            QVERIFY(at::allclose(active.moment2[row], mean, 1e-5, 0.0));
        }
        QVERIFY(mean.min().item<float>() > 0.F);
        QCOMPARE(rows.recurrent->moment2[2 * 16 + 2].abs().sum().item<float>(), 0.F);
    }

    void activityIsThatOfTheLiveRows() {
        Theatre theatre(watching());
        theatre.train(4);
        theatre.operate(planOf({{"agent.fc1", {0, 7}}}), 0);
        theatre.train(4);
        theatre.operate(planOf({{kUnits, {2, 9}}}), 1);
        theatre.train(4);
        const GruUnits& cell = cellOf(theatre.online());
        const Parameter& added = *theatre.layer("agent.fc1").branches().front().activeOut;
        SiteMeter meter({.rule = {}, .products = true});
        const SiteMeasurement& measured = meter.measure(siteNamed(theatre.online(), kUnits), nullptr, {});
        for (const int unit : {0, 2, 9, 15}) {
            const GruUnits::Live live = cell.live(unit);
            Squares squares;
            for (std::int64_t gate = 0; gate < kGruGates; ++gate) {
                const std::int64_t row = gate * live.rows.count + live.neuron;
                squares.add(*live.rows.input, row);
                squares.add(*live.rows.recurrent, row);
                if (&live.rows == &cell.cell()) {
                    squares.add(added, row);
                    // The frozen columns of the layer before it do not count.
                    for (const std::int64_t column : {0, 7}) {
                        const double frozen = live.rows.input->value.detach()[row][column].item<double>();
                        squares.weight -= frozen * frozen;
                    }
                }
            }
            const auto at = static_cast<std::size_t>(unit);
            QVERIFY(std::abs(measured.gradNorm[at] - std::sqrt(squares.gradient)) < 1e-5 * std::sqrt(squares.gradient));
            QVERIFY(std::abs(measured.weightNorm[at] - std::sqrt(squares.weight)) < 1e-5 * std::sqrt(squares.weight));
            QVERIFY(measured.activity[at] > 0.0);
        }
        // The same norms, by way of vectors.
        const std::vector<double> vectors =
            liveVectors(siteNamed(theatre.online(), kUnits), gradientSource(), /*withBias=*/false);
        const std::size_t width = vectors.size() / 16;
        for (const std::size_t unit : {0U, 2U, 9U, 15U}) {
            double sum = 0.0;
            for (std::size_t i = unit * width; i < (unit + 1) * width; ++i) {
                sum += vectors[i] * vectors[i];
            }
            QVERIFY(std::abs(std::sqrt(sum) - measured.gradNorm[unit]) < 1e-5 * measured.gradNorm[unit]);
        }
        const auto infos = breakDownComposites(siteNamed(theatre.online(), kUnits), {});
        QCOMPARE(infos.size(), std::size_t(2));
        QCOMPARE(infos[1].unit, 9);
    }

    void knifeOperatesOnUnitsOfTheCellOnlyByName() {
        Theatre theatre(watching());
        DiagnosticsConfig watched;
        watched.stagnantBelow = 1.0; // some unit is always below the mean
        Diagnostics diagnostics(watched, theatre.online().sites());
        for (int i = 0; i < 3; ++i) {
            theatre.train(1, {&diagnostics});
            diagnostics.closeWindow();
        }
        KnifeConfig config;
        config.persistence = 1;
        config.maxFraction = 1.0;
        const auto sitesOf = [&](const std::vector<std::string>& sites) {
            config.policy.sites = sites;
            std::vector<std::string> names;
            SurgeryPolicy policy = config.policy;
            for (const std::size_t i : chosenSites(policy, theatre.online().sites(), &refuseComposites)) {
                names.push_back(theatre.online().sites().all()[i].name);
            }
            return names;
        };
        QCOMPARE(sitesOf({"agent"}), (std::vector<std::string>{"agent.fc1"}));
        QCOMPARE(sitesOf({"agent.gru"}), (std::vector<std::string>{"agent.gru"}));
        QCOMPARE(sitesOf({"agent", "agent.head"}), (std::vector<std::string>{"agent.fc1", "agent.head"}));
        const auto everywhere = sitesOf({});
        QVERIFY(std::ranges::find(everywhere, "agent.gru") == everywhere.end());
        const std::size_t gru = siteIndex(theatre.online(), kUnits);
        QCOMPARE(diagnostics.lastRua(gru).size(), std::size_t(16));
        QVERIFY(std::ranges::all_of(diagnostics.lastRua(gru), [](float rua) { return rua > 0.F; }));
        // Surgery by name, by the intervention itself.
        config.policy.sites = {"agent.gru"};
        const SurgeryPlan plan = Knife(config).propose({.diagnostics = diagnostics, .net = theatre.online()});
        QCOMPARE(plan.operations.size(), std::size_t(1));
        QCOMPARE(plan.operations[0].site, std::string("agent.gru"));
        QVERIFY(!plan.operations[0].units.empty());
        QCOMPARE(theatre.measure(plan, 0).max(), 0.0);
    }

    // Gates of A and C read a unit of the layer before as one value, which no fit of that layer's output knows of.
    void consolidationPassesTheLayerBeforeByOnceTheCellHasComposites() {
        Theatre theatre(watching());
        theatre.train(2);
        theatre.operate(planOf({{"agent.fc1", {4}}}), 0);
        const auto refusal = [&](const char* site) {
            return refuseConsolidation(siteNamed(theatre.online(), site), theatre.online());
        };
        QCOMPARE(refusal("agent.fc1"), std::string());
        QVERIFY(refusal("agent.gru").find("hidden layers") != std::string::npos);
        theatre.operate(planOf({{kUnits, {1}}}), 1);
        QVERIFY(refusal("agent.fc1").find("GRU") != std::string::npos);
        KnifeConfig config;
        config.consolidation = "prune";
        Diagnostics diagnostics({}, theatre.online().sites());
        for (const SurgeryPlan& plan : Knife(config).prepare({.diagnostics = diagnostics, .net = theatre.online()})) {
            QVERIFY(plan.operations.empty());
        }
    }

    void initialRowsAreThoseOfHiddenLayersAlone() {
        const auto net = buildNet(watching().net());
        const auto make = [&net](const char* sites) {
            return makeIntervention(
                sectionOf(std::string("method = \"knife\"\nincoming = \"initial\"\nsites = ") + sites, "interventions"),
                *net);
        };
        QVERIFY(make("[\"agent\"]"));
        const auto refused = make("[\"agent\", \"agent.gru\"]");
        QVERIFY(!refused && refused.error().message.find("initial") != std::string::npos);
    }

    void otherMethodsSayWhyTheyLeaveItAlone() {
        const auto net = buildNet(watching().net());
        for (const char* method : {"redo", "reborn", "regrama", "continual_backprop", "self_normalized_resets"}) {
            const auto refused = makeIntervention(
                sectionOf(std::string("method = \"") + method + "\"\nsites = [\"agent.gru\"]", "interventions"), *net);
            QVERIFY2(!refused, method);
            QVERIFY2(refused.error().message.find(kUnits) != std::string::npos, refused.error().message.c_str());
            QVERIFY2(makeIntervention(sectionOf(std::string("method = \"") + method + "\"", "interventions"), *net),
                     method);
        }
    }

    void aBlendLeavesKnowledgeAlone() {
        Theatre theatre(watching());
        theatre.train(3);
        theatre.operate(planOf({{"agent.fc1", {4}}, {kUnits, {1, 2}}, {"agent.head", {2}}}), 0);
        theatre.train(3);
        theatre.learner->copyToTarget(); // what it was born with is what it would be blended with
        SurgeryPlan plan;
        plan.operation = "blend";
        plan.modules = {"agent"};
        plan.optimiser = OptimiserPolicy::Keep;
        const auto frozenOf = [&](const FactorizedNet& net) {
            std::vector<at::Tensor> values;
            for (std::size_t i = 0; i < net.parameters().blocks().size(); ++i) {
                const at::Tensor mask = theatre.online().parameters().blocks()[i].mask; // the target has none
                const at::Tensor value = net.parameters().blocks()[i].value.detach();
                values.push_back(mask.defined() ? value.masked_select(mask == 0) : value.clone());
            }
            return values;
        };
        const auto online = frozenOf(theatre.online());
        const auto target = frozenOf(theatre.target());
        const at::Tensor before = cellOf(theatre.target()).branches()[0].active.input->value.detach().clone();
        theatre.operate(plan, 1);
        for (std::size_t i = 0; i < online.size(); ++i) {
            QVERIFY(sameBits(online[i], frozenOf(theatre.online())[i]));
            QVERIFY(sameBits(target[i], frozenOf(theatre.target())[i]));
        }
        QVERIFY(!sameBits(before, cellOf(theatre.target()).branches()[0].active.input->value));
    }

    void aResetEndsComposites() {
        for (const char* module : {"agent.gru", "agent.gru.recurrent", "agent.fc1"}) {
            Theatre theatre(watching());
            theatre.train(3);
            theatre.operate(planOf({{"agent.fc1", {4}}, {kUnits, {1, 2}}}), 0);
            theatre.train(3);
            SurgeryPlan plan;
            plan.operation = "redraw";
            plan.modules = {module};
            theatre.operate(plan, 1);
            for (const FactorizedNet* net : {&theatre.online(), &theatre.target()}) {
                QVERIFY2(cellOf(*net).branches().empty(), module);
            }
            QVERIFY2(theatre.layer("agent.fc1").branches().empty(), module);
            QCOMPARE(theatre.online().parameters().count(Trainability::Frozen), std::int64_t(0));
            theatre.train(2);
        }
    }
};

QTEST_APPLESS_MAIN(TestGruComposites)
#include "tst_gru_composites.moc"
