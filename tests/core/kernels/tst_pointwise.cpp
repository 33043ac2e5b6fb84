// SPDX-License-Identifier: GPL-3.0-or-later
// Every kernel against its definition in double precision, on every instruction set this machine has.
#include <QTest>

#include <cmath>
#include <limits>
#include <vector>

#include <hwy/targets.h>
#include <rapidcheck.h>

#include "close_to.h"
#include "core/nets/kernels/pointwise.h"

using namespace knife;

namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

// A matrix whose rows lie apart and begin anywhere.
struct Table {
    std::int64_t rows = 0;
    std::int64_t columns = 0;
    std::int64_t stride = 0;
    std::vector<float> memory;

    Rows view() { return {memory.data(), stride}; }
    [[nodiscard]] ConstRows view() const { return {memory.data(), stride}; }
    [[nodiscard]] float at(std::int64_t row, std::int64_t column) const { return view().row(row)[column]; }
    void set(std::int64_t row, std::int64_t column, float value) { view().row(row)[column] = value; }
    [[nodiscard]] std::vector<float> values() const {
        std::vector<float> packed;
        for (std::int64_t row = 0; row < rows; ++row) {
            packed.insert(packed.end(), view().row(row), view().row(row) + columns);
        }
        return packed;
    }
    // Whether nothing was written between the rows of what was `before`.
    [[nodiscard]] bool sameBetweenRows(const Table& before) const {
        for (std::size_t i = 0; i < memory.size(); ++i) {
            const bool gap = static_cast<std::int64_t>(i) % stride >= columns;
            if (gap && std::memcmp(&memory[i], &before.memory[i], sizeof(float)) != 0) {
                return false;
            }
        }
        return true;
    }
};

struct Tables {
    Draw draw;
    std::int64_t gap;
    Table make(std::int64_t rows, std::int64_t columns, float bound = 2.0F) {
        const std::int64_t stride = columns + gap;
        return {rows, columns, stride, draw.uniform(rows * stride, bound)};
    }
};

std::int64_t anySize(std::int64_t largest) {
    return *rc::gen::weightedOneOf<std::int64_t>(
        {{1, rc::gen::just<std::int64_t>(1)}, {8, rc::gen::inRange<std::int64_t>(1, largest + 1)}});
}

Tables anyTables() {
    return {Draw(*rc::gen::arbitrary<std::uint32_t>()), *rc::gen::inRange<std::int64_t>(0, 5)};
}

// Makes the kernels use one of the instruction sets of this machine.
void useAnyInstructionSet() {
    hwy::SetSupportedTargetsForTest(0);
    const std::int64_t chosen = *rc::gen::elementOf(hwy::SupportedAndGeneratedTargets());
    hwy::SetSupportedTargetsForTest(chosen);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
}

double sigmoid(double x) {
    return 1.0 / (1.0 + std::exp(-x));
}

double gru(double r, double z, double i, double c, double hPrev) {
    const double update = sigmoid(z);
    return (1.0 - update) * std::tanh(i + sigmoid(r) * c) + update * hPrev;
}

// One row of QMIX on absolute weights.
struct QmixRow {
    std::vector<double> q;
    std::vector<double> w1;
    std::vector<double> b1;
    std::vector<double> w2;
    double v = 0.0;

    [[nodiscard]] std::vector<double> hidden() const {
        std::vector<double> result = b1;
        for (std::size_t e = 0; e < b1.size(); ++e) {
            for (std::size_t agent = 0; agent < q.size(); ++agent) {
                result[e] += q[agent] * w1[agent * b1.size() + e];
            }
            result[e] = result[e] > 0.0 ? result[e] : std::expm1(result[e]);
        }
        return result;
    }
    [[nodiscard]] double total() const {
        double sum = v;
        const std::vector<double> mixed = hidden();
        for (std::size_t e = 0; e < b1.size(); ++e) {
            sum += mixed[e] * w2[e];
        }
        return sum;
    }
    // d total / d parameter by central differences.
    double slope(double& parameter) const {
        constexpr double kStep = 1e-5;
        const double kept = parameter;
        parameter = kept + kStep;
        const double above = total();
        parameter = kept - kStep;
        const double below = total();
        parameter = kept;
        return (above - below) / (2.0 * kStep);
    }
};

