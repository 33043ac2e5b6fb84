// SPDX-License-Identifier: GPL-3.0-or-later
// CW-QMIX, OW-QMIX and ResQ: their losses by plain loops, and what ties them to QMIX.
#include <cmath>

#include <ATen/ATen.h>
#include <QTest>

#include "mixer_checks.h"

using namespace knife;
using namespace knife::test;

namespace {

constexpr std::int64_t kAgents = 3;
constexpr std::int64_t kRows = 60;

const std::string kQmixKeys = "embed = 8\nhypernet_embed = 12\n";
const std::string kQmix = "method = \"qmix\"\n" + kQmixKeys;
const std::string kCw = "method = \"cw_qmix\"\ncentral_embed = 10\n" + kQmixKeys;
const std::string kOw = "method = \"ow_qmix\"\ncentral_embed = 10\n" + kQmixKeys;
const std::string kResq = "method = \"resq\"\ncentral_embed = 10\n" + kQmixKeys;

Setup setupOf(const std::string& mixer, std::uint64_t seed = 1) {
    Setup setup;
    setup.mixer = mixer;
    setup.seed = seed;
    return setup;
}

void addMixers() {
    QTest::addColumn<std::string>("mixer");
    QTest::addRow("cw_qmix") << kCw;
    QTest::addRow("ow_qmix") << kOw;
    QTest::addRow("resq") << kResq;
    QTest::addRow("resq, penalty") << kResq + "residual_negative_abs = false";
    QTest::addRow("resq, as released") << kResq + "as_released = true";
}

// Every second row at its greedy joint action.
JointView halfGreedy(const Setup& setup, const FactorizedNet& net, std::uint64_t number) {
    JointView view = someView(setup, net, kRows, number);
    const at::Tensor even = at::arange(kRows).remainder(2).eq(0).unsqueeze(1);
    return view.at(at::where(even, greedyActions(view.outputs, view.unavailable), view.actions));
}

double at1(const at::Tensor& column, std::int64_t row) {
    return column[row][0].item<double>();
}

bool near(double a, double b, double tolerance = 1e-5) {
    return std::abs(a - b) < tolerance * std::max(1.0, std::abs(b));
}

at::Tensor chosenBy(const at::Tensor& values, const JointView& view) {
    at::Tensor chosen = at::empty({view.rows(), kAgents});
    for (std::int64_t row = 0; row < view.rows(); ++row) {
        for (std::int64_t a = 0; a < kAgents; ++a) {
            chosen[row][a] = values[row][a][view.actions[row][a].item<std::int64_t>()];
        }
    }
    return chosen;
}

// FF([s, chosen values]) + V(s).
at::Tensor plainCentral(const FactorizedNet& net, const std::string& prefix, std::size_t set, const JointView& view) {
    const at::Tensor q = chosenBy(view.further[set], view);
    return plainNet(net, prefix + ".mixer", at::cat({view.state, q}, 1)) + plainNet(net, prefix + ".v", view.state);
}

bool isGreedy(const JointView& view, std::int64_t row) {
    for (std::int64_t a = 0; a < kAgents; ++a) {
        const auto u = view.actions[row][a].item<std::int64_t>();
        for (std::int64_t other = 0; other < view.outputs.size(2); ++other) {
            if (!view.unavailable[row][a][other].item<bool>() &&
                view.outputs[row][a][other].item<double>() > view.outputs[row][a][u].item<double>()) {
                return false;
            }
        }
    }
    return true;
}

// QMIX with the same draws of the parameters that the two share.
at::Tensor qmixOf(const JointView& view, std::uint64_t seed = 1) {
    return buildNet(setupOf(kQmix, seed).net())->mixer().mix(view, nullptr).detach();
}

at::Tensor gradientOf(const FactorizedNet& net, const std::string& name) {
    return parameterNamed(net, name).grad;
}

} // namespace

class TestMixersWeighted : public QObject {
    Q_OBJECT

