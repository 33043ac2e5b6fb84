// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/plasticity/interventions/normalise_and_project.h"

#include <cmath>
#include <utility>

#include <ATen/ATen.h>

#include "core/config/method_section.h"
#include "core/nets/kernels/parameter_steps.h"

namespace knife {

namespace {

double squaresOf(const at::Tensor& values) {
    return values.is_cpu() ? sumOfSquares(values.data_ptr<float>(), values.numel())
                           : values.square().sum(at::kDouble).item<double>();
}

StepBlocks::Choice choiceOf(const StepScope& scope) {
    const auto accepts = [scope](const Parameter& parameter) {
        return kindOf(parameter) == ParameterKind::Matrix && covers(scope, parameter);
    };
    const auto norms = [](const StepBlocks::Block& block) {
        at::Tensor norm = at::empty({static_cast<std::int64_t>(block.targets.size())});
        for (std::size_t i = 0; i < block.targets.size(); ++i) {
            norm.data_ptr<float>()[i] = static_cast<float>(std::sqrt(squaresOf(block.targets[i].value)));
        }
        return norm;
    };
    return {.accepts = accepts, .memory = norms};
}

void project(const StepBlocks::Block& block, const StepBlocks::Target& target, double norm) {
    double wanted = norm * norm;
    double present = squaresOf(target.value);
    const bool anyFrozen = block.block->anyFrozen;
    if (anyFrozen) {
        const double frozen = squaresOf(target.value * (target.mask == 0.F));
        wanted -= frozen;
        present -= frozen;
    }
    if (!(wanted > 0.0) || !(present > 0.0)) {
        return;
    }
    const double factor = std::sqrt(wanted / present);
    anyFrozen ? target.value.copy_(at::where(target.mask != 0.F, target.value * factor, target.value))
              : target.value.mul_(factor);
}

} // namespace

void describe(FieldVisitor& visitor, NormaliseAndProjectConfig& config) {
    visitor.field("every", config.every, {"between two projections", "updates"}, {.low = 1.0});
    describe(visitor, config.scope);
}

NormaliseAndProject::NormaliseAndProject(NormaliseAndProjectConfig config, const FactorizedNet& net)
    : BlockIntervention({net, StepBlocks::Layout::Parameters, StepBlocks::Storage::Added, choiceOf(config.scope)}),
      m_config(std::move(config)) {}

void NormaliseAndProject::stepped(const UpdateMoment& moment) {
    if ((moment.update + 1) % m_config.every != 0) {
        return;
    }
    for (const StepBlocks::Block& block : blocks().follow()) {
        for (std::size_t i = 0; i < block.targets.size(); ++i) {
            project(block, block.targets[i], static_cast<double>(block.memory.data_ptr<float>()[i]));
        }
    }
}

Result<std::unique_ptr<Intervention>> makeNormaliseAndProject(const Section& section, const FactorizedNet& net) {
    const auto config = readMethod<NormaliseAndProjectConfig>(section);
    if (!config) {
        return tl::unexpected(config.error());
    }
    if (auto known = checkScope(section, config->scope, net); !known) {
        return tl::unexpected(known.error());
    }
    return std::make_unique<NormaliseAndProject>(*config, net);
}

} // namespace knife