struct QmixCase {
    QmixShape shape;
    Table q, w1, b1, w2, v;

    QmixCase(Tables& tables, QmixShape sizes)
        : shape(sizes),
          q(tables.make(sizes.rows, sizes.agents)),
          w1(tables.make(sizes.rows, sizes.agents * sizes.embed, 1.0F)),
          b1(tables.make(sizes.rows, sizes.embed)),
          w2(tables.make(sizes.rows, sizes.embed, 1.0F)),
          v(tables.make(sizes.rows, 1)) {
        for (std::int64_t row = 0; row < sizes.rows; ++row) {
            w1.set(row, 0, 0.0F); // the derivative of |x| has a choice at 0
            w2.set(row, 0, -0.0F);
        }
    }
    [[nodiscard]] QmixInputs inputs() const { return {q.view(), w1.view(), b1.view(), w2.view(), v.view()}; }
    [[nodiscard]] QmixRow row(std::int64_t row) const {
        const auto read = [row](const Table& table, bool absolute) {
            std::vector<double> values(table.view().row(row), table.view().row(row) + table.columns);
            for (double& value : values) {
                value = absolute ? std::abs(value) : value;
            }
            return values;
        };
        return {read(q, false), read(w1, true), read(b1, false), read(w2, true), static_cast<double>(v.at(row, 0))};
    }
};

double signOf(float x) {
    return x > 0.0F ? 1.0 : x < 0.0F ? -1.0 : 0.0;
}

} // namespace

class TestPointwise : public QObject {
    Q_OBJECT
  private Q_SLOTS:
    void filledRowsAreTheBias();
    void biasReluIsItsDefinition();
    void reluBackwardIsItsDefinition();
    void columnSumsAreAddedInFixedOrder();
    void gruForwardIsItsDefinition();
    void gruBackwardIsTheSlopeOfTheDefinition();
    void gruMayWorkInPlace();
    void gatesAreAccurateEverywhere();
    void gatesSaturateAndKeepNan();
    void anElementIsTheSameWhereverItLies();
    void aWrongStrideIsSeen();
    void qmixForwardIsItsDefinition();
    void qmixBackwardIsTheSlopeOfTheDefinition();
    void qmixMayWorkInPlace();
    void rowsMayBeDividedFreely();
    void nothingHappensWithoutRows();
};

void TestPointwise::filledRowsAreTheBias() {
    QVERIFY(rc::check("every row is the bias", [] {
        Tables tables = anyTables();
        Table out = tables.make(anySize(9), anySize(70));
        const Table before = out;
        const std::vector<float> bias = tables.draw.uniform(out.columns, 1.0F);
        fillRows(bias.data(), out.rows, out.columns, out.view());
        std::vector<float> expected;
        for (std::int64_t row = 0; row < out.rows; ++row) {
            expected.insert(expected.end(), bias.begin(), bias.end());
        }
        RC_ASSERT(bitEqual(out.values(), expected));
        RC_ASSERT(out.sameBetweenRows(before));
    }));
}

void TestPointwise::biasReluIsItsDefinition() {
    QVERIFY(rc::check("max(x + bias, 0)", [] {
        useAnyInstructionSet();
        Tables tables = anyTables();
        Table x = tables.make(anySize(9), anySize(70));
        x.set(0, 0, kNan);
        const Table before = x;
        const std::vector<float> bias = tables.draw.uniform(x.columns, 1.0F);
        biasRelu(bias.data(), x.rows, x.columns, x.view());
        RC_ASSERT(std::isnan(x.at(0, 0)));
        for (std::int64_t row = 0; row < x.rows; ++row) {
            for (std::int64_t j = row == 0 ? 1 : 0; j < x.columns; ++j) {
                RC_ASSERT(x.at(row, j) == std::max(before.at(row, j) + bias[static_cast<std::size_t>(j)], 0.0F));
            }
        }
        RC_ASSERT(x.sameBetweenRows(before));
    }));
}

