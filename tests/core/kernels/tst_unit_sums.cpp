// SPDX-License-Identifier: GPL-3.0-or-later
// Every sum against its definition in double precision, on every instruction set this machine has.
#include <QTest>

#include <cmath>
#include <limits>
#include <vector>

#include <hwy/targets.h>
#include <rapidcheck.h>

#include "close_to.h"
#include "core/nets/kernels/unit_sums.h"

using namespace knife;

namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

std::int64_t anySize(std::int64_t largest) {
    return *rc::gen::inRange<std::int64_t>(0, largest + 1);
}

Draw anyDraw() {
    return Draw(*rc::gen::arbitrary<std::uint32_t>());
}

// Makes the kernels use one of the instruction sets of this machine.
void useAnyInstructionSet() {
    hwy::SetSupportedTargetsForTest(0);
    const std::int64_t chosen = *rc::gen::elementOf(hwy::SupportedAndGeneratedTargets());
    hwy::SetSupportedTargetsForTest(chosen);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
}

bool near(const std::vector<double>& actual, const std::vector<double>& expected, double relative) {
    bool same = actual.size() == expected.size();
    for (std::size_t i = 0; same && i < actual.size(); ++i) {
        same = std::abs(actual[i] - expected[i]) <= relative * std::max(1.0, std::abs(expected[i]));
    }
    return same;
}

// Zeros and ones.
std::vector<float> coins(Draw& draw, std::int64_t count) {
    std::vector<float> values = draw.uniform(count, 1.F);
    for (float& value : values) {
        value = value > 0.F ? 1.F : 0.F;
    }
    return values;
}

std::vector<double> widened(const std::vector<float>& values) {
    return {values.begin(), values.end()};
}

} // namespace

class TestUnitSums : public QObject {
    Q_OBJECT
  private Q_SLOTS:
    void rowTotalsLeaveFrozenWeightsOut();
    void columnTotalsCountChosenRows();
    void rowsThatDoNotCountAreNotRead();
    void productSquaresAreThoseOfTheProduct();
    void termsThatCancelLeaveNothing();
};

void TestUnitSums::rowTotalsLeaveFrozenWeightsOut() {
    QVERIFY(rc::check("sums of squares and products are added", [] {
        useAnyInstructionSet();
        Draw draw = anyDraw();
        const std::int64_t rows = anySize(5);
        const std::int64_t width = anySize(70);
        const std::vector<float> gradient = draw.uniform(rows * width, 1.F);
        const std::vector<float> weight = draw.uniform(rows * width, 2.F);
        const std::vector<float> mask = coins(draw, rows * width);
        std::vector<double> gradients(static_cast<std::size_t>(rows), 3.0);
        std::vector<double> weights(static_cast<std::size_t>(rows), 5.0);
        std::vector<double> products(static_cast<std::size_t>(rows), 7.0);
        std::vector<double> expectedGradients = gradients;
        std::vector<double> expectedProducts = products;
        std::vector<double> expectedWeights = weights;
        for (std::size_t i = 0; i < gradient.size(); ++i) {
            const std::size_t row = i / static_cast<std::size_t>(width);
            expectedGradients[row] += std::pow(static_cast<double>(gradient[i]), 2);
            const double trainable = static_cast<double>(mask[i]) * static_cast<double>(weight[i]);
            expectedWeights[row] += trainable * trainable;
            expectedProducts[row] += static_cast<double>(gradient[i]) * trainable;
        }
        addRowTotals({gradient.data(), weight.data(), mask.data(), width}, rows,
                     {gradients.data(), weights.data(), products.data()});
        RC_ASSERT(near(gradients, expectedGradients, 1e-14));
        RC_ASSERT(near(weights, expectedWeights, 1e-14));
        RC_ASSERT(near(products, expectedProducts, 1e-13));
        std::vector<double> again(static_cast<std::size_t>(rows), 3.0);
        std::vector<double> weightsAgain(static_cast<std::size_t>(rows), 5.0);
        addRowTotals({gradient.data(), weight.data(), mask.data(), width}, rows,
                     {again.data(), weightsAgain.data(), nullptr});
        RC_ASSERT(again == gradients);
        RC_ASSERT(weightsAgain == weights);
        // No mask is a mask of ones.
        const std::vector<float> ones(gradient.size(), 1.F);
        std::vector<double> masked(3 * static_cast<std::size_t>(rows), 1.0);
        std::vector<double> maskless = masked;
        const auto add = [&](const float* of, std::vector<double>& totals) {
            addRowTotals({gradient.data(), weight.data(), of, width}, rows,
                         {totals.data(), totals.data() + rows, totals.data() + 2 * rows});
        };
        add(ones.data(), masked);
        add(nullptr, maskless);
        RC_ASSERT(maskless == masked);
    }));
}

