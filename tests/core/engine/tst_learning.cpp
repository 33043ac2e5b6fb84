// SPDX-License-Identifier: GPL-3.0-or-later
// One update: targets, loss, gradient, masks, clipping, optimisers.
#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include <ATen/ATen.h>
#include <QTest>

#include "core/plasticity/diagnostics.h"
#include "engine_fixtures.h"

using namespace knife;
using namespace knife::test;

namespace {

// Makes update() a pure measurement: gradients are neither clipped nor followed.
LearningConfig standingStill() {
    LearningConfig config;
    config.lr = 0.0;
    config.gradClip = 1e30;
    return config;
}

at::Tensor flatGradient(const ParameterSet& parameters) {
    std::vector<at::Tensor> parts;
    for (const ParameterBlock& block : parameters.blocks()) {
        if (block.trainable) {
            parts.push_back(block.grad.clone());
        }
    }
    return at::cat(parts);
}

at::Tensor flatValues(const ParameterSet& parameters) {
    std::vector<at::Tensor> parts;
    for (const ParameterBlock& block : parameters.blocks()) {
        parts.push_back(block.value.clone());
    }
    return at::cat(parts);
}

struct Measured {
    UpdateReport report;
    at::Tensor gradient;
    std::vector<SiteSnapshot> sites;
};

// The gradient and the diagnostics of one batch; requires a learner that stands still.
Measured measureBatch(Learner& learner, const Batch& batch) {
    Diagnostics diagnostics({}, learner.online().sites());
    const auto report = learner.update(batch, {&diagnostics});
    if (!report) {
        throw std::runtime_error(report.error().describe());
    }
    return {*report, flatGradient(learner.online().parameters()), diagnostics.frame({}).sites};
}

// The same episodes in a longer batch; what lies in the padding is noise.
Batch padded(const Batch& batch, std::int64_t extra) {
    Batch longer = batch;
    const auto append = [extra](const at::Tensor& tensor, const std::function<at::Tensor(at::IntArrayRef)>& make) {
        auto sizes = tensor.sizes().vec();
        sizes[0] = extra;
        return at::cat({tensor, make(sizes)});
    };
    const auto noise = [](at::IntArrayRef sizes) {
        return randomTensor(sizes.vec(), 77);
    };
    longer.steps += extra;
    longer.inputs = append(batch.inputs, noise);
    longer.state = append(batch.state, noise);
    longer.unavailable = append(batch.unavailable, [&](at::IntArrayRef sizes) { return noise(sizes) > 0; });
    longer.actions = append(batch.actions, [](at::IntArrayRef sizes) { return at::ones(sizes, at::kLong); });
    longer.valid = append(batch.valid, [](at::IntArrayRef sizes) { return at::zeros(sizes); });
    longer.reward.resize(static_cast<std::size_t>(longer.steps * longer.episodes), 5.F);
    return longer;
}

bool close(const at::Tensor& a, const at::Tensor& b, double tolerance = 1e-6) {
    const double scale = std::max(1e-3, b.abs().max().item<double>());
    return (a - b).abs().max().item<double>() <= tolerance * scale;
}

double validSteps(const Batch& batch) {
    return batch.valid.sum().item<double>();
}

const char* const kMixers[][2] = {
    {"qmix, two layers", "method = \"qmix\"\nembed = 8\nhypernet_embed = 12"},
    {"qmix, one layer", "method = \"qmix\"\nembed = 8\nhypernet_layers = 1"},
    {"vdn", "method = \"vdn\""},
    {"iql", "method = \"iql\""},
};

void addNets() {
    QTest::addColumn<QString>("kind");
    QTest::addColumn<QString>("mixer");
    for (const char* kind : {"rnn", "mlp"}) {
        for (const auto& [name, mixer] : kMixers) {
            QTest::addRow("%s, %s", kind, name) << QString(kind) << QString(mixer);
        }
    }
}

Setup fetchSetup() {
    Setup setup;
    [&] {
        QFETCH(QString, kind);
        QFETCH(QString, mixer);
        setup.agentKind = kind.toStdString();
        setup.mixer = mixer.toStdString();
    }();
    return setup;
}

// Copies noise into the target, so that online and target values differ.
void shakeTarget(Learner& learner) {
    for (ParameterBlock& block : learner.target().parameters().blocks()) {
        block.value.add_(randomTensor({block.size()}, 31), 0.2);
    }
}

// A single agent whose action values are constants: its head bias.
struct ConstantValues {
    Setup setup;
    std::unique_ptr<Learner> learner;