void TestPointwise::reluBackwardIsItsDefinition() {
    QVERIFY(rc::check("the gradient passes where the activation is positive", [] {
        useAnyInstructionSet();
        Tables tables = anyTables();
        Table activation = tables.make(anySize(9), anySize(70));
        activation.set(0, 0, 0.0F);
        Table grad = tables.make(activation.rows, activation.columns);
        const Table before = grad;
        reluBackward(activation.view(), grad.rows, grad.columns, grad.view());
        for (std::int64_t row = 0; row < grad.rows; ++row) {
            for (std::int64_t j = 0; j < grad.columns; ++j) {
                RC_ASSERT(grad.at(row, j) == (activation.at(row, j) > 0.0F ? before.at(row, j) : 0.0F));
            }
        }
        RC_ASSERT(grad.sameBetweenRows(before));
    }));
}

void TestPointwise::columnSumsAreAddedInFixedOrder() {
    QVERIFY(rc::check("sums of partial sums of 128 rows", [] {
        useAnyInstructionSet();
        Tables tables = anyTables();
        const Table grad = tables.make(anySize(400), anySize(150));
        const std::vector<float> before = tables.draw.uniform(grad.columns, 1.0F);
        std::vector<float> sums = before;
        addColumnSums(grad.view(), grad.rows, grad.columns, sums.data());
        std::vector<float> expected = before;
        for (std::size_t j = 0; j < sums.size(); ++j) {
            for (std::int64_t first = 0; first < grad.rows; first += 128) {
                float part = 0.0F;
                for (std::int64_t row = first; row < std::min(first + 128, grad.rows); ++row) {
                    part += grad.at(row, static_cast<std::int64_t>(j));
                }
                expected[j] += part;
            }
        }
        RC_ASSERT(bitEqual(sums, expected));
    }));
}

void TestPointwise::gruForwardIsItsDefinition() {
    QVERIFY(rc::check("h and the gates", [] {
        useAnyInstructionSet();
        Tables tables = anyTables();
        const std::int64_t rows = anySize(9);
        const std::int64_t hidden = anySize(70);
        Table gates = tables.make(rows, 4 * hidden, 4.0F);
        const Table before = gates;
        const Table hPrev = tables.make(rows, hidden, 1.0F);
        Table h = tables.make(rows, hidden);
        const Table hBefore = h;
        const std::vector<float> bias = tables.draw.uniform(4 * hidden, 1.0F);
        gruForward(bias.data(), rows, hidden, hPrev.view(), gates.view(), h.view());
        std::vector<double> expectedH;
        Table expectedGates = gates;
        std::vector<double> expected(static_cast<std::size_t>(rows * 4 * hidden));
        for (std::int64_t row = 0; row < rows; ++row) {
            for (std::int64_t j = 0; j < hidden; ++j) {
                const auto pre = [&](std::int64_t block) {
                    const std::int64_t at = block * hidden + j;
                    return static_cast<double>(before.at(row, at)) +
                           static_cast<double>(bias[static_cast<std::size_t>(at)]);
                };
                expectedH.push_back(gru(pre(0), pre(1), pre(2), pre(3), static_cast<double>(hPrev.at(row, j))));
                const double gate[] = {sigmoid(pre(0)), sigmoid(pre(1)), std::tanh(pre(2) + sigmoid(pre(0)) * pre(3)),
                                       pre(3)};
                for (std::int64_t block = 0; block < 4; ++block) {
                    expected[static_cast<std::size_t>((row * 4 + block) * hidden + j)] = gate[block];
                }
            }
        }
        RC_ASSERT(worstError(h.values(), expectedH, 1.0) < 1e-6);
        RC_ASSERT(worstError(gates.values(), expected, 1.0) < 1e-6);
        RC_ASSERT(h.sameBetweenRows(hBefore) && gates.sameBetweenRows(before));
    }));
}

