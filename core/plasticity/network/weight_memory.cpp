// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/plasticity/network/weight_memory.h"

#include <algorithm>

#include <ATen/ATen.h>

namespace knife {

DiagnosticMemory rememberWeights(const char* diagnostic, std::int64_t update, const ParameterSet& parameters) {
    DiagnosticMemory memory{.diagnostic = diagnostic, .update = update, .values = {}};
    for (const ParameterBlock& block : parameters.blocks()) {
        const at::Tensor values = block.value.detach();
        memory.values.push_back(values.is_cpu() ? values.clone() : values.cpu());
    }
    return memory;
}

bool fits(const DiagnosticMemory& memory, const ParameterSet& parameters) {
    return memory.update >= 0 &&
           std::ranges::equal(memory.values, parameters.blocks(),
                              [](const at::Tensor& kept, const auto& block) { return kept.numel() == block.size(); });
}

void putBack(const DiagnosticMemory& memory, ParameterSet& parameters) {
    const at::NoGradGuard noGrad;
    for (std::size_t i = 0; i < memory.values.size(); ++i) {
        parameters.blocks()[i].value.copy_(memory.values[i]);
    }
}

} // namespace knife