    ConstantValues(const LearningConfig& learning, const std::vector<float>& online, const std::vector<float>& target) {
        setup.spec = {.name = "tiny",
                      .nAgents = 1,
                      .nActions = 3,
                      .obsDim = 2,
                      .stateDim = 2,
                      .episodeLimit = 5,
                      .hasWin = false};
        setup.agentKind = "mlp";
        setup.mixer = "method = \"vdn\"";
        setup.learning = learning;
        learner = setup.learner();
        set(learner->online(), online);
        set(learner->target(), target);
    }

    static void set(const FactorizedNet& net, const std::vector<float>& bias) {
        const at::NoGradGuard noGrad;
        parameterNamed(net, "agent.head.weight").value.zero_();
        parameterNamed(net, "agent.head.bias").value.copy_(at::tensor(bias));
    }

    // Two steps with action 0; `secondAvail` is what may be done at the second one.
    [[nodiscard]] Batch batch(const std::vector<std::uint8_t>& secondAvail) const {
        EpisodeRecorder recorder(setup.spec);
        const std::vector<float> nothing = {0.F, 0.F};
        const std::vector<std::uint8_t> all = {1, 1, 1};
        recorder.begin({});
        recorder.observe(nothing, nothing, all);
        recorder.act(std::vector<std::int32_t>{0}, {.reward = 1.F});
        recorder.observe(nothing, nothing, secondAvail);
        recorder.act(std::vector<std::int32_t>{0}, {.reward = 2.F, .terminated = true});
        recorder.observe(nothing, nothing, all);
        return setup.batch({std::make_shared<const EpisodeRecord>(recorder.finish())});
    }
};

// RMSprop and Adam as their papers and PyTorch's manual write them, in double precision.
struct ReferenceOptimiser {
    LearningConfig config;
    std::vector<double> theta;
    std::vector<double> m;
    std::vector<double> v;
    int steps = 0;

    ReferenceOptimiser(const LearningConfig& learning, const at::Tensor& start) : config(learning) {
        theta.assign(start.data_ptr<float>(), start.data_ptr<float>() + start.numel());
        m.assign(theta.size(), 0.0);
        v.assign(theta.size(), 0.0);
    }

    void step(const at::Tensor& gradient) {
        ++steps;
        for (std::size_t i = 0; i < theta.size(); ++i) {
            const auto g = static_cast<double>(gradient.data_ptr<float>()[i]);
            if (config.optimiser == "adam") {
                m[i] = config.adamBeta1 * m[i] + (1 - config.adamBeta1) * g;
                v[i] = config.adamBeta2 * v[i] + (1 - config.adamBeta2) * g * g;
                const double mHat = m[i] / (1 - std::pow(config.adamBeta1, steps));
                const double vHat = v[i] / (1 - std::pow(config.adamBeta2, steps));
                theta[i] -= config.lr * mHat / (std::sqrt(vHat) + config.epsilon);
            } else {
                v[i] = config.rmspropAlpha * v[i] + (1 - config.rmspropAlpha) * g * g;
                theta[i] -= config.lr * g / (std::sqrt(v[i]) + config.epsilon);
            }
        }
    }
};

// Freezes about a third of all entries of an unoperated network.
at::Tensor freezeSome(ParameterSet& parameters) {
    at::Tensor frozen = at::zeros({parameters.blocks().front().size()}, at::kBool);
    for (const Parameter* parameter : parameters.blocks().front().parameters) {
        const at::Tensor entries =
            randomTensor(parameter->value.sizes().vec(), static_cast<std::uint64_t>(parameter->value.numel())) > 0.3;
        parameters.freeze(*parameter, entries);
        const auto offset = parameter->value.storage_offset();
        frozen.slice(0, offset, offset + entries.numel()).copy_(entries.reshape({-1}));
    }
    return frozen;
}

void addOptimisers() {
    QTest::addColumn<QString>("optimiser");
    QTest::addRow("rmsprop") << QString("rmsprop");
    QTest::addRow("adam") << QString("adam");
}

} // namespace

