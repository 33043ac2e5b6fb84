// SPDX-License-Identifier: GPL-3.0-or-later
#include <QTest>

#include <algorithm>
#include <cmath>

#include <rapidcheck.h>

#include "core/learning/targets.h"

using namespace knife;

namespace {

// One (episode, output) column of a batch.
struct Column {
    std::vector<float> reward; ///< [L]
    std::vector<float> qHat;   ///< [L + 1]
    bool terminated = false;
};

// The forward view: G_t = (1 - lambda) sum_n lambda^(n-1) G_t^(n) + lambda^(L-t-1) G_t^(L-t), with the n-step return
// G_t^(n) = sum_{k<n} gamma^k r_{t+k} + gamma^n Qhat_{t+n}, and nothing after a terminal step.
std::vector<double> forwardView(const Column& column, double gamma, double lambda) {
    const std::size_t length = column.reward.size();
    const auto nStep = [&](std::size_t t, std::size_t n) {
        double sum = 0.0;
        for (std::size_t k = 0; k < n; ++k) {
            sum += std::pow(gamma, k) * static_cast<double>(column.reward[t + k]);
        }
        const bool past = column.terminated && t + n == length;
        return past ? sum : sum + std::pow(gamma, n) * static_cast<double>(column.qHat[t + n]);
    };
    std::vector<double> returns;
    for (std::size_t t = 0; t < length; ++t) {
        double sum = 0.0;
        for (std::size_t n = 1; n < length - t; ++n) {
            sum += (1.0 - lambda) * std::pow(lambda, n - 1) * nStep(t, n);
        }
        returns.push_back(sum + std::pow(lambda, length - t - 1) * nStep(t, length - t));
    }
    return returns;
}

// Lays episodes side by side as a batch does; what lies past an episode's end is `padding`.
struct PaddedBatch {
    TargetSpec spec;
    std::vector<float> qHat;
    std::vector<float> reward;
    std::vector<int> lengths;
    std::vector<char> terminated;

    // `columns` in the order episode, output; rewards of an episode's first output count.
    PaddedBatch(const std::vector<Column>& columns, TargetSpec shape, float padding) : spec(shape) {
        const auto episodes = static_cast<std::size_t>(spec.episodes);
        const auto outputs = static_cast<std::size_t>(spec.outputs);
        const auto steps = static_cast<std::size_t>(spec.steps);
        qHat.assign((steps + 1) * episodes * outputs, padding);
        reward.assign(steps * episodes, padding);
        for (std::size_t b = 0; b < episodes; ++b) {
            const Column& first = columns[b * outputs];
            lengths.push_back(static_cast<int>(first.reward.size()));
            terminated.push_back(first.terminated ? 1 : 0);
            for (std::size_t t = 0; t < first.reward.size(); ++t) {
                reward[t * episodes + b] = first.reward[t];
            }
            for (std::size_t k = 0; k < outputs; ++k) {
                const Column& column = columns[b * outputs + k];
                for (std::size_t t = 0; t < column.qHat.size(); ++t) {
                    qHat[(t * episodes + b) * outputs + k] = column.qHat[t];
                }
            }
        }
    }

