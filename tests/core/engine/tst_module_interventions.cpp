// SPDX-License-Identifier: GPL-3.0-or-later
// Methods that act on whole layers: resets give exactly the values of another draw, blends keep to their formula, and
// injections of plasticity cannot be seen from outside.
#include <algorithm>
#include <numeric>

#include <ATen/ATen.h>
#include <QTest>

#include "core/learning/optimiser.h"
#include "core/nets/module_parameters.h"
#include "core/plasticity/diagnostics.h"
#include "core/plasticity/interventions/intervention.h"
#include "core/plasticity/interventions/marr.h"
#include "core/plasticity/interventions/plasticity_injection.h"
#include "core/plasticity/interventions/reset.h"
#include "core/plasticity/interventions/shrink_and_perturb.h"
#include "core/plasticity/net_state.h"
#include "core/plasticity/operations/source_values.h"
#include "theatre.h"

using namespace knife;
using namespace knife::test;

namespace {

constexpr std::uint64_t kSurgeonSeed = 11; // of a theatre's surgeon

SurgeryPlan planFor(const std::string& operation, const std::string& settings, std::vector<std::string> modules,
                    TargetPolicy target = TargetPolicy::HardSync) {
    SurgeryPlan plan;
    plan.intervention = "by_hand";
    plan.operation = operation;
    plan.settings = settings;
    plan.modules = std::move(modules);
    plan.optimiser = OptimiserPolicy::Zero;
    plan.target = target;
    return plan;
}

// Composites everywhere and an injected head.
void complicate(Theatre& theatre, std::int64_t event) {
    SurgeryPlan plan = planFor("inject", "", {"agent.head"}, TargetPolicy::Mirror);
    for (const Site* site : theatre.willing()) {
        plan.operations.push_back({site->name, {0, site->units - 1}});
    }
    theatre.operate(plan, event);
}

std::vector<std::string> everything(const FactorizedNet& net) {
    return modulesOf({.scope = "all"}, net.parameters());
}

std::unique_ptr<FactorizedNet> builtWith(const FactorizedNet& net, std::uint64_t seed) {
    NetSpec spec = net.spec();
    spec.seed = seed;
    return buildNet(spec);
}

SurgeryPlan proposed(const std::string& toml, const Theatre& theatre) {
    auto intervention = makeIntervention(sectionOf(toml, "interventions[0]"), theatre.online());
    if (!intervention) {
        throw std::runtime_error(intervention.error().describe());
    }
    const Diagnostics diagnostics({}, theatre.online().sites());
    return (*intervention)->propose({.diagnostics = diagnostics, .net = theatre.online()});
}

std::string refusal(const std::string& toml, const FactorizedNet& net) {
    const auto intervention = makeIntervention(sectionOf(toml, "interventions[0]"), net);
    return intervention ? std::string() : intervention.error().describe();
}

bool mentions(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

const char* const kQmix = "method = \"qmix\"\nembed = 8\nhypernet_embed = 12";
const char* const kQplex = "method = \"qplex\"";
const char* const kVdn = "method = \"vdn\"";
const char* const kWeighted = "method = \"cw_qmix\"";

} // namespace

class TestModuleInterventions : public QObject {
    Q_OBJECT