class TestLearning : public QObject {
    Q_OBJECT

  private Q_SLOTS:
    void doubleQChoosesOnlineAndValuesByTheTarget_data() {
        QTest::addColumn<bool>("doubleQ");
        QTest::addColumn<bool>("bestIsLegal");
        QTest::addColumn<double>("firstTarget"); // 1 + 0.5 * value of the next step
        QTest::addRow("double") << true << true << 1 + 0.5 * 5;
        QTest::addRow("double, best illegal") << true << false << 1 + 0.5 * 10;
        QTest::addRow("single") << false << true << 1 + 0.5 * 10;
        QTest::addRow("single, best illegal") << false << false << 1 + 0.5 * 7;
    }
    void doubleQChoosesOnlineAndValuesByTheTarget() {
        QFETCH(bool, doubleQ);
        QFETCH(bool, bestIsLegal);
        QFETCH(double, firstTarget);
        LearningConfig learning = standingStill();
        learning.doubleQ = doubleQ;
        learning.gamma = 0.5;
        const ConstantValues tiny(learning, {1.F, 2.F, 0.F}, {10.F, 5.F, 7.F});
        std::vector<std::uint8_t> avail = {1, 1, 1};
        if (!bestIsLegal) {
            avail[doubleQ ? 1 : 0] = 0;
        }
        const Batch batch = tiny.batch(avail);
        const double loss = (std::pow(1 - firstTarget, 2) + std::pow(1 - 2.0, 2)) / 2;
        QCOMPARE(tiny.learner->probe(batch).loss, loss);
        const auto report = tiny.learner->update(batch);
        QVERIFY(report);
        QCOMPARE(report->loss, loss);
        QCOMPARE(report->qTotMean, 1.0);
        QCOMPARE(report->targetMean, (firstTarget + 2.0) / 2);
        QCOMPARE(report->tdErrorAbs, (std::abs(1 - firstTarget) + 1.0) / 2);
        QVERIFY(!report->clipped);
    }

    void independentLearnersShareTheRewardAndTheMean() {
        Setup setup;
        setup.mixer = "method = \"iql\"";
        setup.learning = standingStill();
        const auto learner = setup.learner();
        shakeTarget(*learner);
        const Batch batch = setup.batch({randomEpisode(setup.spec, 1, End::Terminated, 4)});
        const at::NoGradGuard noGrad;
        const at::Tensor q = learner->online().agent().unroll(batch.inputs, nullptr).outputs.view({2, 3, 4});
        double expected = 0.0;
        for (int a = 0; a < 3; ++a) {
            const double chosen = q[0][a][batch.actions[0][0][a].item<std::int64_t>()].item<double>();
            expected += std::pow(chosen - static_cast<double>(batch.reward[0]), 2) / 3;
        }
        QVERIFY(std::abs(learner->probe(batch).loss - expected) < 1e-6);
    }

    void paddingChangesNothing_data() { addNets(); }
    void paddingChangesNothing() {
        Setup setup = fetchSetup();
        setup.learning = standingStill();
        setup.learning.tdLambda = 0.6;
        const auto learner = setup.learner();
        shakeTarget(*learner);
        const Batch batch = setup.batch(randomEpisodes(setup.spec, {4, 6, 2, 5}));
        const Measured expected = measureBatch(*learner, batch);
        for (const std::int64_t extra : {1, 3, 9}) {
            const Measured got = measureBatch(*learner, padded(batch, extra));
            QVERIFY(std::abs(got.report.loss - expected.report.loss) < 1e-6);
            QVERIFY(std::abs(got.report.qTotMean - expected.report.qTotMean) < 1e-6);
            QVERIFY(std::abs(got.report.targetMean - expected.report.targetMean) < 1e-6);
            QVERIFY(close(got.gradient, expected.gradient));
            for (std::size_t i = 0; i < expected.sites.size(); ++i) {
                const SiteSnapshot& site = expected.sites[i];
                for (std::size_t d = 0; d < site.diagnostics.size(); ++d) {
                    const at::Tensor before = at::tensor(site.diagnostics[d].values).nan_to_num(-1.0);
                    const at::Tensor after = at::tensor(got.sites[i].diagnostics[d].values).nan_to_num(-1.0);
                    QVERIFY2(close(after, before, 1e-5), (site.name + " " + site.diagnostics[d].name).c_str());
                }
            }
        }
    }