void TestPointwise::gruBackwardIsTheSlopeOfTheDefinition() {
    QVERIFY(rc::check("central differences of the forward pass", [] {
        useAnyInstructionSet();
        Tables tables = anyTables();
        const std::int64_t rows = anySize(5);
        const std::int64_t hidden = anySize(70);
        Table gates = tables.make(rows, 4 * hidden, 3.0F);
        const Table pre = gates;
        const Table hPrev = tables.make(rows, hidden, 1.0F);
        Table h = tables.make(rows, hidden);
        Table dh = tables.make(rows, hidden, 1.0F);
        const Table dhBefore = dh;
        Table dGates = tables.make(rows, 4 * hidden);
        const Table dGatesBefore = dGates;
        const std::vector<float> noBias(static_cast<std::size_t>(4 * hidden), 0.0F);
        gruForward(noBias.data(), rows, hidden, hPrev.view(), gates.view(), h.view());
        gruBackward(gates.view(), hPrev.view(), rows, hidden, dh.view(), dGates.view());
        std::vector<double> expectedDh;
        std::vector<double> expected(static_cast<std::size_t>(rows * 4 * hidden));
        for (std::int64_t row = 0; row < rows; ++row) {
            for (std::int64_t j = 0; j < hidden; ++j) {
                const auto grad = static_cast<double>(dhBefore.at(row, j));
                for (std::int64_t block = 0; block < 4; ++block) {
                    const auto shifted = [&](double step) {
                        double x[4];
                        for (std::int64_t b = 0; b < 4; ++b) {
                            x[b] = static_cast<double>(pre.at(row, b * hidden + j)) + (b == block ? step : 0.0);
                        }
                        return gru(x[0], x[1], x[2], x[3], static_cast<double>(hPrev.at(row, j)));
                    };
                    expected[static_cast<std::size_t>((row * 4 + block) * hidden + j)] =
                        grad * (shifted(1e-5) - shifted(-1e-5)) / 2e-5;
                }
                expectedDh.push_back(grad * sigmoid(static_cast<double>(pre.at(row, hidden + j))));
            }
        }
        RC_ASSERT(worstError(dGates.values(), expected, 1.0) < 1e-6);
        RC_ASSERT(worstError(dh.values(), expectedDh, 1.0) < 1e-6);
        RC_ASSERT(dh.sameBetweenRows(dhBefore) && dGates.sameBetweenRows(dGatesBefore));
    }));
}

void TestPointwise::gruMayWorkInPlace() {
    QVERIFY(rc::check("h over hPrev, dGates over gates", [] {
        Tables tables = anyTables();
        const std::int64_t rows = anySize(5);
        const std::int64_t hidden = anySize(70);
        Table gates = tables.make(rows, 4 * hidden);
        Table sameGates = gates;
        const Table hPrev = tables.make(rows, hidden);
        Table h = hPrev;
        Table elsewhere = hPrev;
        const std::vector<float> bias = tables.draw.uniform(4 * hidden, 1.0F);
        gruForward(bias.data(), rows, hidden, hPrev.view(), gates.view(), elsewhere.view());
        gruForward(bias.data(), rows, hidden, h.view(), sameGates.view(), h.view());
        RC_ASSERT(bitEqual(h.values(), elsewhere.values()));
        Table dh = tables.make(rows, hidden);
        Table sameDh = dh;
        Table dGates = gates;
        gruBackward(gates.view(), hPrev.view(), rows, hidden, dh.view(), dGates.view());
        gruBackward(sameGates.view(), hPrev.view(), rows, hidden, sameDh.view(), sameGates.view());
        RC_ASSERT(bitEqual(dGates.values(), sameGates.values()));
        RC_ASSERT(bitEqual(dh.values(), sameDh.values()));
    }));
}