  private Q_SLOTS:
    void aFreshNetworkIsOneBuiltFromAnotherSeed_data() {
        QTest::addColumn<QString>("kind");
        QTest::addColumn<QString>("mixer");
        QTest::addRow("rnn, qmix") << "rnn" << kQmix;
        QTest::addRow("mlp, qplex") << "mlp" << kQplex;
        QTest::addRow("rnn, vdn") << "rnn" << kVdn;
        QTest::addRow("layer norm, cw_qmix") << "rnn_layernorm" << kWeighted;
    }
    void aFreshNetworkIsOneBuiltFromAnotherSeed() {
        QFETCH(QString, kind);
        QFETCH(QString, mixer);
        Theatre theatre(brisk(kind.toStdString(), mixer.toStdString()));
        theatre.train(3);
        complicate(theatre, 0);
        theatre.train(3);
        SurgeryPlan plan = proposed("method = \"reset\"\nscope = \"all\"\noptimiser = \"reset_all\"", theatre);
        theatre.operate(plan, 1);
        const auto fresh = builtWith(theatre.online(), freshSeed(kSurgeonSeed, "reset", 1));
        QVERIFY(sameBits(theatre.online().parameters(), fresh->parameters()));
        QVERIFY(branchesOf(theatre.online()).empty() && branchesOf(theatre.target()).empty());
        const Batch batch = theatre.batch(77);
        const Probe probe = theatre.learner->probe(batch);
        theatre.learner->copyToTarget(); // it was a copy before
        QCOMPARE(Learner::difference(probe, theatre.learner->probe(batch)).max(), 0.0);

        theatre.train(2); // and it learns as a fresh one does
        theatre.operate(plan, 2);
        const auto other = builtWith(theatre.online(), freshSeed(kSurgeonSeed, "reset", 2));
        QVERIFY(sameBits(theatre.online().parameters(), other->parameters()));
        QVERIFY(!sameBits(other->parameters(), fresh->parameters()));
        plan.settings = "source = \"initial\"";
        theatre.operate(plan, 3);
        QVERIFY(sameBits(theatre.online().parameters(),
                         builtWith(theatre.online(), theatre.online().spec().seed)->parameters()));
    }

    void aFreshNetworkLearnsLikeAFreshLearner() {
        Setup setup = brisk();
        setup.learning.optimiser = "adam";
        Theatre worn(setup);
        worn.train(5);
        worn.operate(planFor("redraw", "", everything(worn.online())), 4);
        worn.learner->optimiser().reset(worn.online().parameters());
        Setup other = setup;
        other.seed = freshSeed(kSurgeonSeed, "reset", 4);
        Theatre fresh(other);
        for (std::uint64_t i = 50; i < 54; ++i) {
            Batch batch = worn.batch(i);
            QVERIFY(worn.learner->update(batch) && fresh.learner->update(batch));
        }
        QVERIFY(sameBits(worn.online().parameters(), fresh.online().parameters()));
    }

    void aResetTouchesItsModulesOnly_data() {
        QTest::addColumn<QString>("toml");
        QTest::addColumn<QStringList>("modules");
        QTest::addRow("head") << "scope = \"head\"" << QStringList{"agent.head"};
        QTest::addRow("last two layers") << "scope = \"last_k_layers\"\nlayers = 2"
                                         << QStringList{"agent.gru", "agent.head"};
        QTest::addRow("agent") << "scope = \"agent\"" << QStringList{"agent"};
        QTest::addRow("mixer") << "scope = \"mixer\"" << QStringList{"mixer"};
        QTest::addRow("all") << "scope = \"all\"" << QStringList{"agent", "mixer"};
    }
    void aResetTouchesItsModulesOnly() {
        QFETCH(QString, toml);
        QFETCH(QStringList, modules);
        for (const char* target : {"hard_sync", "mirror"}) {
            Theatre theatre(brisk());
            theatre.train(3);
            const SurgeryPlan plan = proposed("method = \"reset\"\n" + toml.toStdString() + "\ntarget = \"" + target +
                                                  "\"\noptimiser = \"zero\"",
                                              theatre);
            QCOMPARE(plan.modules.size(), static_cast<std::size_t>(modules.size()));
            const ParameterCopy before(theatre.online().parameters());
            const ParameterCopy targetBefore(theatre.target().parameters());
            const auto old = ParameterCopy(theatre.online().parameters()).blocks.front();
            const auto receipts = theatre.operate(plan, 0);
            QCOMPARE(receipts.size(), plan.modules.size());
            QCOMPARE(receipts.front().kind, std::string("redrawn"));
            std::int64_t offset = 0;
            for (const Parameter& parameter : theatre.online().parameters().all()) {
                const std::int64_t count = parameter.value.numel();
                const at::Tensor value = old.value.narrow(0, offset, count).view(parameter.value.sizes());
                const at::Tensor moment = old.moment2.narrow(0, offset, count).view(parameter.value.sizes());
                offset += count;
                const bool named = std::ranges::any_of(
                    modules, [&](const QString& module) { return isWithin(parameter.name, {module.toStdString()}); });
                QCOMPARE(sameBits(parameter.value.detach(), value), !named);
                QCOMPARE(named ? parameter.moment2.abs().sum().item<float>() : 0.F, 0.F);
                QVERIFY(named || sameBits(parameter.moment2, moment));
            }
            QVERIFY(theatre.surgeon.undo());
            QVERIFY(before.sameBitsAs(theatre.online().parameters()));
            QVERIFY(targetBefore.sameBitsAs(theatre.target().parameters()));
        }
    }