    // A longer companion pads the short episode; sums over valid steps must add up.
    void aLongerCompanionChangesNothing_data() { addNets(); }
    void aLongerCompanionChangesNothing() {
        Setup setup = fetchSetup();
        setup.learning = standingStill();
        setup.learning.tdLambda = 0.6;
        const auto learner = setup.learner();
        shakeTarget(*learner);
        for (const End end : {End::Terminated, End::Truncated}) {
            const auto shorter = randomEpisode(setup.spec, 2, end, 1);
            const auto longer = randomEpisode(setup.spec, 9, End::Truncated, 2);
            const Batch first = setup.batch({shorter});
            const Batch second = setup.batch({longer});
            const Batch both = setup.batch({shorter, longer});
            const Measured a = measureBatch(*learner, first);
            const Measured b = measureBatch(*learner, second);
            const Measured together = measureBatch(*learner, both);
            const double shareA = validSteps(first) / validSteps(both);
            const double shareB = validSteps(second) / validSteps(both);
            QVERIFY(std::abs(together.report.loss - (a.report.loss * shareA + b.report.loss * shareB)) < 1e-6);
            QVERIFY(close(together.gradient, a.gradient * shareA + b.gradient * shareB, 2e-6));
        }
    }

    void gradientEqualsFiniteDifferences_data() { addNets(); }
    void gradientEqualsFiniteDifferences() {
        Setup setup = fetchSetup();
        setup.learning = standingStill();
        setup.learning.tdLambda = 0.6;
        setup.learning.doubleQ = false; // its choice depends on the online network, and jumps
        const auto learner = setup.learner();
        shakeTarget(*learner);
        const Batch batch = setup.batch(randomEpisodes(setup.spec, {4, 6, 2, 5}));
        (void)measureBatch(*learner, batch);
        const double lossScale = learner->probe(batch).loss;
        for (const Parameter& parameter : learner->online().parameters().all()) {
            at::Tensor direction = randomTensor(parameter.value.sizes().vec(), 12);
            direction.div_(direction.norm());
            const double slope = (parameter.grad * direction).sum().item<double>();
            constexpr double kStep = 1e-3; // small beside the distance to the next kink of a ReLU
            const at::Tensor value = parameter.value.detach();
            value.add_(direction, kStep);
            const double above = learner->probe(batch).loss;
            value.add_(direction, -2 * kStep);
            const double below = learner->probe(batch).loss;
            value.add_(direction, kStep);
            const double expected = (above - below) / (2 * kStep);
            QVERIFY2(std::abs(slope - expected) < 0.02 * std::abs(expected) + 2e-4 * lossScale,
                     qPrintable(QString("%1: %2 instead of %3")
                                    .arg(QString::fromStdString(parameter.name))
                                    .arg(slope)
                                    .arg(expected)));
        }
    }

    void optimisersFollowTheirFormulas_data() { addOptimisers(); }
    void optimisersFollowTheirFormulas() {
        QFETCH(QString, optimiser);
        Setup setup;
        setup.learning.optimiser = optimiser.toStdString();
        setup.learning.gradClip = 0.05; // clipped gradients are what the optimiser sees
        const auto learner = setup.learner();
        ParameterSet& parameters = learner->online().parameters();
        const at::Tensor start = flatValues(parameters);
        ReferenceOptimiser reference(setup.learning, start);
        constexpr int kUpdates = 30;
        for (int i = 0; i < kUpdates; ++i) {
            const auto report =
                learner->update(setup.batch(randomEpisodes(setup.spec, {3, 5}, static_cast<std::uint64_t>(i))));
            QVERIFY(report);
            QVERIFY(report->clipped);
            reference.step(flatGradient(parameters));
        }
        QCOMPARE(learner->optimiser().steps(), std::int64_t(kUpdates));
        const at::Tensor end = flatValues(parameters);
        QVERIFY((end - start).abs().max().item<double>() > 10 * setup.learning.lr);
        for (std::size_t i = 0; i < reference.theta.size(); ++i) {
            const auto got = static_cast<double>(end.data_ptr<float>()[i]);
            QVERIFY(std::abs(got - reference.theta[i]) < 0.002 * setup.learning.lr * kUpdates);
        }
        learner->optimiser().reset(parameters);
        QCOMPARE(learner->optimiser().steps(), std::int64_t(0));
        QCOMPARE(parameters.blocks().front().moment1.abs().sum().item<float>(), 0.F);
        QCOMPARE(parameters.blocks().front().moment2.abs().sum().item<float>(), 0.F);
    }