void TestPointwise::gatesAreAccurateEverywhere() {
    QVERIFY(rc::check("relative error of σ and tanh below 5e-7", [] {
        useAnyInstructionSet();
        constexpr std::int64_t kCount = 4096;
        Draw draw(*rc::gen::arbitrary<std::uint32_t>());
        const std::vector<float> x = draw.uniform(kCount, *rc::gen::element(87.0F, 20.0F, 1.0F, 1e-3F, 1e-30F));
        std::vector<float> gates(4 * kCount, 0.0F);
        std::copy(x.begin(), x.end(), gates.begin());
        std::copy(x.begin(), x.end(), gates.begin() + 2 * kCount);
        const std::vector<float> noBias(4 * kCount, 0.0F);
        std::vector<float> h(kCount, 0.0F);
        gruForward(noBias.data(), 1, kCount, {h.data(), kCount}, {gates.data(), 4 * kCount}, {h.data(), kCount});
        std::vector<double> reset(x.begin(), x.end());
        std::vector<double> candidate = reset;
        std::transform(reset.begin(), reset.end(), reset.begin(), sigmoid);
        std::transform(candidate.begin(), candidate.end(), candidate.begin(), [](double v) { return std::tanh(v); });
        constexpr double kSmallest = std::numeric_limits<float>::min();
        RC_ASSERT(worstError({gates.begin(), gates.begin() + kCount}, reset, kSmallest) < 5e-7);
        RC_ASSERT(worstError({gates.begin() + 2 * kCount, gates.begin() + 3 * kCount}, candidate, kSmallest) < 5e-7);
    }));
}

void TestPointwise::gatesSaturateAndKeepNan() {
    for (const float size : {100.0F, 1e10F, std::numeric_limits<float>::max(), kInfinity}) {
        for (const float sign : {-1.0F, 1.0F}) {
            std::vector<float> gates = {sign * size, sign * size, sign * size, 0.0F};
            const std::vector<float> noBias(4, 0.0F);
            float h = 0.5F;
            gruForward(noBias.data(), 1, 1, {&h, 1}, {gates.data(), 4}, {&h, 1});
            const float open = sign > 0.0F ? 1.0F : 0.0F;
            QVERIFY(std::abs(gates[0] - open) < 1e-37F && std::abs(gates[1] - open) < 1e-37F);
            QCOMPARE(gates[2], sign);
            QCOMPARE(h, sign > 0.0F ? 0.5F : -1.0F);
        }
    }
    for (std::size_t block = 0; block < 4; ++block) {
        std::vector<float> gates(4, 0.0F);
        gates[block] = kNan;
        const std::vector<float> noBias(4, 0.0F);
        float h = 0.5F;
        gruForward(noBias.data(), 1, 1, {&h, 1}, {gates.data(), 4}, {&h, 1});
        QVERIFY(std::isnan(h));
    }
}

void TestPointwise::anElementIsTheSameWhereverItLies() {
    QVERIFY(rc::check("units computed together or one by one", [] {
        useAnyInstructionSet();
        Tables tables = anyTables();
        const std::int64_t hidden = anySize(70);
        const Table pre = tables.make(1, 4 * hidden, 4.0F);
        const Table hPrev = tables.make(1, hidden);
        const std::vector<float> bias = tables.draw.uniform(4 * hidden, 1.0F);
        Table gates = pre;
        Table h = hPrev;
        gruForward(bias.data(), 1, hidden, hPrev.view(), gates.view(), h.view());
        for (std::int64_t j = 0; j < hidden; ++j) {
            float gate[4];
            float biasOfUnit[4];
            for (std::int64_t block = 0; block < 4; ++block) {
                gate[block] = pre.at(0, block * hidden + j);
                biasOfUnit[block] = bias[static_cast<std::size_t>(block * hidden + j)];
            }
            float alone = hPrev.at(0, j);
            gruForward(biasOfUnit, 1, 1, {&alone, 1}, {gate, 4}, {&alone, 1});
            RC_ASSERT(alone == h.at(0, j));
        }
    }));
}