void TestUnitSums::columnTotalsCountChosenRows() {
    QVERIFY(rc::check("sum, magnitude and positives of the chosen rows", [] {
        useAnyInstructionSet();
        Draw draw = anyDraw();
        const std::int64_t rows = anySize(300);
        const std::int64_t n = anySize(40);
        const std::int64_t stride = n + anySize(3);
        std::vector<float> x = draw.uniform(rows * stride, 1.F);
        for (std::size_t i = 0; i < x.size(); i += 3) {
            x[i] = 0.F; // which is not positive
        }
        const std::vector<float> include = coins(draw, rows);
        const auto columns = static_cast<std::size_t>(n);
        std::vector<double> totals(3 * columns, 7.0);
        std::vector<double> expected = totals;
        std::int64_t chosen = 0;
        for (std::int64_t row = 0; row < rows; ++row) {
            if (include[static_cast<std::size_t>(row)] == 0.F) {
                continue;
            }
            ++chosen;
            for (std::size_t j = 0; j < columns; ++j) {
                const auto value = static_cast<double>(x[static_cast<std::size_t>(row * stride) + j]);
                expected[j] += value;
                expected[columns + j] += std::abs(value);
                expected[2 * columns + j] += value > 0.0 ? 1.0 : 0.0;
            }
        }
        const ColumnTotals out{totals.data(), totals.data() + n, totals.data() + 2 * n};
        RC_ASSERT(addColumnTotals({x.data(), stride}, include.data(), rows, n, out) == chosen);
        RC_ASSERT(near(totals, expected, 1e-5));
        RC_ASSERT(std::equal(totals.begin() + 2 * n, totals.end(), expected.begin() + 2 * n));
    }));
}

void TestUnitSums::rowsThatDoNotCountAreNotRead() {
    const std::int64_t n = 19;
    std::vector<float> x(3 * static_cast<std::size_t>(n), 2.F);
    std::fill(x.begin() + n, x.begin() + 2 * n, kNan);
    const std::vector<float> include = {1.F, 0.F, 1.F};
    std::vector<double> totals(3 * static_cast<std::size_t>(n), 0.0);
    const ColumnTotals out{totals.data(), totals.data() + n, totals.data() + 2 * n};
    QCOMPARE(addColumnTotals({x.data(), n}, include.data(), 3, n, out), std::int64_t(2));
    for (std::int64_t j = 0; j < n; ++j) {
        QCOMPARE(out.sum[j], 4.0);
        QCOMPARE(out.magnitude[j], 4.0);
        QCOMPARE(out.positive[j], 2.0);
    }
    // One that counts shows.
    QCOMPARE(addColumnTotals({x.data() + n, n}, include.data(), 1, n, out), std::int64_t(1));
    QVERIFY(std::isnan(out.sum[0]) && std::isnan(out.magnitude[n - 1]));
    QCOMPARE(out.positive[0], 2.0);
}

void TestUnitSums::productSquaresAreThoseOfTheProduct() {
    QVERIFY(rc::check("the squared norm of a b", [] {
        useAnyInstructionSet();
        Draw draw = anyDraw();
        const std::int64_t rows = anySize(20);
        const std::int64_t terms = anySize(6);
        const std::int64_t n = anySize(40);
        const std::vector<double> a = widened(draw.uniform(rows * terms, 1.F));
        const std::vector<double> b = widened(draw.uniform(terms * n, 1.F));
        double expected = 0.0;
        for (std::int64_t row = 0; row < rows; ++row) {
            for (std::int64_t j = 0; j < n; ++j) {
                double entry = 0.0;
                for (std::int64_t t = 0; t < terms; ++t) {
                    entry += a[static_cast<std::size_t>(row * terms + t)] * b[static_cast<std::size_t>(t * n + j)];
                }
                expected += entry * entry;
            }
        }
        RC_ASSERT(near({productSquares(a.data(), b.data(), rows, terms, n)}, {expected}, 1e-12));
    }));
}

void TestUnitSums::termsThatCancelLeaveNothing() {
    QVERIFY(rc::check("x w - x w is 0, fused or not", [] {
        useAnyInstructionSet();
        Draw draw = anyDraw();
        const std::int64_t rows = anySize(20);
        const std::int64_t n = anySize(40);
        const std::vector<double> x = widened(draw.uniform(rows, 1.F));
        std::vector<double> both;
        for (const double value : x) {
            both.insert(both.end(), {value, -value});
        }
        const std::vector<double> weights = widened(draw.uniform(n, 1.F));
        std::vector<double> b = weights;
        b.insert(b.end(), weights.begin(), weights.end());
        RC_ASSERT(productSquares(both.data(), b.data(), rows, 2, n) == 0.0);
    }));
}

QTEST_APPLESS_MAIN(TestUnitSums)
#include "tst_unit_sums.moc"
