// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/plasticity/interventions/weight_clipping.h"

#include <cmath>
#include <utility>

#include <ATen/ATen.h>

#include "core/config/method_section.h"

namespace knife {

namespace {

StepBlocks::Choice choiceOf(const WeightClippingConfig& config, const FactorizedNet& net) {
    const auto accepts = [config, &net](const Parameter& parameter) {
        const ParameterKind kind = kindOf(parameter);
        return covers(config.scope, parameter) && kind != ParameterKind::Norm &&
               (kind != ParameterKind::Bias || (config.biases && fanIn(parameter, net) > 0));
    };
    const auto bound = [config, &net](const Parameter& parameter) {
        return config.kappa / std::sqrt(static_cast<double>(fanIn(parameter, net)));
    };
    return {.accepts = accepts, .number = bound};
}

} // namespace

void describe(FieldVisitor& visitor, WeightClippingConfig& config) {
    visitor.field("kappa", config.kappa, {"largest magnitude, in units of 1 / sqrt(fan_in)"}, {.low = 1e-6});
    visitor.field("biases", config.biases, {"whether biases are clipped too, at the bound of their layer"});
    describe(visitor, config.scope);
}

WeightClipping::WeightClipping(WeightClippingConfig config, const FactorizedNet& net)
    : BlockIntervention({net, StepBlocks::Layout::Parameters, StepBlocks::Storage::Nothing, choiceOf(config, net)}),
      m_config(std::move(config)) {}

void WeightClipping::stepped(const UpdateMoment& /*moment*/) {
    for (const StepBlocks::Block& block : blocks().follow()) {
        for (const StepBlocks::Target& target : block.targets) {
            if (block.block->anyFrozen) {
                target.value.copy_(
                    at::where(target.mask != 0.F, target.value.clamp(-target.number, target.number), target.value));
            } else {
                target.value.clamp_(-target.number, target.number);
            }
        }
    }
}

Result<std::unique_ptr<Intervention>> makeWeightClipping(const Section& section, const FactorizedNet& net) {
    const auto config = readMethod<WeightClippingConfig>(section);
    if (!config) {
        return tl::unexpected(config.error());
    }
    if (auto known = checkScope(section, config->scope, net); !known) {
        return tl::unexpected(known.error());
    }
    return std::make_unique<WeightClipping>(*config, net);
}

} // namespace knife
