// SPDX-License-Identifier: GPL-3.0-or-later
// What a learner may do beside the plain loop: a target that follows, standardised rewards, another device.
#include <cmath>

#include <ATen/ATen.h>
#include <QTest>

#include "core/learning/optimiser.h"
#include "core/learning/reward_scale.h"
#include "core/learning/tensor_optimiser.h"
#include "core/plasticity/surgeon.h"
#include "engine_fixtures.h"

using namespace knife;
using namespace knife::test;

namespace {

at::Tensor flatValues(const ParameterSet& parameters) {
    std::vector<at::Tensor> parts;
    for (const ParameterBlock& block : parameters.blocks()) {
        parts.push_back(block.value.clone());
    }
    return at::cat(parts);
}

Batch rewarded(const Setup& setup, const std::vector<int>& lengths, std::uint64_t number) {
    return setup.batch(randomEpisodes(setup.spec, lengths, number));
}

// A learner some updates old, with gradients, moments and a third of its entries frozen.
std::unique_ptr<Learner> worn(const Setup& setup) {
    auto learner = setup.learner();
    ParameterSet& parameters = learner->online().parameters();
    for (std::uint64_t i = 0; i < 6; ++i) {
        if (i == 3) {
            for (const Parameter* parameter : parameters.blocks().front().parameters) {
                parameters.freeze(*parameter, randomTensor(parameter->value.sizes().vec(), 8) > 0.3);
            }
        }
        (void)learner->update(rewarded(setup, {3, 5, 9}, i));
    }
    return learner;
}

double largestStep(const at::Tensor& a, const at::Tensor& b) {
    return (a - b).abs().max().item<double>();
}

void addOptimisers() {
    QTest::addColumn<QString>("optimiser");
    QTest::addRow("rmsprop") << QString("rmsprop");
    QTest::addRow("adam") << QString("adam");
}

} // namespace

class TestLearningOptions : public QObject {
    Q_OBJECT

  private Q_SLOTS:
    void theTargetFollowsByItsShare_data() {
        QTest::addColumn<double>("tau");
        QTest::addColumn<bool>("composites");
        for (const double tau : {0.005, 0.3, 0.7, 1.0}) {
            QTest::addRow("%g", tau) << tau << false;
            QTest::addRow("%g with composites", tau) << tau << true;
        }
    }
    void theTargetFollowsByItsShare() {
        QFETCH(double, tau);
        QFETCH(bool, composites);
        Setup setup;
        setup.learning.targetTau = tau;
        const auto learner = setup.learner();
        QVERIFY(learner->targetFollows());
        if (composites) {
            Surgeon surgeon(learner->online(), learner->target(), 1);
            QVERIFY(surgeon.apply(planOf({{"agent.fc1", {0, 3}}, {"mixer.hyper_w1", {1}}}), 0));
        }
        for (std::uint64_t i = 0; i < 5; ++i) {
            const at::Tensor before = flatValues(learner->target().parameters());
            QVERIFY(learner->update(rewarded(setup, {3, 5}, i)));
            const at::Tensor online = flatValues(learner->online().parameters());
            const at::Tensor after = flatValues(learner->target().parameters());
            QVERIFY(largestStep(after, before + tau * (online - before)) < 1e-6);
            QVERIFY(!sameBits(after, before));
            if (tau == 1.0) {
                QVERIFY(sameBits(after, online));
            }
        }
    }

    // Fast paths must not keep weights from before the target moved.
    void fastAndReferencePathFollowAlike() {
        Setup setup;
        setup.learning.targetTau = 0.3;
        setup.learning.standardiseRewards = true;
        setup.learning.tdVariant = "q_lambda";
        setup.learning.tdLambda = 0.6;
        const auto fast = setup.learner();
        setup.pool = nullptr;
        const auto reference = setup.learner();
        QVERIFY(fast->online().mixKernel() != nullptr && reference->online().mixKernel() == nullptr);
        for (std::uint64_t i = 0; i < 10; ++i) {
            const Batch batch = rewarded(setup, {3, 5, 9}, i);
            const auto expected = reference->update(batch);
            const auto got = fast->update(batch);
            QVERIFY(expected && got);
            QVERIFY(std::abs(got->loss - expected->loss) < 1e-4 * expected->loss);
        }
        QVERIFY(largestStep(flatValues(fast->target().parameters()), flatValues(reference->target().parameters())) <
                1e-4);
    }

