// SPDX-License-Identifier: GPL-3.0-or-later
// Ranks of a matrix out of its singular values, of which no definition is like another.
#pragma once

#include <vector>

#include <ATen/core/Tensor.h>

namespace knife {

/// All 0 for a matrix of zeros.
struct Ranks {
    double srank = 0.0;           ///< least k whose k largest values hold 1 - 0.01 of their sum (Kumar et al. 2021)
    double approximate = 0.0;     ///< the same of their squares
    double effective = 0.0;       ///< exp of the entropy of s / sum s (Roy & Vetterli 2007)
    double frobStable = 0.0;      ///< sum s^2 / max s^2, linear algebra's stable rank
    double participation = 0.0;   ///< (sum s)^2 / sum s^2
    double participationSq = 0.0; ///< (sum s^2)^2 / sum s^4
};

/// `singular` in any order, not negative.
[[nodiscard]] Ranks ranksOf(std::vector<double> singular);

/// features [rows, H] -> their H singular values, ascending: roots of the eigenvalues of F^T F in double precision.
[[nodiscard]] std::vector<double> singularValues(const at::Tensor& features);

/// Eigenvalues of a symmetric matrix, ascending, those below 0 by rounding as 0.
[[nodiscard]] std::vector<double> eigenvalues(const at::Tensor& symmetric);

} // namespace knife