void TestPointwise::aWrongStrideIsSeen() {
    Tables tables{Draw(1), 3};
    const Table pre = tables.make(4, 40);
    const Table hPrev = tables.make(4, 10);
    const std::vector<float> bias = tables.draw.uniform(40, 1.0F);
    const auto run = [&](std::int64_t error) {
        Table gates = pre;
        Table h = hPrev;
        gruForward(bias.data(), 4, 10, {hPrev.memory.data(), hPrev.stride - error}, gates.view(), h.view());
        return h.values();
    };
    const std::vector<float> right = run(0);
    QVERIFY(worstError(run(1), {right.begin(), right.end()}, 1.0) > 0.1);
}

void TestPointwise::qmixForwardIsItsDefinition() {
    QVERIFY(rc::check("hidden and Q_tot", [] {
        useAnyInstructionSet();
        Tables tables = anyTables();
        const QmixCase mix(tables, {anySize(6), anySize(9), anySize(70)});
        Table hidden = tables.make(mix.shape.rows, mix.shape.embed);
        const Table before = hidden;
        std::vector<float> qTot(static_cast<std::size_t>(mix.shape.rows));
        qmixForward(mix.shape, mix.inputs(), hidden.view(), qTot.data());
        std::vector<double> expectedHidden;
        std::vector<double> expected;
        for (std::int64_t row = 0; row < mix.shape.rows; ++row) {
            const std::vector<double> mixed = mix.row(row).hidden();
            expectedHidden.insert(expectedHidden.end(), mixed.begin(), mixed.end());
            expected.push_back(mix.row(row).total());
        }
        RC_ASSERT(worstError(hidden.values(), expectedHidden, 1.0) < 1e-5);
        RC_ASSERT(worstError(qTot, expected, 10.0) < 1e-5);
        RC_ASSERT(hidden.sameBetweenRows(before));
    }));
}

void TestPointwise::qmixBackwardIsTheSlopeOfTheDefinition() {
    QVERIFY(rc::check("central differences of the forward pass", [] {
        useAnyInstructionSet();
        Tables tables = anyTables();
        const QmixCase mix(tables, {anySize(3), anySize(5), anySize(40)});
        Table hidden = tables.make(mix.shape.rows, mix.shape.embed);
        std::vector<float> qTot(static_cast<std::size_t>(mix.shape.rows));
        const std::vector<float> dQTot = tables.draw.uniform(mix.shape.rows, 1.0F);
        QmixCase grad(tables, mix.shape);
        const QmixCase before = grad;
        qmixForward(mix.shape, mix.inputs(), hidden.view(), qTot.data());
        qmixBackward(mix.shape, mix.inputs(), hidden.view(), dQTot.data(),
                     {grad.q.view(), grad.w1.view(), grad.b1.view(), grad.w2.view(), grad.v.view()});
        for (std::int64_t row = 0; row < mix.shape.rows; ++row) {
            QmixRow reference = mix.row(row);
            const double scale = static_cast<double>(dQTot[static_cast<std::size_t>(row)]);
            const auto agrees = [&](std::vector<double>& of, const Table& actual, const Table* signs) {
                for (std::size_t j = 0; j < of.size(); ++j) {
                    const auto column = static_cast<std::int64_t>(j);
                    const double sign = signs != nullptr ? signOf(signs->at(row, column)) : 1.0;
                    const double expected = scale * sign * reference.slope(of[j]);
                    RC_ASSERT(std::abs(static_cast<double>(actual.at(row, column)) - expected) < 2e-5);
                }
            };
            agrees(reference.q, grad.q, nullptr);
            agrees(reference.w1, grad.w1, &mix.w1);
            agrees(reference.b1, grad.b1, nullptr);
            agrees(reference.w2, grad.w2, &mix.w2);
            RC_ASSERT(grad.v.at(row, 0) == dQTot[static_cast<std::size_t>(row)]);
            RC_ASSERT(grad.w1.at(row, 0) == 0.0F && grad.w2.at(row, 0) == 0.0F);
        }
        RC_ASSERT(grad.q.sameBetweenRows(before.q) && grad.w1.sameBetweenRows(before.w1));
        RC_ASSERT(grad.b1.sameBetweenRows(before.b1) && grad.w2.sameBetweenRows(before.w2));
        RC_ASSERT(grad.v.sameBetweenRows(before.v));
    }));
}

