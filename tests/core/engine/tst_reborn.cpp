// SPDX-License-Identifier: GPL-3.0-or-later
// ReBorn: who is dormant, who gives, and that sharing a unit changes nothing where the dormant ones gave nothing.
#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>

#include <ATen/ATen.h>
#include <QTest>
#include <rapidcheck.h>

#include "core/nets/live_unit.h"
#include "core/plasticity/interventions/reborn.h"
#include "theatre.h"

using namespace knife;
using namespace knife::test;

namespace {

constexpr std::int64_t kWidth = 12;

Setup narrow(const char* mixer = "method = \"qmix\"\nembed = 8\nhypernet_embed = 12") {
    Setup setup = brisk("rnn", mixer);
    setup.hidden = kWidth;
    return setup;
}

// Never fires: its incoming weights are small beside its bias.
void kill(const Site& site, int unit) {
    const at::NoGradGuard noGrad;
    const LiveUnit live = liveUnit(site, unit);
    live.bias->value.select(0, live.row).fill_(-1e4);
}

SurgeryPlan planFor(std::vector<SiteOperation> operations, TargetPolicy target = TargetPolicy::Mirror) {
    SurgeryPlan plan;
    plan.intervention = "reborn";
    plan.operation = "share_units";
    plan.operations = std::move(operations);
    plan.optimiser = OptimiserPolicy::MeanFill;
    plan.target = target;
    return plan;
}

double relative(double change, const at::Tensor& values) {
    return change / std::max(1.0, values.abs().max().item<double>());
}

void checkDrift(Theatre& theatre, const SurgeryPlan& plan, std::int64_t event) {
    const Batch batch = theatre.batch(40);
    const Probe before = theatre.learner->probe(batch);
    theatre.operate(plan, event);
    const OutputChange change = Learner::difference(before, theatre.learner->probe(batch));
    const std::string where = complaint(change, plan.operations.front().site);
    QVERIFY2(relative(change.q, before.q) < 1e-5, where.c_str());
    QVERIFY2(relative(change.qTot, before.qTot) < 1e-5, where.c_str());
    QVERIFY2(relative(change.targetQTot, before.targetQTot) < 1e-5, where.c_str());
}

Site siteOf(int units) {
    Site site;
    site.name = "agent.fc1";
    site.units = units;
    return site;
}

} // namespace

class TestReborn : public QObject {
    Q_OBJECT

  private Q_SLOTS:
    void dormantAndOveractiveAreTakenFromTheLayersMean() {
        const Reborn reborn{RebornConfig{}};
        constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
        // Mean 1: up to 0.1 dormant, above 3 over-active; an unmeasured unit is neither.
        const std::vector<float> activation = {0.09F, 0.11F, 2.99F, 0.F, 1.F, 3.4F, -0.59F, kNan, 1.F};
        const SiteOperation found = reborn.match(siteOf(9), activation, CounterRng({1, "test", 0}));
        QCOMPARE(found.units, (std::vector<int>{0, 3, 6}));
        QCOMPARE(found.partners, (std::vector<int>{5, 5, 5}));
        QVERIFY(reborn.match(siteOf(2), {0.F, 0.F}, CounterRng({1, "test", 0})).units.empty());
    }

    void noDonorHasMorePartnersThanAllowed() {
        QVERIFY(rc::check("partners", [](std::uint32_t seed) {
            CounterRng rng({seed, "test/activation", 0});
            std::vector<float> activation;
            const int units = 40;
            for (int i = 0; i < units; ++i) {
                activation.push_back(rng.chance(0.1) ? static_cast<float>(rng.uniform(5.0, 20.0)) : 0.F);
            }
            const Reborn reborn{RebornConfig{}};
            const SiteOperation found = reborn.match(siteOf(units), activation, rng);
            std::map<int, int> partners;
            for (const int donor : found.partners) {
                ++partners[donor];
            }
            const int orphans = partners[-1];
            partners.erase(-1);
            const double mean = std::accumulate(activation.begin(), activation.end(), 0.0) / static_cast<double>(units);
            const auto donors =
                std::ranges::count_if(activation, [&](float value) { return static_cast<double>(value) > 3.0 * mean; });
            for (const auto& [donor, count] : partners) {
                RC_ASSERT(count <= 5);
                RC_ASSERT(static_cast<double>(activation[static_cast<std::size_t>(donor)]) > 3.0 * mean);
            }
            const auto dormant = static_cast<int>(found.units.size());
            RC_ASSERT(orphans == std::max(0, dormant - 5 * static_cast<int>(donors)));
        }));
    }