    void aResetEndsComposites() {
        Theatre theatre(brisk());
        theatre.train(3);
        complicate(theatre, 0);
        theatre.train(2);
        complicate(theatre, 1);
        theatre.train(2);
        const ParameterCopy before(theatre.online().parameters());
        const ParameterCopy targetBefore(theatre.target().parameters());
        const std::int64_t knowledge = theatre.online().parameters().count(Trainability::Frozen);
        theatre.operate(planFor("redraw", "", {"agent.fc1", "agent.head"}), 2);
        QVERIFY(theatre.layer("agent.fc1").branches().empty());
        QVERIFY(theatre.online().sites().findInjectable("agent.head")->branches().empty());
        QVERIFY(!theatre.layer("mixer.v").branches().empty());
        QVERIFY(theatre.online().parameters().count(Trainability::Frozen) < knowledge);
        for (const char* name : {"agent.fc1.weight", "agent.gru.input.weight", "agent.head.weight"}) {
            QCOMPARE(parameterNamed(theatre.online(), name).mask.min().item<float>(), 1.F);
        }
        const ParameterCopy after(theatre.online().parameters());
        theatre.surgeon.undo();
        QVERIFY(before.sameBitsAs(theatre.online().parameters()));
        QVERIFY(targetBefore.sameBitsAs(theatre.target().parameters()));
        theatre.operate(planFor("redraw", "", {"agent.fc1", "agent.head"}), 2);
        QVERIFY(after.sameBitsAs(theatre.online().parameters()));
        theatre.train(2); // released knowledge moves
        QVERIFY(!sameBits(after.blocks.front().value, theatre.online().parameters().blocks().front().value.detach()));
        theatre.learner->copyToTarget();
    }

    void aBlendKeepsToItsFormula() {
        Theatre theatre(brisk());
        theatre.train(3);
        theatre.operate(planOf({{"agent.fc1", {1, 4}}}), 0);
        theatre.train(3);
        theatre.learner->copyToTarget();
        theatre.train(1);
        const CompositeBranch& branch = theatre.layer("agent.fc1").branches().front();
        const auto initial = builtWith(theatre.online(), theatre.online().spec().seed);
        const ParameterCopy before(theatre.online().parameters());
        const ParameterCopy targetBefore(theatre.target().parameters());
        const SurgeryPlan plan = planFor("blend", "keep = 0.8\nshare = 0.2\nsource = \"initial\"",
                                         everything(theatre.online()), TargetPolicy::Mirror);
        const auto expected = [&](const at::Tensor& own) {
            return 0.8 * own + 0.2 * initial->parameters().blocks().front().value.detach();
        };
        theatre.operate(plan, 1);
        const ParameterBlock& block = theatre.online().parameters().blocks().front();
        const at::Tensor free = block.mask == 1;
        const at::Tensor own = before.blocks.front().value;
        QVERIFY(at::allclose(block.value.detach().masked_select(free), expected(own).masked_select(free), 1e-6, 1e-7));
        QVERIFY(sameBits(block.value.detach().masked_select(~free), own.masked_select(~free)));
        QVERIFY(at::count_nonzero(~free).item<std::int64_t>() > 0);
        // The target has no masks, and knows by its structure what is knowledge.
        const at::Tensor target = theatre.target().parameters().blocks().front().value.detach();
        const at::Tensor targetOwn = targetBefore.blocks.front().value;
        QVERIFY(at::allclose(target.masked_select(free), expected(targetOwn).masked_select(free), 1e-6, 1e-7));
        QVERIFY(sameBits(target.masked_select(~free), targetOwn.masked_select(~free)));
        // An active neuron moves towards what it was born with.
        const std::int64_t rows = branch.activeIn->value.numel();
        const at::Tensor active = before.blocks[1].value.narrow(0, 0, rows).view(branch.activeIn->value.sizes());
        QVERIFY(at::allclose(branch.activeIn->value.detach(),
                             0.8 * active + 0.2 * branch.compensationIn->value.detach(), 1e-6, 1e-7));
        QVERIFY(theatre.surgeon.undo());
        QVERIFY(before.sameBitsAs(theatre.online().parameters()));
        QVERIFY(targetBefore.sameBitsAs(theatre.target().parameters()));
    }