    // Compensation neurons are equal in both networks and never move: mixing equal values must not drift.
    void followingLeavesEqualValuesEqual() {
        Setup setup;
        setup.learning.targetTau = 0.1;
        setup.learning.lr = 0.0;
        const auto learner = setup.learner();
        const ParameterCopy before(learner->target().parameters());
        for (std::uint64_t i = 0; i < 20; ++i) {
            QVERIFY(learner->update(rewarded(setup, {3, 5}, i)));
        }
        QVERIFY(before.sameBitsAs(learner->target().parameters()));
    }

    void aDivergedUpdateMovesNeitherTargetNorScale() {
        Setup setup;
        setup.learning.targetTau = 0.5;
        setup.learning.standardiseRewards = true;
        const auto learner = setup.learner();
        QVERIFY(learner->update(rewarded(setup, {3, 5}, 1)));
        const ParameterCopy target(learner->target().parameters());
        const RewardScale::State scale = learner->rewardScale().state();
        Batch poisoned = rewarded(setup, {3, 5}, 2);
        poisoned.reward[1] = std::nanf("");
        QVERIFY(!learner->update(poisoned));
        QVERIFY(target.sameBitsAs(learner->target().parameters()));
        QVERIFY(learner->rewardScale().state() == scale);
    }

    void theScaleIsThatOfAllValidRewards() {
        const Setup setup;
        RewardScale scale;
        std::vector<double> all;
        for (std::uint64_t number = 0; number < 8; ++number) {
            Batch batch = rewarded(setup, {2, 9, 5}, number);
            for (std::int64_t b = 0; b < batch.episodes; ++b) {
                for (std::int64_t t = 0; t < batch.steps; ++t) {
                    float& reward = batch.reward[static_cast<std::size_t>(t * batch.episodes + b)];
                    if (t < batch.lengths[static_cast<std::size_t>(b)]) {
                        reward = 100.F + 3.F * reward;
                        all.push_back(static_cast<double>(reward));
                    } else {
                        reward = std::nanf(""); // padding may hold anything
                    }
                }
            }
            scale.observe(batch);
        }
        double mean = 0.0;
        double variance = 0.0;
        for (const double reward : all) {
            mean += reward / static_cast<double>(all.size());
        }
        for (const double reward : all) {
            variance += (reward - mean) * (reward - mean) / static_cast<double>(all.size());
        }
        const RewardScale::State& state = scale.state();
        QVERIFY(std::abs(state.count - static_cast<double>(all.size())) < 1e-3);
        QVERIFY(std::abs(state.mean - mean) < 1e-3 * std::abs(mean)); // the 1e-4 observations of 0 at the start
        QVERIFY(std::abs(state.variance - variance) < 0.05 * variance);
        const auto scaled = scale.apply({static_cast<float>(mean), static_cast<float>(mean + std::sqrt(variance))});
        QVERIFY(std::abs(scaled[0]) < 0.05F);
        QVERIFY(std::abs(scaled[1] - 1.F) < 0.05F);
    }

    void rewardsThatNeverChangeStayFinite() {
        const Setup setup;
        RewardScale scale;
        Batch batch = rewarded(setup, {5, 5}, 1);
        std::ranges::fill(batch.reward, 7.F);
        for (int i = 0; i < 10'000; ++i) {
            scale.observe(batch);
        }
        const float scaled = scale.apply({7.F}).front();
        QVERIFY(std::isfinite(scaled) && std::abs(scaled) < 1.F);
    }