  private Q_SLOTS:
    void valuesEqualTheirFormulas_data() { addMixers(); }
    void valuesEqualTheirFormulas() {
        QFETCH(std::string, mixer);
        const Setup setup = setupOf(mixer);
        const auto net = buildNet(setup.net());
        const bool resq = mixer.starts_with(kResq);
        QCOMPARE(net->needs().furtherAgents.size(), std::size_t(resq ? 2 : 1));
        const JointView view = halfGreedy(setup, *net, 10);
        const at::Tensor joint = net->mixer().mix(view, nullptr);
        const at::Tensor qTot = qmixOf(view);
        QCOMPARE(joint.sizes().vec(), (std::vector<std::int64_t>{kRows, 1}));
        if (!resq) {
            QVERIFY(sameBits(joint, qTot));
        }
        const at::Tensor bootstrap = net->mixer().bootstrap(view);
        const at::Tensor central = plainCentral(*net, "central", 0, view);
        for (std::int64_t row = 0; row < kRows; ++row) {
            QVERIFY(near(at1(bootstrap, row), at1(central, row)));
        }
        if (resq) {
            const at::Tensor raw = plainCentral(*net, "residual", 1, view);
            const bool negative = mixer == kResq;
            for (std::int64_t row = 0; row < kRows; ++row) {
                const double residual = negative ? -std::abs(at1(raw, row)) : at1(raw, row);
                const double w = isGreedy(view, row) ? 0.0 : 1.0;
                QVERIFY(near(at1(joint, row), at1(qTot, row) + w * residual));
            }
        }
    }

    void weightedLossesEqualTheirFormulas_data() {
        QTest::addColumn<bool>("optimistic");
        QTest::addRow("cw_qmix") << false;
        QTest::addRow("ow_qmix") << true;
    }
    void weightedLossesEqualTheirFormulas() {
        QFETCH(bool, optimistic);
        const Setup setup = setupOf((optimistic ? kOw : kCw) + "weight = 0.3\ncentral_loss = 0.7");
        const auto net = buildNet(setup.net());
        const LossInput input = someLoss(halfGreedy(setup, *net, 20), 30);
        const at::Tensor qTot = qmixOf(input.online);
        const at::Tensor central = plainCentral(*net, "central", 0, input.online);
        double expected = 0.0;
        int full = 0;
        for (std::int64_t row = 0; row < kRows; ++row) {
            const double y = at1(input.targets, row);
            const bool matters =
                optimistic ? at1(qTot, row) < y : isGreedy(input.online, row) || y > at1(input.bootstrap, row);
            full += matters ? 1 : 0;
            const double w = matters ? 1.0 : 0.3;
            expected += (w * std::pow(at1(qTot, row) - y, 2) + 0.7 * std::pow(at1(central, row) - y, 2)) / kRows;
        }
        QVERIFY(full > kRows / 10 && full < kRows);
        const MixerLoss loss = net->mixer().loss(input, nullptr);
        QVERIFY(near(loss.total.item<double>(), expected));
        QVERIFY(sameBits(loss.joint, qTot));
    }

    // Whoever chooses what targets are made of: full weight is for the greedy action of the online agents, and beyond
    // it for targets above Q*^- where they are made. One-step games, whose targets are their rewards.
    void theCentralWeightAsksTheOnlineAgents_data() {
        QTest::addColumn<bool>("doubleQ");
        QTest::addRow("double Q") << true;
        QTest::addRow("not double Q") << false;
    }
    void theCentralWeightAsksTheOnlineAgents() {
        QFETCH(bool, doubleQ);
        constexpr std::int64_t kEpisodes = 80;
        Setup setup = setupOf(kCw + "weight = 0.0\ncentral_loss = 0.0");
        setup.spec.nAgents = 1; // random play is then often greedy
        setup.learning.doubleQ = doubleQ;
        const auto learner = setup.learner();
        shakeTarget(*learner);
        for (const char* name : {"agent.head.weight", "agent.head.bias"}) {
            parameterNamed(learner->target(), name).value.neg_(); // the target prefers the opposite
        }
        Episodes episodes;
        for (std::uint64_t i = 0; i < kEpisodes; ++i) {
            episodes.push_back(randomEpisode(setup.spec, 1, End::Terminated, i));
        }
        const Batch batch = setup.batch(episodes);
        const auto viewOf = [&](const FactorizedNet& net) {
            const NetPass pass = net.pass(batch.inputs, Keep::Nothing, nullptr);
            return JointView{.steps = 1,
                             .episodes = kEpisodes,
                             .outputs = pass.agent.outputs[0].detach().view({kEpisodes, 1, -1}),
                             .hidden = {},
                             .inputs = {},
                             .state = batch.state[0],
                             .unavailable = batch.unavailable[0],
                             .actions = batch.actions[0].view({kEpisodes, 1}),
                             .further = {pass.further[0][0].detach().view({kEpisodes, 1, -1})},
                             .noise = {}};
        };
        const JointView online = viewOf(learner->online());
        const JointView target = viewOf(learner->target());
        const at::Tensor own = greedyActions(online.outputs, online.unavailable);
        const at::Tensor theirs = greedyActions(target.outputs, target.unavailable);
        const at::Tensor bootstrap = learner->target().mixer().bootstrap(target.at(doubleQ ? own : theirs)).detach();
        const at::Tensor joint = learner->online().mixer().mix(online, nullptr).detach();
        const auto lossWith = [&](const at::Tensor& greedy) {
            double sum = 0.0;
            for (std::int64_t row = 0; row < kEpisodes; ++row) {
                const double y = static_cast<double>(batch.reward[static_cast<std::size_t>(row)]);
                const bool taken = online.actions[row].equal(greedy[row]);
                sum += taken || y > at1(bootstrap, row) ? std::pow(at1(joint, row) - y, 2) : 0.0;
            }
            return sum / kEpisodes;
        };
        QVERIFY(own.ne(theirs).sum().item<std::int64_t>() > kEpisodes / 2);
        QVERIFY(!near(lossWith(own), lossWith(theirs), 1e-4));
        QVERIFY(near(learner->probe(batch).loss, lossWith(own)));
    }

