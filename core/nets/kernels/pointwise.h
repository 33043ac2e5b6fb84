// SPDX-License-Identifier: GPL-3.0-or-later
// What lies between the matrix products of a network: activations, the GRU cell, the mixing of QMIX, with gradients.
//
// Vectorised for the processor that is found at run time. All values are float, all matrices row-major; sizes may be
// anything from 0, and memory needs no alignment. Every row is computed the same way wherever it lies, so rows may be
// divided among threads without changing a bit (but the order of addColumnSums() follows its calls). NaN stays NaN.
// Outputs must not overlap inputs, except where a function allows that an output is exactly one of its inputs.
#pragma once

#include <cstdint>

namespace knife {

/// A matrix to read: row r begins at data + r * stride.
struct ConstRows {
    const float* data = nullptr;
    std::int64_t stride = 0;
    [[nodiscard]] const float* row(std::int64_t r) const { return data + r * stride; }
    /// The rows from `first` on.
    [[nodiscard]] ConstRows from(std::int64_t first) const { return {row(first), stride}; }
};

/// A matrix to write.
struct Rows {
    float* data = nullptr;
    std::int64_t stride = 0;
    [[nodiscard]] float* row(std::int64_t r) const { return data + r * stride; }
    [[nodiscard]] Rows from(std::int64_t first) const { return {row(first), stride}; }
    operator ConstRows() const { return {data, stride}; } // NOLINT(google-explicit-constructor): adds const only
};

/// Every row of out [rows x n] becomes bias [n].
void fillRows(const float* bias, std::int64_t rows, std::int64_t n, Rows out);

/// x = max(x + bias, 0) for x [rows x n], bias [n].
void biasRelu(const float* bias, std::int64_t rows, std::int64_t n, Rows x);

/// grad = activation > 0 ? grad : 0, both [rows x n], activation as biasRelu() left it.
void reluBackward(ConstRows activation, std::int64_t rows, std::int64_t n, Rows grad);

/// sums[j] += sum over the rows of grad [rows x n], in a fixed order: partial sums of 128 rows each, one after another.
void addColumnSums(ConstRows grad, std::int64_t rows, std::int64_t n, float* sums);

/// One step of a GRU of H units. gates [rows x 4H] holds, without biases and in blocks of H columns, the
/// pre-activations of reset r and update z, the input's part i and the hidden state's part c of the candidate; bias
/// [4H] likewise:
///   r = σ(r), z = σ(z), c = c + its bias, n = tanh(i + r c), h = (1 - z) n + z hPrev.
/// Leaves (r, z, n, c) in gates for gruBackward(). hPrev and h are [rows x H]; h may be hPrev.
void gruForward(const float* bias, std::int64_t rows, std::int64_t hidden, ConstRows hPrev, Rows gates, Rows h);

/// From gates as gruForward() left them and dh, the gradient of h: dGates [rows x 4H], the gradients of the four
/// pre-activations (and so of bias, summed over rows), and dh = z dh, the gradient of hPrev that does not pass the
/// gates. dGates may be gates.
void gruBackward(ConstRows gates, ConstRows hPrev, std::int64_t rows, std::int64_t hidden, Rows dh, Rows dGates);

struct QmixShape {
    std::int64_t rows = 0;
    std::int64_t agents = 0; ///< N
    std::int64_t embed = 0;  ///< E
};

struct QmixInputs {
    ConstRows q;  ///< [rows x N]
    ConstRows w1; ///< [rows x N E] as the hypernetwork gives it; column n E + e; the absolute value is taken here
    ConstRows b1; ///< [rows x E]
    ConstRows w2; ///< [rows x E], as w1
    ConstRows v;  ///< [rows x 1]
};

/// Gradients of the inputs, of the same shapes. w1, b1 and w2 may be the inputs of the same name.
struct QmixGradients {
    Rows q;
    Rows w1;
    Rows b1;
    Rows w2;
    Rows v;
};

/// hidden [rows x E] = elu(q · |w1| + b1), qTot [rows] = hidden · |w2| + v  (QMIX, figure 2).
void qmixForward(const QmixShape& shape, const QmixInputs& inputs, Rows hidden, float* qTot);

/// Gradients for dQTot [rows]; hidden as qmixForward() left it. The derivative of |x| at 0 is 0.
void qmixBackward(const QmixShape& shape, const QmixInputs& inputs, ConstRows hidden, const float* dQTot,
                  const QmixGradients& gradients);

} // namespace knife