    void targetsAreMadeOfStandardisedRewards() {
        Setup setup;
        setup.learning.lr = 0.0;
        setup.learning.gamma = 0.0; // the target is the reward
        const auto plain = setup.learner();
        setup.learning.standardiseRewards = true;
        const auto learner = setup.learner();
        const Batch batch = rewarded(setup, {4, 7}, 3);
        const auto report = learner->update(batch);
        QVERIFY(report);
        RewardScale scale;
        scale.observe(batch);
        QVERIFY(scale.state() == learner->rewardScale().state());
        Batch scaled = batch;
        scaled.reward = scale.apply(batch.reward);
        QCOMPARE(plain->update(scaled)->loss, report->loss);
        QVERIFY(plain->rewardScale().state() == RewardScale::State{});
        // Looking does not count.
        QCOMPARE(learner->probe(batch).loss, report->loss);
        QVERIFY(scale.state() == learner->rewardScale().state());
    }

    void tensorOptimisersEqualTheLoops_data() { addOptimisers(); }
    void tensorOptimisersEqualTheLoops() {
        QFETCH(QString, optimiser);
        Setup setup;
        setup.learning.optimiser = optimiser.toStdString();
        setup.learning.epsilon = defaultEpsilon(setup.learning.optimiser);
        const auto loops = worn(setup);
        const auto tensors = worn(setup);
        QVERIFY(sameBits(loops->online().parameters(), tensors->online().parameters()));
        ParameterBlock& expected = loops->online().parameters().blocks().front();
        ParameterBlock& got = tensors->online().parameters().blocks().front();
        const at::Tensor start = expected.value.clone();
        const at::NoGradGuard noGrad;
        constexpr int kSteps = 50;
        for (int i = 0; i < kSteps; ++i) {
            const at::Tensor gradient = expected.mask * randomTensor({expected.size()}, static_cast<std::uint64_t>(i));
            expected.grad.copy_(gradient);
            got.grad.copy_(gradient);
            loops->optimiser().step(loops->online().parameters());
            const LearningConfig& c = setup.learning;
            const double steps = 6.0 + i + 1.0;
            if (optimiser == "adam") {
                by_tensors::adam(got, {c.lr, c.adamBeta1, c.adamBeta2, c.epsilon, 1.0 - std::pow(c.adamBeta1, steps),
                                       1.0 - std::pow(c.adamBeta2, steps)});
            } else {
                by_tensors::rmsprop(got, c.lr, c.rmspropAlpha, c.epsilon);
            }
        }
        QVERIFY(largestStep(expected.value, start) > 5 * setup.learning.lr);
        QVERIFY(largestStep(got.value, expected.value) < 1e-4 * setup.learning.lr * kSteps);
        QVERIFY(largestStep(got.moment2, expected.moment2) < 1e-6);
        const at::Tensor frozen = expected.mask == 0;
        QVERIFY(sameBits(got.value.masked_select(frozen), start.masked_select(frozen)));
    }

    void tensorMaskNormAndClipEqualTheLoops() {
        const Setup setup;
        const auto loops = worn(setup);
        const auto tensors = worn(setup);
        ParameterBlock& expected = loops->online().parameters().blocks().front();
        ParameterBlock& got = tensors->online().parameters().blocks().front();
        const at::Tensor gradient = randomTensor({expected.size()}, 5);
        gradient[3] = std::nanf("");
        expected.mask[3] = 0.F;
        got.mask[3] = 0.F;
        expected.grad.copy_(gradient);
        got.grad.copy_(gradient);
        maskGradients(loops->online().parameters());
        by_tensors::maskGradient(got);
        QVERIFY(sameBits(got.grad, expected.grad));
        const double norm = gradientNorm(loops->online().parameters());
        QVERIFY(std::isfinite(norm));
        QVERIFY(std::abs(std::sqrt(by_tensors::sumOfSquares(got.grad)) - norm) < 1e-9 * norm);
        const double factor = clipFactor(norm, 0.5);
        QVERIFY(factor < 1.0);
        scaleGradients(loops->online().parameters(), factor);
        by_tensors::scaleGradient(got, static_cast<float>(0.5 / (norm + 1e-6)));
        QVERIFY(sameBits(got.grad, expected.grad));
    }
};

QTEST_APPLESS_MAIN(TestLearningOptions)
#include "tst_learning_options.moc"