    void frozenEntriesStayBitForBit_data() {
        QTest::addColumn<QString>("optimiser");
        QTest::addColumn<double>("epsilon");
        for (const char* optimiser : {"rmsprop", "adam"}) {
            QTest::addRow("%s", optimiser) << QString(optimiser) << 1e-5;
            QTest::addRow("%s without epsilon", optimiser) << QString(optimiser) << 0.0;
        }
    }
    void frozenEntriesStayBitForBit() {
        QFETCH(QString, optimiser);
        QFETCH(double, epsilon);
        Setup setup;
        setup.learning.optimiser = optimiser.toStdString();
        setup.learning.epsilon = epsilon;
        const auto learner = setup.learner();
        ParameterSet& parameters = learner->online().parameters();
        const auto update = [&](std::uint64_t number) {
            return learner->update(setup.batch(randomEpisodes(setup.spec, {3, 5}, number))).has_value();
        };
        for (std::uint64_t i = 0; i < 5; ++i) {
            QVERIFY(update(i)); // moments are not zero when the entries are frozen
        }
        const std::int64_t all = parameters.count(Trainability::Trainable);
        const at::Tensor frozen = freezeSome(parameters);
        const std::int64_t count = at::count_nonzero(frozen).item<std::int64_t>();
        QCOMPARE(parameters.count(Trainability::Frozen), count);
        QCOMPARE(parameters.count(Trainability::Trainable), all - count);
        const at::Tensor before = flatValues(parameters);
        for (std::uint64_t i = 5; i < 25; ++i) {
            QVERIFY(update(i));
        }
        const at::Tensor after = flatValues(parameters);
        QVERIFY(at::isfinite(after).all().item<bool>());
        QVERIFY(sameBits(after.masked_select(frozen), before.masked_select(frozen)));
        const at::Tensor moved = after != before;
        QVERIFY(at::count_nonzero(moved).item<std::int64_t>() > (all - count) * 9 / 10);
    }

    void clippingScalesToTheLimitAndKeepsTheDirection() {
        Setup setup;
        setup.learning = standingStill();
        const auto learner = setup.learner();
        const Batch batch = setup.batch(randomEpisodes(setup.spec, {3, 5}));
        const Measured free = measureBatch(*learner, batch);
        QVERIFY(!free.report.clipped);
        QVERIFY(std::abs(free.report.gradNorm - free.gradient.norm().item<double>()) < 1e-5);
        setup.learning.gradClip = free.report.gradNorm / 4;
        const auto clipping = setup.learner();
        const Measured clipped = measureBatch(*clipping, batch);
        QVERIFY(clipped.report.clipped);
        QCOMPARE(clipped.report.gradNorm, free.report.gradNorm);
        QVERIFY(close(clipped.gradient, free.gradient / 4, 1e-5));
        // What diagnostics saw was not clipped yet.
        QCOMPARE(clipped.sites.front().find("grad_norm")->values, free.sites.front().find("grad_norm")->values);
        setup.learning.gradClip = free.report.gradNorm * 1.01;
        const auto loose = setup.learner();
        QVERIFY(sameBits(measureBatch(*loose, batch).gradient, free.gradient));
    }