    [[nodiscard]] std::vector<float> targets(const std::vector<float>& qTaken = {}) const {
        return tdLambdaTargets(spec, qHat, reward, lengths, terminated, qTaken);
    }
};

rc::Gen<float> hundredths() {
    return rc::gen::map(rc::gen::inRange(-1000, 1000), [](int i) { return 0.01F * float(i); });
}

std::vector<float> singleEpisode(bool terminated, std::int64_t padding, double lambda = 0.6) {
    const Column golden{{1.F, 0.F, 2.F}, {5.F, 4.F, 3.F, 7.F}, terminated};
    const TargetSpec spec{.steps = 3 + padding, .episodes = 1, .outputs = 1, .gamma = 0.99, .lambda = lambda};
    return PaddedBatch({golden}, spec, 9.F).targets();
}

// The same episode under the "q_lambda" variant; the target network's values of what was done are 4, 4, 1.
std::vector<float> correctedEpisode(bool terminated, std::int64_t padding, double lambda = 0.6) {
    const Column golden{{1.F, 0.F, 2.F}, {5.F, 4.F, 3.F, 7.F}, terminated};
    const TargetSpec spec{.steps = 3 + padding, .episodes = 1, .outputs = 1, .gamma = 0.99, .lambda = lambda};
    std::vector<float> taken = {4.F, 4.F, 1.F};
    taken.resize(static_cast<std::size_t>(spec.steps), -5.F);
    return PaddedBatch({golden}, spec, 9.F).targets(taken);
}

// A batch of random shape, with random values; two decimals keep sums exact enough to compare.
PaddedBatch anyBatch() {
    TargetSpec spec;
    spec.episodes = *rc::gen::inRange(1, 6);
    spec.outputs = *rc::gen::inRange(1, 4);
    spec.gamma = *rc::gen::element(0.0, 0.5, 0.99, 1.0);
    spec.lambda = *rc::gen::element(0.0, 0.4, 0.6, 1.0);
    std::vector<Column> columns;
    for (std::int64_t b = 0; b < spec.episodes; ++b) {
        const auto length = static_cast<std::size_t>(*rc::gen::inRange(1, 12));
        spec.steps = std::max(spec.steps, static_cast<std::int64_t>(length));
        const bool terminated = *rc::gen::arbitrary<bool>();
        const auto reward = *rc::gen::container<std::vector<float>>(length, hundredths());
        for (std::int64_t k = 0; k < spec.outputs; ++k) {
            columns.push_back({reward, *rc::gen::container<std::vector<float>>(length + 1, hundredths()), terminated});
        }
    }
    spec.steps += *rc::gen::inRange(0, 4);
    return {columns, spec, 1e6F};
}

void compare(const std::vector<float>& got, const std::vector<double>& expected) {
    for (std::size_t t = 0; t < expected.size(); ++t) {
        QVERIFY2(std::abs(static_cast<double>(got[t]) - expected[t]) < 1e-5,
                 qPrintable(QString("step %1: %2 instead of %3").arg(t).arg(got[t], 0, 'g', 9).arg(expected[t])));
    }
}

} // namespace

class TestTargets : public QObject {
    Q_OBJECT

  private Q_SLOTS:
    void terminatedEpisodeGivesTheGoldenValuesWithAnyPadding_data() {
        QTest::addColumn<int>("padding");
        for (const int padding : {0, 1, 2, 7, 50}) {
            QTest::addRow("%d steps", padding) << padding;
        }
    }
    void terminatedEpisodeGivesTheGoldenValuesWithAnyPadding() {
        QFETCH(int, padding);
        const auto targets = singleEpisode(true, padding);
        compare(targets, {3.995344, 2.376, 2.0});
        QVERIFY(std::all_of(targets.begin() + 3, targets.end(), [](float v) { return v == 0.F; }));
    }

    void truncatedEpisodeBootstrapsFromItsOwnEnd_data() { terminatedEpisodeGivesTheGoldenValuesWithAnyPadding_data(); }
    void truncatedEpisodeBootstrapsFromItsOwnEnd() {
        QFETCH(int, padding);
        const auto targets = singleEpisode(false, padding);
        compare(targets, {6.440497, 6.49242, 8.93});
        // What the recursion gives that starts at the end of the padded batch.
        QVERIFY(std::abs(targets[0] - 5.638946F) > 0.1F);
    }

    void lambdaZeroIsTheOneStepTarget() {
        compare(singleEpisode(true, 2, 0.0), {1 + 0.99 * 4, 0.99 * 3, 2.0});
        compare(singleEpisode(false, 2, 0.0), {1 + 0.99 * 4, 0.99 * 3, 2 + 0.99 * 7});
    }

    void lambdaOneIsTheReturn() {
        compare(singleEpisode(true, 2, 1.0), {1 + 0.99 * 0.99 * 2, 0.99 * 2, 2.0});
        compare(singleEpisode(false, 0, 1.0),
                {1 + 0.99 * 0.99 * 2 + 0.99 * 0.99 * 0.99 * 7, 0.99 * 2 + 0.99 * 0.99 * 7, 2 + 0.99 * 7});
    }

    void qLambdaGivesItsGoldenValuesWithAnyPadding_data() {
        terminatedEpisodeGivesTheGoldenValuesWithAnyPadding_data();
    }
    void qLambdaGivesItsGoldenValuesWithAnyPadding() {
        QFETCH(int, padding);
        const auto terminated = correctedEpisode(true, padding);
        compare(terminated, {5.701016, 3.564, 4.0});
        QVERIFY(std::all_of(terminated.begin() + 3, terminated.end(), [](float v) { return v == 0.F; }));
        compare(correctedEpisode(false, padding), {8.14616948, 7.68042, 10.93});
    }

