// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/learning/optimiser.h"

#include <algorithm>
#include <cmath>

#include "core/learning/tensor_optimiser.h"

namespace knife {

namespace {

// Entries that never had a gradient, frozen ones above all, divide 0 by sqrt(0) + epsilon. The floor keeps that 0, and
// keeps steps small where the square of a gradient underflows; it vanishes beside any other root.
constexpr double kSmallestEpsilon = 1e-20;

struct Flat {
    float* theta;
    const float* gradient;
    float* moment1;
    float* moment2;
    std::int64_t size;
};

Flat flat(ParameterBlock& block) {
    return {block.value.data_ptr<float>(), block.grad.data_ptr<float>(), block.moment1.data_ptr<float>(),
            block.moment2.data_ptr<float>(), block.size()};
}

void rmsprop(const Flat& f, float lr, float alpha, float epsilon) {
    for (std::int64_t i = 0; i < f.size; ++i) {
        const float g = f.gradient[i];
        f.moment2[i] = alpha * f.moment2[i] + (1.F - alpha) * g * g;
        f.theta[i] -= lr * g / (std::sqrt(f.moment2[i]) + epsilon);
    }
}

void adam(const Flat& f, const by_tensors::AdamRates& rates) {
    const auto lr = static_cast<float>(rates.lr);
    const auto beta1 = static_cast<float>(rates.beta1);
    const auto beta2 = static_cast<float>(rates.beta2);
    const auto epsilon = static_cast<float>(rates.epsilon);
    const auto correction1 = static_cast<float>(rates.correction1);
    const auto correction2 = static_cast<float>(rates.correction2);
    for (std::int64_t i = 0; i < f.size; ++i) {
        const float g = f.gradient[i];
        f.moment1[i] = beta1 * f.moment1[i] + (1.F - beta1) * g;
        f.moment2[i] = beta2 * f.moment2[i] + (1.F - beta2) * g * g;
        f.theta[i] -= lr * (f.moment1[i] / correction1) / (std::sqrt(f.moment2[i] / correction2) + epsilon);
    }
}

} // namespace

void maskGradients(ParameterSet& parameters) {
    for (ParameterBlock& block : parameters.blocks()) {
        if (!block.trainable || !block.anyFrozen) {
            continue;
        }
        if (!block.grad.is_cpu()) {
            by_tensors::maskGradient(block);
            continue;
        }
        float* gradient = block.grad.data_ptr<float>();
        const float* mask = block.mask.data_ptr<float>();
        for (std::int64_t i = 0; i < block.size(); ++i) {
            gradient[i] = mask[i] != 0.F ? gradient[i] : 0.F; // not a product: 0 * NaN would survive
        }
    }
}

double gradientNorm(const ParameterSet& parameters) {
    double sum = 0.0;
    for (const ParameterBlock& block : parameters.blocks()) {
        if (!block.trainable) {
            continue;
        }
        if (!block.grad.is_cpu()) {
            sum += by_tensors::sumOfSquares(block.grad);
            continue;
        }
        const float* gradient = block.grad.data_ptr<float>();
        for (std::int64_t i = 0; i < block.size(); ++i) {
            sum += static_cast<double>(gradient[i]) * static_cast<double>(gradient[i]);
        }
    }
    return std::sqrt(sum);
}

bool clipGradients(ParameterSet& parameters, double norm, double limit) {
    if (limit <= 0.0 || norm <= limit) {
        return false;
    }
    const auto scale = static_cast<float>(limit / (norm + 1e-6));
    for (ParameterBlock& block : parameters.blocks()) {
        if (!block.trainable) {
            continue;
        }
        if (!block.grad.is_cpu()) {
            by_tensors::scaleGradient(block, scale);
            continue;
        }
        float* gradient = block.grad.data_ptr<float>();
        for (std::int64_t i = 0; i < block.size(); ++i) {
            gradient[i] *= scale;
        }
    }
    return true;
}

void Optimiser::step(ParameterSet& parameters) {
    ++m_steps;
    const bool isAdam = m_config.optimiser == "adam";
    const auto steps = static_cast<double>(m_steps);
    const by_tensors::AdamRates rates{.lr = m_config.lr,
                                      .beta1 = m_config.adamBeta1,
                                      .beta2 = m_config.adamBeta2,
                                      .epsilon = std::max(m_config.epsilon, kSmallestEpsilon),
                                      .correction1 = 1.0 - std::pow(m_config.adamBeta1, steps),
                                      .correction2 = 1.0 - std::pow(m_config.adamBeta2, steps)};
    for (ParameterBlock& block : parameters.blocks()) {
        if (!block.trainable) {
            continue;
        }
        const bool onCpu = block.value.is_cpu();
        if (isAdam) {
            onCpu ? adam(flat(block), rates) : by_tensors::adam(block, rates);
        } else {
            onCpu ? rmsprop(flat(block), static_cast<float>(m_config.lr), static_cast<float>(m_config.rmspropAlpha),
                            static_cast<float>(rates.epsilon))
                  : by_tensors::rmsprop(block, m_config.lr, m_config.rmspropAlpha, rates.epsilon);
        }
    }
}

void Optimiser::reset(ParameterSet& parameters) {
    m_steps = 0;
    for (ParameterBlock& block : parameters.blocks()) {
        if (block.trainable) {
            block.moment1.zero_();
            block.moment2.zero_();
        }
    }
}

} // namespace knife
