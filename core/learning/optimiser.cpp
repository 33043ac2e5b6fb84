// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/learning/optimiser.h"

#include <algorithm>
#include <cmath>

#include "core/learning/tensor_optimiser.h"
#include "core/nets/kernels/parameter_steps.h"

namespace knife {

namespace {

// Entries that never had a gradient, frozen ones above all, divide 0 by sqrt(0) + epsilon. The floor keeps that 0, and
// keeps steps small where the square of a gradient underflows; it vanishes beside any other root.
constexpr double kSmallestEpsilon = 1e-20;

StepArrays arraysOf(ParameterBlock& block) {
    return {block.value.data_ptr<float>(), block.grad.data_ptr<float>(), block.moment1.data_ptr<float>(),
            block.moment2.data_ptr<float>(), block.size()};
}

AdamStepRates narrowed(const by_tensors::AdamRates& rates) {
    return {static_cast<float>(rates.lr),          static_cast<float>(rates.beta1),
            static_cast<float>(rates.beta2),       static_cast<float>(rates.epsilon),
            static_cast<float>(rates.correction1), static_cast<float>(rates.correction2)};
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
        keepWhere(block.mask.data_ptr<float>(), block.grad.data_ptr<float>(), block.size());
    }
}

double gradientNorm(const ParameterSet& parameters) {
    double sum = 0.0;
    for (const ParameterBlock& block : parameters.blocks()) {
        if (!block.trainable) {
            continue;
        }
        sum += block.grad.is_cpu() ? sumOfSquares(block.grad.data_ptr<float>(), block.size())
                                   : by_tensors::sumOfSquares(block.grad);
    }
    return std::sqrt(sum);
}

double clipFactor(double norm, double limit) {
    return limit <= 0.0 || norm <= limit ? 1.0 : limit / (norm + 1e-6);
}

void scaleGradients(ParameterSet& parameters, double factor) {
    if (factor == 1.0) {
        return;
    }
    const auto narrow = static_cast<float>(factor);
    for (ParameterBlock& block : parameters.blocks()) {
        if (!block.trainable) {
            continue;
        }
        if (block.grad.is_cpu()) {
            scale(narrow, block.grad.data_ptr<float>(), block.size());
        } else {
            by_tensors::scaleGradient(block, narrow);
        }
    }
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
            onCpu ? adamStep(arraysOf(block), narrowed(rates)) : by_tensors::adam(block, rates);
        } else {
            onCpu ? rmspropStep(arraysOf(block),
                                {static_cast<float>(m_config.lr), static_cast<float>(m_config.rmspropAlpha),
                                 static_cast<float>(rates.epsilon)})
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
