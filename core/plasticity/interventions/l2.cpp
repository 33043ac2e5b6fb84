// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/plasticity/interventions/l2.h"

#include <utility>

#include <ATen/ATen.h>

#include "core/config/method_section.h"

namespace knife {

namespace {

StepBlocks::Choice choiceOf(const L2Config& config, Origin origin) {
    StepBlocks::Choice choice{.accepts = [config](const Parameter& parameter) {
        const ParameterKind kind = kindOf(parameter);
        return covers(config.scope, parameter) && (kind != ParameterKind::Bias || config.biases) &&
               (kind != ParameterKind::Norm || config.norms);
    }};
    if (origin == Origin::Initial) {
        choice.memory = [](const StepBlocks::Block& block) {
            return block.block->value.detach().clone();
        };
    }
    return choice;
}

// to += factor (value - origin), frozen entries left alone.
void addPull(const StepBlocks::Block& block, const StepBlocks::Target& target, double factor, const at::Tensor& to) {
    at::Tensor away = target.value;
    if (block.memory.defined()) {
        // Entries at their origin stay there, whatever the rounding.
        away = target.value - block.memory.narrow(0, target.offset, target.size());
    }
    if (block.block->anyFrozen) {
        to.copy_(at::where(target.mask != 0.F, at::add(to, away, factor), to));
    } else {
        to.add_(away, factor);
    }
}

Result<std::unique_ptr<Intervention>> make(const Section& section, const L2Config& config, Origin origin,
                                           const FactorizedNet& net) {
    if (auto known = checkScope(section, config.scope, net); !known) {
        return tl::unexpected(known.error());
    }
    return std::make_unique<L2>(config, origin, net);
}

} // namespace

void describe(FieldVisitor& visitor, L2Config& config) {
    visitor.field("strength", config.strength, {"c of the pull"}, {0, 1e6});
    visitor.choice("mode", config.mode,
                   {"as a term of the loss (coupled) or as a step of its own after the optimiser's (decoupled)"},
                   {"coupled", "decoupled"});
    visitor.field("biases", config.biases, {"whether biases are pulled too"});
    visitor.field("norms", config.norms, {"whether gains and shifts of LayerNorm are pulled too"});
    describe(visitor, config.scope);
}

L2::L2(L2Config config, Origin origin, const FactorizedNet& net)
    : BlockIntervention({net, StepBlocks::Layout::Runs, StepBlocks::Storage::Added, choiceOf(config, origin)}),
      m_config(std::move(config)) {}

void L2::differentiated(const UpdateMoment& /*moment*/) {
    for (const StepBlocks::Block& block : blocks().follow()) {
        for (const StepBlocks::Target& target : block.targets) {
            if (m_config.mode == "coupled") {
                addPull(block, target, 2.0 * m_config.strength, target.grad);
            }
        }
    }
}

void L2::stepped(const UpdateMoment& moment) {
    if (m_config.mode == "coupled") {
        return;
    }
    for (const StepBlocks::Block& block : blocks().follow()) {
        for (const StepBlocks::Target& target : block.targets) {
            addPull(block, target, -moment.lr * m_config.strength, target.value);
        }
    }
}

Result<std::unique_ptr<Intervention>> makeL2(const Section& section, const FactorizedNet& net) {
    const auto config = readMethod<L2Config>(section);
    return config ? make(section, *config, Origin::Zero, net) : tl::unexpected(config.error());
}

Result<std::unique_ptr<Intervention>> makeL2Init(const Section& section, const FactorizedNet& net) {
    const auto config = readMethod<L2InitConfig>(section);
    return config ? make(section, *config, Origin::Initial, net) : tl::unexpected(config.error());
}

} // namespace knife
