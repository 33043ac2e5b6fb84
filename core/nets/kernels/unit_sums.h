// SPDX-License-Identifier: GPL-3.0-or-later
// What the diagnostics of units sum up: incoming rows, activation columns, contributions to consumers. Vectorised for
// the processor that is found at run time, in double precision (but see addColumnTotals()), in an order of its own.
// Sizes may be anything from 0, and memory needs no alignment.
#pragma once

#include <cstdint>

#include "core/nets/kernels/pointwise.h"

namespace knife {

/// The incoming weights of some units, one dense row of `width` entries each, with their gradients and masks.
struct IncomingRows {
    const float* gradient = nullptr;
    const float* weight = nullptr;
    const float* mask = nullptr; ///< nullptr: 1 everywhere
    std::int64_t width = 0;
    /// The rows from `first` on.
    [[nodiscard]] IncomingRows from(std::int64_t first) const {
        return {gradient + first * width, weight + first * width, mask != nullptr ? mask + first * width : nullptr,
                width};
    }
};

/// One entry per row.
struct RowTotals {
    double* gradient = nullptr; ///< sum of squares
    double* weight = nullptr;   ///< sum of squares
    double* product = nullptr;  ///< sum of gradient times weight; nullptr: not wanted
};

/// Adds the totals of each row; weights count where mask != 0.
void addRowTotals(const IncomingRows& in, std::int64_t rows, const RowTotals& totals);

/// One entry per column.
struct ColumnTotals {
    double* sum = nullptr;
    double* magnitude = nullptr; ///< sum of |x|
    double* positive = nullptr;  ///< number of x > 0
};

/// Adds the totals of x [rows x n] over the rows with include[row] != 0; others are not even read. Partial sums of at
/// most 128 rows are single precision. Returns the number of rows that counted.
std::int64_t addColumnTotals(ConstRows x, const float* include, std::int64_t rows, std::int64_t n,
                             const ColumnTotals& totals);

/// Sum of squares over all entries of the product of a [rows x terms] and b [terms x n], both dense. Where the entries
/// are floats, two terms that cancel each other give exactly 0.
[[nodiscard]] double productSquares(const double* a, const double* b, std::int64_t rows, std::int64_t terms,
                                    std::int64_t n);

} // namespace knife