    void marrGoesBackAFifthOfTheWay() {
        Theatre theatre(brisk());
        theatre.train(3);
        const SurgeryPlan plan = proposed("method = \"marr\"", theatre);
        const at::Tensor before = theatre.online().parameters().blocks().front().value.detach().clone();
        const at::Tensor initial =
            builtWith(theatre.online(), theatre.online().spec().seed)->parameters().blocks().front().value.detach();
        theatre.operate(plan, 0);
        QVERIFY(at::allclose(theatre.online().parameters().blocks().front().value.detach(),
                             0.8 * before + 0.2 * initial, 1e-6, 1e-7));
        QCOMPARE(plan.optimiser, OptimiserPolicy::Keep);
    }

    void marrScalesWholeEpisodes() {
        const Theatre theatre(brisk());
        Marr marr({.amplitude = 0.2}, theatre.online());
        const Batch before = theatre.batch(1);
        const Batch batch = theatre.batch(1);
        SampledInputs inputs{.update = 3, .inputs = batch.inputs, .state = batch.state};
        marr.sampled(inputs);
        const std::int64_t obs = theatre.setup.spec.obsDim;
        QVERIFY(sameBits(batch.inputs.slice(2, obs), before.inputs.slice(2, obs))); // one-hot parts stay
        std::vector<double> factors;
        for (std::int64_t b = 0; b < batch.episodes; ++b) {
            const at::Tensor state = before.state.select(1, b);
            const double factor = (batch.state.select(1, b).sum() / state.sum()).item<double>();
            QVERIFY(factor > 0.8 && factor < 1.2);
            QVERIFY(at::allclose(batch.state.select(1, b), factor * state, 1e-4, 1e-6));
            const auto agents = [&](const Batch& of) {
                return of.inputs.slice(1, b * of.agents, (b + 1) * of.agents).slice(2, 0, obs);
            };
            QVERIFY(at::allclose(agents(batch), factor * agents(before), 1e-4, 1e-6));
            factors.push_back(factor);
        }
        QVERIFY(std::ranges::adjacent_find(factors) == factors.end());
    }