    void withoutWeightsTheLossIsThatOfQmix() {
        for (const std::string& mixer : {kCw, kOw}) {
            for (std::uint64_t seed = 1; seed <= 5; ++seed) {
                const Setup setup = setupOf(mixer + "weight = 1.0\ncentral_loss = 0.0", seed);
                const auto net = buildNet(setup.net());
                const auto qmix = buildNet(setupOf(kQmix, seed).net());
                const LossInput input = someLoss(halfGreedy(setup, *net, seed), 40);
                QVERIFY(near(net->mixer().loss(input, nullptr).total.item<double>(),
                             qmix->mixer().loss(input, nullptr).total.item<double>(), 1e-6));
            }
        }
    }

    // Q* learns from its own error only, and QMIX's part from its own.
    void theTwoLossesDoNotMix_data() {
        QTest::addColumn<std::string>("mixer");
        QTest::addRow("cw_qmix") << kCw;
        QTest::addRow("ow_qmix") << kOw;
        QTest::addRow("resq") << kResq;
    }
    void theTwoLossesDoNotMix() {
        QFETCH(std::string, mixer);
        Setup setup = setupOf(mixer + "central_loss = 0.0");
        setup.learning.lr = 0.0;
        const auto silent = setup.learner();
        setup.mixer = mixer + "central_loss = 2.0";
        const auto loud = setup.learner();
        const Batch batch = setup.batch(randomEpisodes(setup.spec, {4, 6, 2, 5}));
        for (Learner* learner : {silent.get(), loud.get()}) {
            learner->online().parameters().zeroGradients();
            QVERIFY(learner->update(batch));
        }
        for (const Parameter& parameter : silent->online().parameters().all()) {
            if (parameter.name.starts_with("central.")) {
                QCOMPARE(parameter.grad.abs().max().item<float>(), 0.F);
            } else {
                QVERIFY(parameter.grad.abs().max().item<float>() > 0.F);
                // Clipping scales the two learners' gradients differently.
                const at::Tensor other = gradientOf(loud->online(), parameter.name);
                QVERIFY(at::allclose(parameter.grad / parameter.grad.norm(), other / other.norm(), 1e-4, 1e-5));
            }
        }
        QVERIFY(gradientOf(loud->online(), "central.fc1.weight").abs().max().item<float>() > 0.F);
        QVERIFY(gradientOf(loud->online(), "central.mixer.weight").abs().max().item<float>() > 0.F);
    }