void TestPointwise::qmixMayWorkInPlace() {
    QVERIFY(rc::check("gradients over w1, b1 and w2", [] {
        Tables tables = anyTables();
        const QmixCase mix(tables, {anySize(3), anySize(5), anySize(40)});
        Table hidden = tables.make(mix.shape.rows, mix.shape.embed);
        std::vector<float> qTot(static_cast<std::size_t>(mix.shape.rows));
        const std::vector<float> dQTot = tables.draw.uniform(mix.shape.rows, 1.0F);
        qmixForward(mix.shape, mix.inputs(), hidden.view(), qTot.data());
        QmixCase grad(tables, mix.shape);
        qmixBackward(mix.shape, mix.inputs(), hidden.view(), dQTot.data(),
                     {grad.q.view(), grad.w1.view(), grad.b1.view(), grad.w2.view(), grad.v.view()});
        QmixCase same = mix;
        Table dq = grad.q;
        Table dv = grad.v;
        qmixBackward(mix.shape, same.inputs(), hidden.view(), dQTot.data(),
                     {dq.view(), same.w1.view(), same.b1.view(), same.w2.view(), dv.view()});
        RC_ASSERT(bitEqual(same.w1.values(), grad.w1.values()) && bitEqual(same.b1.values(), grad.b1.values()));
        RC_ASSERT(bitEqual(same.w2.values(), grad.w2.values()) && bitEqual(dq.values(), grad.q.values()));
    }));
}

void TestPointwise::rowsMayBeDividedFreely() {
    QVERIFY(rc::check("two calls on parts are one call on the whole", [] {
        Tables tables = anyTables();
        const std::int64_t rows = anySize(9);
        const std::int64_t first = *rc::gen::inRange<std::int64_t>(0, rows + 1);
        const QmixCase mix(tables, {rows, anySize(9), anySize(40)});
        Table hidden = tables.make(rows, mix.shape.embed);
        Table parts = hidden;
        std::vector<float> qTot(static_cast<std::size_t>(rows));
        std::vector<float> qTotOfParts = qTot;
        qmixForward(mix.shape, mix.inputs(), hidden.view(), qTot.data());
        for (const auto& [from, count] : {std::pair(std::int64_t{0}, first), std::pair(first, rows - first)}) {
            const QmixInputs in = mix.inputs();
            qmixForward({count, mix.shape.agents, mix.shape.embed},
                        {in.q.from(from), in.w1.from(from), in.b1.from(from), in.w2.from(from), in.v.from(from)},
                        parts.view().from(from), qTotOfParts.data() + from);
        }
        RC_ASSERT(bitEqual(hidden.values(), parts.values()));
        RC_ASSERT(bitEqual(qTot, qTotOfParts));
    }));
}

void TestPointwise::nothingHappensWithoutRows() {
    float untouched = 3.0F;
    const Rows none{&untouched, 1};
    fillRows(&untouched, 0, 1, none);
    biasRelu(&untouched, 0, 1, none);
    reluBackward(none, 0, 1, none);
    addColumnSums(none, 0, 1, &untouched);
    gruForward(&untouched, 0, 1, none, none, none);
    gruBackward(none, none, 0, 1, none, none);
    qmixForward({0, 1, 1}, {none, none, none, none, none}, none, &untouched);
    qmixBackward({0, 1, 1}, {none, none, none, none, none}, none, &untouched, {none, none, none, none, none});
    QCOMPARE(untouched, 3.0F);
}

QTEST_APPLESS_MAIN(TestPointwise)
#include "tst_pointwise.moc"