    // Rewards that are corrected by Qhat_t - Q_t: 2, 0, 4.
    void qLambdaZeroIsTheCorrectedOneStepTarget() {
        compare(correctedEpisode(true, 2, 0.0), {2 + 0.99 * 4, 0.99 * 3, 4.0});
        compare(correctedEpisode(false, 2, 0.0), {2 + 0.99 * 4, 0.99 * 3, 4 + 0.99 * 7});
    }

    void qLambdaOneIsTheCorrectedReturn() {
        compare(correctedEpisode(true, 2, 1.0), {2 + 0.99 * 0.99 * 4, 0.99 * 4, 4.0});
        compare(correctedEpisode(false, 2, 1.0),
                {2 + 0.99 * 0.99 * 4 + 0.99 * 0.99 * 0.99 * 7, 0.99 * 4 + 0.99 * 0.99 * 7, 4 + 0.99 * 7});
    }

    void qLambdaOfGreedyActionsIsTdLambda() {
        QVERIFY(rc::check("nothing to correct where the greedy action was taken", [] {
            const PaddedBatch batch = anyBatch();
            const auto stride = static_cast<std::ptrdiff_t>(batch.spec.episodes * batch.spec.outputs);
            RC_ASSERT(batch.targets({batch.qHat.begin(), batch.qHat.end() - stride}) == batch.targets());
        }));
    }

    void qLambdaIsTdLambdaOfCorrectedRewards() {
        QVERIFY(rc::check("r + Qhat - Q in place of r", [] {
            PaddedBatch batch = anyBatch();
            RC_PRE(batch.spec.outputs == 1); // corrected rewards are those of one output
            auto taken = *rc::gen::container<std::vector<float>>(batch.reward.size(), hundredths());
            const auto got = batch.targets(taken);
            for (std::size_t i = 0; i < taken.size(); ++i) {
                batch.reward[i] += batch.qHat[i] - taken[i];
            }
            const auto expected = batch.targets();
            for (std::size_t i = 0; i < got.size(); ++i) {
                RC_ASSERT(std::abs(got[i] - expected[i]) < 1e-3F);
            }
        }));
    }

    void batchesOfAnyShapeEqualTheForwardView() {
        QVERIFY(rc::check("recursion equals the forward view, column by column", [] {
            TargetSpec spec;
            spec.episodes = *rc::gen::inRange(1, 6);
            spec.outputs = *rc::gen::inRange(1, 4);
            spec.gamma = *rc::gen::element(0.0, 0.5, 0.99, 1.0);
            spec.lambda = *rc::gen::element(0.0, 0.4, 0.6, 1.0);
            const auto value = rc::gen::map(rc::gen::inRange(-1000, 1000), [](int i) { return 0.01F * float(i); });
            std::vector<Column> columns;
            for (std::int64_t b = 0; b < spec.episodes; ++b) {
                const auto length = static_cast<std::size_t>(*rc::gen::inRange(1, 12));
                spec.steps = std::max(spec.steps, static_cast<std::int64_t>(length));
                const bool terminated = *rc::gen::arbitrary<bool>();
                const auto reward = *rc::gen::container<std::vector<float>>(length, value);
                for (std::int64_t k = 0; k < spec.outputs; ++k) {
                    columns.push_back({reward, *rc::gen::container<std::vector<float>>(length + 1, value), terminated});
                }
            }
            spec.steps += *rc::gen::inRange(0, 4);
            const auto targets = PaddedBatch(columns, spec, 1e6F).targets();
            const auto stride = columns.size();
            RC_ASSERT(targets.size() == static_cast<std::size_t>(spec.steps) * stride);
            for (std::size_t c = 0; c < columns.size(); ++c) {
                auto expected = forwardView(columns[c], spec.gamma, spec.lambda);
                expected.resize(static_cast<std::size_t>(spec.steps), 0.0); // padded steps
                for (std::size_t t = 0; t < expected.size(); ++t) {
                    RC_ASSERT(std::abs(static_cast<double>(targets[t * stride + c]) - expected[t]) < 1e-4);
                }
            }
        }));
    }
};

QTEST_APPLESS_MAIN(TestTargets)
#include "tst_targets.moc"