    void shrinkAndPerturbOfEveryUpdate_data() {
        QTest::addColumn<QString>("toml");
        QTest::addRow("fresh") << "mode = \"every_update\"\nshrink = 0.01\nperturb = 0.02";
        QTest::addRow("initial") << "mode = \"every_update\"\nshrink = 0.01\nperturb = 0.02\nsource = \"initial\"";
        QTest::addRow("noise") << "mode = \"decay_and_noise\"\ndecay = 2.0\nsigma = 0.001";
    }
    void shrinkAndPerturbOfEveryUpdate() {
        QFETCH(QString, toml);
        Theatre plain(brisk());
        Theatre shrunk(brisk());
        const auto intervention = makeIntervention(
            sectionOf("method = \"shrink_and_perturb\"\n" + toml.toStdString(), "interventions[0]"), shrunk.online());
        QVERIFY(intervention);
        QVERIFY((*intervention)->listener() != nullptr);
        QVERIFY(!fires((*intervention)->trigger(), {.occasion = TriggerMoment::Occasion::TaskSwitch}));
        for (Theatre* theatre : {&plain, &shrunk}) {
            theatre->operate(planOf({{"agent.fc1", {2}}}), 0);
        }
        plain.train(1);
        shrunk.train(1, {(*intervention)->listener()});
        const ParameterBlock& reference = plain.online().parameters().blocks().front();
        const ParameterBlock& block = shrunk.online().parameters().blocks().front();
        const at::Tensor own = reference.value.detach();
        at::Tensor expected = 0.99 * own;
        if (toml.contains("noise")) {
            expected = own * (1.0 - plain.setup.learning.lr * 2.0);
        } else {
            const std::uint64_t seed = plain.online().spec().seed;
            const auto source =
                builtWith(plain.online(), toml.contains("initial") ? seed : freshSeed(seed, "shrink_and_perturb", 0));
            expected = expected + 0.02 * source->parameters().blocks().front().value.detach();
        }
        const at::Tensor free = block.mask == 1;
        const at::Tensor rest = (block.value.detach() - expected).masked_select(free);
        if (toml.contains("noise")) {
            QVERIFY(rest.abs().max().item<double>() < 0.006);
            const double deviation = rest.std().item<double>();
            QVERIFY(deviation > 0.0009 && deviation < 0.0011);
        } else {
            QVERIFY(rest.abs().max().item<double>() < 1e-6);
        }
        QVERIFY(sameBits(block.value.detach().masked_select(~free), own.masked_select(~free)));
    }

    void anInjectionChangesNoOutput_data() {
        QTest::addColumn<QString>("kind");
        QTest::addColumn<QString>("mixer");
        QTest::addColumn<QString>("scope");
        QTest::addColumn<bool>("fast");
        for (const bool fast : {true, false}) {
            for (const char* scope : {"agent_head", "agent", "mixer", "all"}) {
                QTest::addRow("rnn, qmix, %s, %d", scope, fast ? 1 : 0) << "rnn" << kQmix << scope << fast;
                QTest::addRow("rnn, qplex, %s, %d", scope, fast ? 1 : 0) << "rnn" << kQplex << scope << fast;
            }
            QTest::addRow("mlp, vdn, %d", fast ? 1 : 0) << "mlp" << kVdn << "all" << fast;
            QTest::addRow("layer norm, vdn, %d", fast ? 1 : 0) << "rnn_layernorm" << kVdn << "agent_head" << fast;
            QTest::addRow("crelu, cw_qmix, %d", fast ? 1 : 0) << "rnn_crelu" << kWeighted << "all" << fast;
        }
    }
    void anInjectionChangesNoOutput() {
        QFETCH(QString, kind);
        QFETCH(QString, mixer);
        QFETCH(QString, scope);
        QFETCH(bool, fast);
        Setup setup = brisk(kind.toStdString(), mixer.toStdString());
        if (!fast) {
            setup.pool = nullptr;
        }
        Theatre theatre(setup);
        for (std::int64_t event = 0; event < 3; ++event) {
            theatre.train(event == 1 ? 0 : 3); // also before the first update of an injected part
            const SurgeryPlan plan =
                proposed("method = \"plasticity_injection\"\nscope = \"" + scope.toStdString() + "\"", theatre);
            QCOMPARE(whatChanges(theatre, plan, event), std::string());
        }
        const ParameterCopy before(theatre.online().parameters());
        theatre.train(1);
        QVERIFY(!before.sameBitsAs(theatre.online().parameters()));
        // What is frozen stays.
        for (std::size_t i = 0; i < before.blocks.size(); ++i) {
            const ParameterBlock& block = theatre.online().parameters().blocks()[i];
            const at::Tensor frozen = block.trainable ? block.mask == 0 : at::ones(block.value.sizes(), at::kBool);
            QVERIFY(sameBits(block.value.detach().masked_select(frozen), before.blocks[i].value.masked_select(frozen)));
        }
    }

