// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/nets/kernels/unit_sums.h"

#include <algorithm>
#include <cmath>

// This file is compiled once for every instruction set: the first pass includes it again for each of them.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/nets/kernels/unit_sums.cpp"
#include <hwy/foreach_target.h>

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace knife::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
using Lanes = hn::ScalableTag<float>;
using Wide = hn::ScalableTag<double>;

template <bool kProducts, bool kMasked>
void addRowTotalsOf(const IncomingRows& in, std::int64_t rows, const RowTotals& totals) {
    const Wide wide;
    const hn::Rebind<float, Wide> narrow;
    const auto lanes = static_cast<std::int64_t>(hn::Lanes(wide));
    for (std::int64_t row = 0; row < rows; ++row) {
        const IncomingRows at = in.from(row);
        auto gradients = hn::Zero(wide);
        auto weights = hn::Zero(wide);
        auto products = hn::Zero(wide);
        std::int64_t i = 0;
        for (; i + lanes <= in.width; i += lanes) {
            const auto g = hn::PromoteTo(wide, hn::LoadU(narrow, at.gradient + i));
            auto weight = hn::LoadU(narrow, at.weight + i);
            if constexpr (kMasked) {
                const auto trainable = hn::Ne(hn::LoadU(narrow, at.mask + i), hn::Zero(narrow));
                weight = hn::IfThenElseZero(trainable, weight);
            }
            const auto w = hn::PromoteTo(wide, weight);
            gradients = hn::MulAdd(g, g, gradients);
            weights = hn::MulAdd(w, w, weights);
            if constexpr (kProducts) {
                products = hn::MulAdd(g, w, products);
            }
        }
        double ofGradient = 0.0;
        double ofWeight = 0.0;
        double ofProduct = 0.0;
        if (i > 0) {
            ofGradient = hn::GetLane(hn::SumOfLanes(wide, gradients));
            ofWeight = hn::GetLane(hn::SumOfLanes(wide, weights));
            if constexpr (kProducts) {
                ofProduct = hn::GetLane(hn::SumOfLanes(wide, products));
            }
        }
        for (; i < in.width; ++i) {
            const auto g = static_cast<double>(at.gradient[i]);
            const bool trainable = !kMasked || at.mask[i] != 0.F;
            const double w = trainable ? static_cast<double>(at.weight[i]) : 0.0;
            ofGradient += g * g;
            ofWeight += w * w;
            ofProduct += g * w;
        }
        totals.gradient[row] += ofGradient;
        totals.weight[row] += ofWeight;
        if constexpr (kProducts) {
            totals.product[row] += ofProduct;
        }
    }
}

template <bool kMasked>
void addRowTotalsWhere(const IncomingRows& in, std::int64_t rows, const RowTotals& totals) {
    totals.product != nullptr ? addRowTotalsOf<true, kMasked>(in, rows, totals)
                              : addRowTotalsOf<false, kMasked>(in, rows, totals);
}

void addRowTotalsImpl(const IncomingRows& in, std::int64_t rows, const RowTotals& totals) {
    in.mask != nullptr ? addRowTotalsWhere<true>(in, rows, totals) : addRowTotalsWhere<false>(in, rows, totals);
}

constexpr std::int64_t kRowsPerPartialSum = 128;

// The rows of one partial sum that count.
struct ChosenRows {
    const float* rows[kRowsPerPartialSum];
    std::int64_t count = 0;
};