    void aDivergedUpdateLeavesTheNetworksAlone_data() {
        QTest::addColumn<float>("reward");
        QTest::addRow("not a number") << std::numeric_limits<float>::quiet_NaN();
        QTest::addRow("infinite") << std::numeric_limits<float>::infinity();
        QTest::addRow("overflowing") << 1e30F;
    }
    void aDivergedUpdateLeavesTheNetworksAlone() {
        QFETCH(float, reward);
        const Setup setup;
        const auto learner = setup.learner();
        const Batch sane = setup.batch(randomEpisodes(setup.spec, {3, 5}));
        QVERIFY(learner->update(sane));
        const ParameterCopy online(learner->online().parameters());
        const ParameterCopy target(learner->target().parameters());
        const std::string hash = learner->weightsSha256();
        Batch poisoned = sane;
        poisoned.reward[1] = reward;
        const auto report = learner->update(poisoned);
        QVERIFY(!report);
        QVERIFY(report.error().code == ErrorCode::Diverged);
        QVERIFY(report.error().message.find("learning.lr") != std::string::npos);
        QVERIFY(online.sameBitsAs(learner->online().parameters()));
        QVERIFY(target.sameBitsAs(learner->target().parameters()));
        QCOMPARE(learner->weightsSha256(), hash);
        QCOMPARE(learner->optimiser().steps(), std::int64_t(1));
        QVERIFY(learner->update(sane)); // the fault does not linger in the gradients
    }

    void learningIsRepeatableBitForBit_data() { addNets(); }
    void learningIsRepeatableBitForBit() {
        const Setup setup = fetchSetup();
        const auto first = setup.learner();
        const auto second = setup.learner();
        for (std::uint64_t i = 0; i < 10; ++i) {
            const Batch batch = setup.batch(randomEpisodes(setup.spec, {3, 5, 7}, i));
            Diagnostics diagnostics({}, second->online().sites());
            const auto plain = first->update(batch);
            const auto watched = second->update(batch, {&diagnostics});
            QVERIFY(plain && watched);
            QCOMPARE(watched->loss, plain->loss);
        }
        QVERIFY2(sameBits(first->online().parameters(), second->online().parameters()), "watching changed the weights");
        QCOMPARE(first->weightsSha256(), second->weightsSha256());
    }

    void theHashSeesEveryBit() {
        const Setup setup;
        const auto learner = setup.learner();
        const std::string hash = learner->weightsSha256();
        QCOMPARE(hash.size(), std::size_t(64));
        const at::Tensor bias = parameterNamed(learner->online(), "mixer.v.out.bias").value.detach();
        float& entry = bias.data_ptr<float>()[0];
        const float before = entry;
        entry = std::nextafter(before, 1.F);
        QVERIFY(learner->weightsSha256() != hash);
        entry = before;
        QCOMPARE(learner->weightsSha256(), hash);
    }

    void theTargetFollowsOnlyByCopy() {
        const Setup setup;
        const auto learner = setup.learner();
        QVERIFY(sameBits(learner->online().parameters().blocks().front().value,
                         learner->target().parameters().blocks().front().value));
        const ParameterCopy target(learner->target().parameters());
        const Batch batch = setup.batch(randomEpisodes(setup.spec, {3, 5}));
        for (int i = 0; i < 5; ++i) {
            QVERIFY(learner->update(batch));
        }
        QVERIFY(target.sameBitsAs(learner->target().parameters()));
        learner->copyToTarget();
        const Probe probe = learner->probe(batch);
        QVERIFY(sameBits(probe.qTot, probe.targetQTot));
    }

    void repeatedUpdatesFitOneBatch_data() { addNets(); }
    void repeatedUpdatesFitOneBatch() {
        Setup setup = fetchSetup();
        setup.learning.optimiser = "adam";
        setup.learning.lr = 5e-3;
        const auto learner = setup.learner();
        const Batch batch = setup.batch(randomEpisodes(setup.spec, {3, 5, 7}));
        const double before = learner->probe(batch).loss;
        for (int i = 0; i < 150; ++i) {
            QVERIFY(learner->update(batch));
        }
        const double after = learner->probe(batch).loss;
        QVERIFY2(after < 0.5 * before, qPrintable(QString("%1 to %2").arg(before).arg(after)));
    }
};

QTEST_APPLESS_MAIN(TestLearning)
#include "tst_learning.moc"