    void anInjectedHeadHasTheGradientsOfThePlainOne() {
        for (const bool fast : {true, false}) {
            Setup setup = brisk();
            if (!fast) {
                setup.pool = nullptr;
            }
            Theatre theatre(setup);
            theatre.train(4);
            struct Reader final : UpdateListener {
                at::Tensor head;
                at::Tensor encoder;
                void unmasked(const UpdateMoment& moment) override {
                    head = parametersOf(moment.parameters, "agent.head.weight").front()->grad.clone();
                    encoder = parametersOf(moment.parameters, "agent.fc1.weight").front()->grad.clone();
                }
            };
            Theatre injected(setup);
            injected.train(4);
            injected.operate(planFor("inject", "", {"agent.head"}, TargetPolicy::Mirror), 0);
            Reader plain;
            theatre.train(1, {&plain});
            Reader reader;
            struct Active final : UpdateListener {
                at::Tensor grad;
                void differentiated(const UpdateMoment& moment) override {
                    grad = parametersOf(moment.parameters, "agent.head.event0.active_weight").front()->grad.clone();
                }
            } active;
            injected.train(1, {&reader, &active});
            QVERIFY(at::allclose(active.grad, plain.head, 1e-5, 1e-8));
            QVERIFY(at::allclose(reader.encoder, plain.encoder, 1e-5, 1e-8)); // all three let gradients through
            QVERIFY(plain.head.abs().max().item<float>() > 0.F);
        }
    }

    void fastPathAndReferenceAgreeOnInjectedHeads() {
        Setup slow = brisk();
        slow.pool = nullptr;
        Theatre fast(brisk());
        Theatre reference(slow);
        for (std::int64_t event = 0; event < 2; ++event) {
            for (Theatre* theatre : {&fast, &reference}) {
                theatre->train(2);
                complicate(*theatre, event);
                theatre->train(2);
            }
        }
        const Batch batch = fast.batch(5);
        const Probe a = fast.learner->probe(batch);
        const Probe b = reference.learner->probe(batch);
        QVERIFY(at::allclose(a.q, b.q, 1e-3, 1e-4));
        const auto& blocks = fast.online().parameters().blocks();
        for (std::size_t i = 0; i < blocks.size(); ++i) {
            QVERIFY(at::allclose(blocks[i].value.detach(), reference.online().parameters().blocks()[i].value.detach(),
                                 1e-3, 1e-4));
        }
    }

    void injectionsCanBeTakenBack() {
        Theatre theatre(brisk());
        theatre.train(3);
        complicate(theatre, 0);
        theatre.train(2);
        const ParameterCopy before(theatre.online().parameters());
        const ParameterCopy targetBefore(theatre.target().parameters());
        const auto receipts =
            theatre.operate(proposed("method = \"plasticity_injection\"\nscope = \"all\"", theatre), 1);
        const auto head = std::ranges::find(receipts, std::string("agent.head"), &SiteReceipt::site);
        QVERIFY(head != receipts.end());
        const Parameter& weight = parameterNamed(theatre.online(), "agent.head.weight");
        const std::int64_t size = weight.value.numel() + weight.value.size(0);
        QCOMPARE(head->kind, std::string("injected"));
        QCOMPARE(head->trainableParameters, size);
        QCOMPARE(head->frozenParameters, 2 * size);
        QVERIFY(theatre.surgeon.undo());
        QVERIFY(before.sameBitsAs(theatre.online().parameters()));
        QVERIFY(targetBefore.sameBitsAs(theatre.target().parameters()));
        theatre.train(2);
    }