    void resqLossEqualsItsFormula_data() {
        QTest::addColumn<std::string>("options");
        QTest::addColumn<bool>("negative");
        QTest::addColumn<bool>("penalty");
        QTest::addRow("constrained") << std::string() << true << false;
        QTest::addRow("penalty") << std::string("residual_negative_abs = false") << false << true;
        QTest::addRow("as released") << std::string("as_released = true") << false << false;
    }
    void resqLossEqualsItsFormula() {
        QFETCH(std::string, options);
        QFETCH(bool, negative);
        QFETCH(bool, penalty);
        const Setup setup = setupOf(kResq + options);
        const auto net = buildNet(setup.net());
        LossInput input = someLoss(halfGreedy(setup, *net, 50), 60);
        input.online.further[1].mul_(4.0);
        const at::Tensor qTot = qmixOf(input.online);
        const at::Tensor central = plainCentral(*net, "central", 0, input.online);
        const at::Tensor raw = plainCentral(*net, "residual", 1, input.online);
        QVERIFY(raw.min().item<double>() < 0.0 && raw.max().item<double>() > 0.0);
        double expected = 0.0;
        for (std::int64_t row = 0; row < kRows; ++row) {
            const double y = at1(input.targets, row);
            const double residual = negative ? -std::abs(at1(raw, row)) : at1(raw, row);
            const double joint = at1(qTot, row) + (isGreedy(input.online, row) ? 0.0 : residual);
            expected += std::pow(joint - y, 2) + std::pow(at1(central, row) - y, 2);
            expected += penalty ? std::pow(std::max(residual, 0.0), 2) : 0.0;
        }
        QVERIFY(near(net->mixer().loss(input, nullptr).total.item<double>(), expected / kRows));
    }

    void resqAtTheGreedyActionIsQmixAndElsewhereLess() {
        for (std::uint64_t seed = 1; seed <= 10; ++seed) {
            const Setup setup = setupOf(kResq, seed);
            const auto net = buildNet(setup.net());
            const JointView view = someView(setup, *net, kRows, seed);
            const JointView greedy = view.at(greedyActions(view.outputs, view.unavailable));
            QVERIFY(at::equal(net->mixer().mix(greedy, nullptr), qmixOf(greedy, seed)));
            QVERIFY(net->mixer().mix(view, nullptr).le(qmixOf(view, seed)).all().item<bool>());
        }
    }

    void agentsOfConstrainedResqAgreeOnTheGreedyJointAction() {
        for (std::uint64_t seed = 1; seed <= 20; ++seed) {
            const Setup setup = setupOf(kResq, seed);
            const auto net = buildNet(setup.net());
            const JointView all = everyJointAction(someView(setup, *net, 1, seed));
            const at::Tensor values = net->mixer().mix(all, nullptr).squeeze(1);
            const auto best = values.argmax().item<std::int64_t>();
            QVERIFY(at::equal(all.actions[best], greedyActions(all.outputs, all.unavailable)[best]));
        }
    }

    void gradientsEqualFiniteDifferences_data() { addMixers(); }
    void gradientsEqualFiniteDifferences() {
        QFETCH(std::string, mixer);
        const std::string complaint = gradientComplaint(setupOf(mixer), [](const auto&) { return true; });
        QVERIFY2(complaint.empty(), complaint.c_str());
    }

    // Every set of agents learns the same on the agents' fast path.
    void fastAgentsLearnTheSame_data() { addMixers(); }
    void fastAgentsLearnTheSame() {
        QFETCH(std::string, mixer);
        const std::string complaint = fastAgentsComplaint(setupOf(mixer));
        QVERIFY2(complaint.empty(), complaint.c_str());
    }

    void paddingChangesNothing_data() { addMixers(); }
    void paddingChangesNothing() {
        QFETCH(std::string, mixer);
        const std::string complaint = paddingComplaint(setupOf(mixer));
        QVERIFY2(complaint.empty(), complaint.c_str());
    }

    void surgeryChangesNoBit_data() { addMixers(); }
    void surgeryChangesNoBit() {
        QFETCH(std::string, mixer);
        const std::string complaint = surgeryComplaint(setupOf(mixer));
        QVERIFY2(complaint.empty(), complaint.c_str());
    }

    void sitesHaveTheirNames() {
        const auto net = buildNet(setupOf(kResq).net());
        for (const char* site : {"agent.fc1", "central.fc1", "residual.fc1", "mixer.hyper_w1", "central.mixer",
                                 "central.v", "residual.mixer", "residual.v"}) {
            QVERIFY(siteNamed(*net, site).composite != nullptr);
        }
        for (const char* site : {"central.mixer.fc2", "central.mixer.fc3", "mixer.mix"}) {
            QVERIFY(siteNamed(*net, site).composite == nullptr);
        }
    }
};

QTEST_APPLESS_MAIN(TestMixersWeighted)
#include "tst_mixers_weighted.moc"