    void sharingWithDeadUnitsChangesNothing_data() {
        QTest::addColumn<QString>("mixer");
        QTest::addColumn<QString>("site");
        for (const char* site : {"agent.fc1", "mixer.hyper_w1", "mixer.hyper_w2", "mixer.v"}) {
            QTest::addRow("qmix, %s", site) << "method = \"qmix\"\nembed = 8\nhypernet_embed = 12" << site;
        }
        QTest::addRow("qplex") << "method = \"qplex\""
                               << "mixer.hyper_w";
    }
    void sharingWithDeadUnitsChangesNothing() {
        QFETCH(QString, mixer);
        QFETCH(QString, site);
        for (const bool composites : {false, true}) {
            Theatre theatre(narrow(qPrintable(mixer)));
            theatre.train(4);
            if (composites) {
                theatre.operate(planOf({{site.toStdString(), {1, 2, 7}}}), 0); // a donor and two dormant units
                theatre.train(2);
            }
            for (const FactorizedNet* net : {&theatre.online(), &theatre.target()}) {
                for (const int unit : {0, 1, 3, 4, 7}) {
                    kill(siteNamed(*net, site.toStdString()), unit);
                }
            }
            SurgeryPlan plan = planFor({{site.toStdString(), {0, 1, 3, 4, 7}}});
            plan.operations.front().partners = {2, 2, 5, -1, 2};
            const ParameterCopy before(theatre.online().parameters());
            checkDrift(theatre, plan, 1);
            QVERIFY(theatre.surgeon.undo());
            QVERIFY(before.sameBitsAs(theatre.online().parameters()));
        }
    }

    void sharesSumToTheDonorsOwnWeights() {
        Theatre theatre(narrow());
        theatre.train(4);
        const Site& site = siteNamed(theatre.online(), "mixer.v");
        const at::Tensor in = site.weight->value.detach().clone();
        const at::Tensor out = site.consumers.front().weight->value.detach().clone();
        SurgeryPlan plan = planFor({{"mixer.v", {0, 1, 3}}});
        plan.operations.front().partners = {2, 2, -1};
        const auto receipts = theatre.operate(plan, 0);
        QCOMPARE(receipts.front().kind, std::string("reborn"));
        const at::Tensor newIn = site.weight->value.detach();
        const at::Tensor newOut = site.consumers.front().weight->value.detach();
        QVERIFY(sameBits(newIn[2], in[2]));
        at::Tensor sum = newOut.select(1, 2).clone();
        std::vector<double> factors;
        for (const int partner : {0, 1}) {
            const at::Tensor ratio = newIn[partner] / in[2];
            const double factor = ratio.mean().item<double>();
            QVERIFY(factor > 0.3 && factor < 0.8);
            QVERIFY(at::allclose(newIn[partner], in[2] * factor, 1e-5, 1e-7));
            sum += factor * newOut.select(1, partner);
            factors.push_back(factor);
            const at::Tensor share = factor * newOut.select(1, partner) / out.select(1, 2);
            QVERIFY(share.min().item<double>() > 0.0 && share.max().item<double>() < 1.0);
        }
        QVERIFY(factors[0] != factors[1]);
        QVERIFY(at::allclose(sum, out.select(1, 2), 1e-5, 1e-7));
        QCOMPARE(newOut.select(1, 3).abs().max().item<float>(), 0.F); // no donor: fresh, and not yet heard
        QVERIFY(!at::equal(newIn[3], in[3]));
        for (const int untouched : {4, 5, 7}) {
            QVERIFY(sameBits(newIn[untouched], in[untouched]));
            QVERIFY(sameBits(newOut.select(1, untouched), out.select(1, untouched)));
        }
    }

    void qTotStaysMonotone() {
        Theatre theatre(narrow());
        theatre.train(6);
        SurgeryPlan plan;
        for (const char* site : {"mixer.hyper_w1", "mixer.hyper_w2", "mixer.v"}) {
            plan = planFor({{site, {0, 1, 3}}});
            plan.operations.front().partners = {2, 5, 2};
            theatre.operate(plan, 0);
        }
        const std::int64_t agents = theatre.setup.spec.nAgents;
        const at::Tensor q = randomTensor({64, agents}, 3).requires_grad_(true);
        const at::Tensor state = randomTensor({64, theatre.setup.spec.stateDim}, 4);
        const at::Tensor joint = theatre.online().mixer().mix(chosenValues(q, state), nullptr);
        joint.sum().backward();
        QVERIFY(q.grad().min().item<float>() >= 0.F);
        QVERIFY(q.grad().max().item<float>() > 0.F);
    }

    void whatCannotBeIsRefused() {
        const auto refusal = [](const std::string& toml, const Setup& setup) {
            const auto net = buildNet(setup.net());
            const auto made = makeIntervention(sectionOf("method = \"reborn\"\n" + toml, "interventions[0]"), *net);
            return made ? std::string() : made.error().describe();
        };
        const auto mentions = [](const std::string& text, const std::string& part) {
            return text.find(part) != std::string::npos;
        };
        QVERIFY(mentions(refusal("", narrow("method = \"vdn\"")), "no site \"mixer\""));
        QVERIFY(mentions(refusal("sites = [\"mixer.mix\"]", narrow()), "nothing to share"));
        QVERIFY(mentions(refusal("low = 0.9", narrow()), "above the largest"));
        Setup normalised = narrow();
        normalised.agentKind = "rnn_layernorm";
        QVERIFY(mentions(refusal("sites = [\"agent.fc1\"]", normalised), "not homogeneous"));
        QCOMPARE(refusal("sites = [\"agent\", \"mixer\"]", narrow()), std::string());

        Theatre theatre(narrow());
        SurgeryPlan plan = planFor({{"mixer.v", {0, 1}}});
        plan.operations.front().partners = {1, -1}; // a unit that is replaced itself
        const auto checked = theatre.surgeon.check(plan);
        QVERIFY(!checked && mentions(checked.error().describe(), "donor"));
    }
};

QTEST_APPLESS_MAIN(TestReborn)
#include "tst_reborn.moc"