    void injectionsThatNeverLearntAreTakenOut() {
        Theatre theatre(brisk());
        theatre.train(3);
        const SurgeryPlan plan = proposed("method = \"plasticity_injection\"", theatre);
        theatre.operate(plan, 0);
        QCOMPARE(whatChanges(theatre, plan, 1), std::string());
        const InjectedLinear& head = *theatre.online().sites().findInjectable("agent.head");
        QCOMPARE(head.branches().size(), std::size_t(1));
        QCOMPARE(head.branches().front().event, std::int64_t(1));
        QVERIFY(theatre.surgeon.undo());
        const auto again = theatre.operate(plan, 1);
        QCOMPARE(again.front().frozenParameters, std::int64_t(0));
        theatre.train(2);
        QCOMPARE(whatChanges(theatre, plan, 2), std::string());
        QCOMPARE(head.branches().size(), std::size_t(2));
    }

    void whatCannotBeIsRefused() {
        const auto vdn = buildNet(brisk("rnn", kVdn).net());
        const auto iqn = buildNet(brisk("rnn", "method = \"dmix\"").net());
        QVERIFY(mentions(refusal("method = \"reset\"\nscope = \"mixer\"", *vdn), "no parameters there"));
        QVERIFY(mentions(refusal("method = \"reset\"\nscope = \"mixer\"", *vdn), "interventions[0]"));
        QVERIFY(mentions(refusal("method = \"reset\"\nscope = \"head\"", *iqn), "no last layer of their own"));
        QVERIFY(
            mentions(refusal("method = \"reset\"\nscope = \"last_k_layers\"\nlayers = 9", *vdn), "3 layers, not 9"));
        QVERIFY(mentions(refusal("method = \"reset\"\nscope = \"heads\"", *vdn), "head"));
        QVERIFY(mentions(refusal("method = \"reset\"\ntarget = \"none\"", *vdn), "hard_sync"));
        QVERIFY(
            mentions(refusal("method = \"plasticity_injection\"\nscope = \"mixer\"", *vdn), "accepts an injection"));
        QVERIFY(mentions(refusal("method = \"plasticity_injection\"", *iqn), "accepts an injection"));
        QVERIFY(mentions(refusal("method = \"marr\"\nkeep = 1.5", *vdn), "keep"));
        QVERIFY(mentions(refusal("method = \"shrink_and_perturb\"\nmode = \"sometimes\"", *vdn), "interval"));

        Theatre theatre(brisk());
        const auto complaintAbout = [&](const SurgeryPlan& plan) {
            const auto checked = theatre.surgeon.check(plan);
            return checked ? std::string() : checked.error().describe();
        };
        QVERIFY(mentions(complaintAbout(planFor("inject", "", {"agent.gru"}, TargetPolicy::Mirror)), "agent.head"));
        QVERIFY(mentions(complaintAbout(planFor("inject", "", {"agent.head", "agent.head"}, TargetPolicy::Mirror)),
                         "twice"));
        QVERIFY(mentions(complaintAbout(planFor("inject", "", {"agent.head"}, TargetPolicy::None)), "target"));
        QVERIFY(mentions(complaintAbout(planFor("redraw", "source = \"old\"", {"agent"})), "fresh"));
        QVERIFY(mentions(complaintAbout(planFor("redraw", "", {"agent.tail"})), "agent.tail"));
        SurgeryPlan mixed = planFor("blend", "", {"agent"});
        mixed.operations.push_back({"agent.fc1", {0}});
        QVERIFY(mentions(complaintAbout(mixed), "whole modules"));
        complicate(theatre, 0);
        QVERIFY(mentions(complaintAbout(planFor("redraw", "", {"agent"}, TargetPolicy::None)), "target network"));
        QVERIFY(mentions(complaintAbout(planFor("redraw", "", {"agent.head.event0"})), "surgery has added"));
    }
};

QTEST_APPLESS_MAIN(TestModuleInterventions)
#include "tst_module_interventions.moc"