HWY_INLINE void addColumnVector(const ChosenRows& chosen, std::int64_t j, const ColumnTotals& totals) {
    const Lanes d;
    const auto one = hn::Set(d, 1.F);
    auto sum = hn::Zero(d);
    auto magnitude = hn::Zero(d);
    auto positive = hn::Zero(d);
    for (std::int64_t r = 0; r < chosen.count; ++r) {
        const auto x = hn::LoadU(d, chosen.rows[r] + j);
        sum = hn::Add(sum, x);
        magnitude = hn::Add(magnitude, hn::Abs(x));
        positive = hn::Add(positive, hn::IfThenElseZero(hn::Gt(x, hn::Zero(d)), one));
    }
    HWY_ALIGN float part[3][hn::MaxLanes(Lanes())];
    hn::Store(sum, d, part[0]);
    hn::Store(magnitude, d, part[1]);
    hn::Store(positive, d, part[2]);
    for (std::size_t lane = 0; lane < hn::Lanes(d); ++lane) {
        const std::int64_t column = j + static_cast<std::int64_t>(lane);
        totals.sum[column] += static_cast<double>(part[0][lane]);
        totals.magnitude[column] += static_cast<double>(part[1][lane]);
        totals.positive[column] += static_cast<double>(part[2][lane]);
    }
}

// A column that does not fill a vector with its neighbours.
HWY_INLINE void addColumn(const ChosenRows& chosen, std::int64_t j, const ColumnTotals& totals) {
    for (std::int64_t r = 0; r < chosen.count; ++r) {
        const float x = chosen.rows[r][j];
        totals.sum[j] += static_cast<double>(x);
        totals.magnitude[j] += static_cast<double>(std::abs(x));
        totals.positive[j] += x > 0.F ? 1.0 : 0.0;
    }
}

std::int64_t addColumnTotalsImpl(ConstRows x, const float* include, std::int64_t rows, std::int64_t n,
                                 const ColumnTotals& totals) {
    const auto lanes = static_cast<std::int64_t>(hn::Lanes(Lanes()));
    std::int64_t counted = 0;
    for (std::int64_t first = 0; first < rows; first += kRowsPerPartialSum) {
        ChosenRows chosen;
        for (std::int64_t r = first; r < std::min(first + kRowsPerPartialSum, rows); ++r) {
            if (include[r] != 0.F) {
                chosen.rows[chosen.count++] = x.row(r);
            }
        }
        counted += chosen.count;
        std::int64_t j = 0;
        for (; j + lanes <= n; j += lanes) {
            addColumnVector(chosen, j, totals);
        }
        for (; j < n; ++j) {
            addColumn(chosen, j, totals);
        }
    }
    return counted;
}

double productSquaresImpl(const double* a, const double* b, std::int64_t rows, std::int64_t terms, std::int64_t n) {
    const Wide d;
    const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
    auto squares = hn::Zero(d);
    double rest = 0.0;
    for (std::int64_t row = 0; row < rows; ++row) {
        const double* factors = a + row * terms;
        std::int64_t j = 0;
        for (; j + lanes <= n; j += lanes) {
            auto entry = hn::Zero(d);
            for (std::int64_t t = 0; t < terms; ++t) {
                entry = hn::MulAdd(hn::Set(d, factors[t]), hn::LoadU(d, b + t * n + j), entry);
            }
            squares = hn::MulAdd(entry, entry, squares);
        }
        for (; j < n; ++j) {
            double entry = 0.0;
            for (std::int64_t t = 0; t < terms; ++t) {
                entry += factors[t] * b[t * n + j];
            }
            rest += entry * entry;
        }
    }
    return hn::GetLane(hn::SumOfLanes(d, squares)) + rest;
}

} // namespace
} // namespace knife::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace knife {

HWY_EXPORT(addRowTotalsImpl);
HWY_EXPORT(addColumnTotalsImpl);
HWY_EXPORT(productSquaresImpl);

void addRowTotals(const IncomingRows& in, std::int64_t rows, const RowTotals& totals) {
    HWY_DYNAMIC_DISPATCH(addRowTotalsImpl)(in, rows, totals);
}

std::int64_t addColumnTotals(ConstRows x, const float* include, std::int64_t rows, std::int64_t n,
                             const ColumnTotals& totals) {
    return HWY_DYNAMIC_DISPATCH(addColumnTotalsImpl)(x, include, rows, n, totals);
}

double productSquares(const double* a, const double* b, std::int64_t rows, std::int64_t terms, std::int64_t n) {
    return HWY_DYNAMIC_DISPATCH(productSquaresImpl)(a, b, rows, terms, n);
}

} // namespace knife
#endif
