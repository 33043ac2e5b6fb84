// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/learning/tensor_optimiser.h"

#include <ATen/ATen.h>

namespace knife::by_tensors {

void maskGradient(ParameterBlock& block) {
    block.grad.masked_fill_(block.mask == 0.F, 0.F); // not a product: 0 * NaN would survive
}

double sumOfSquares(const at::Tensor& gradient) {
    return gradient.to(at::kDouble).square().sum().item<double>();
}

void scaleGradient(ParameterBlock& block, float scale) {
    block.grad.mul_(scale);
}

void rmsprop(ParameterBlock& block, double lr, double alpha, double epsilon) {
    block.moment2.mul_(alpha).addcmul_(block.grad, block.grad, 1.0 - alpha);
    block.value.addcdiv_(block.grad, block.moment2.sqrt().add_(epsilon), -lr);
}

void adam(ParameterBlock& block, const AdamRates& rates) {
    block.moment1.mul_(rates.beta1).add_(block.grad, 1.0 - rates.beta1);
    block.moment2.mul_(rates.beta2).addcmul_(block.grad, block.grad, 1.0 - rates.beta2);
    const at::Tensor root = (block.moment2 / rates.correction2).sqrt_().add_(rates.epsilon);
    block.value.addcdiv_(block.moment1 / rates.correction1, root, -rates.lr);
}

} // namespace knife::by_tensors
