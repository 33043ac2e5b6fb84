// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/plasticity/interventions/parseval.h"

#include <algorithm>
#include <utility>

#include <ATen/ATen.h>

#include "core/config/method_section.h"

namespace knife {

namespace {

StepBlocks::Choice choiceOf(const ParsevalConfig& config, const FactorizedNet& net) {
    const auto accepts = [config, &net](const Parameter& parameter) {
        return parameter.value.dim() == 2 && covers(config.scope, parameter) &&
               std::ranges::any_of(net.sites().all(), [&](const Site& site) {
                   return site.weight == &parameter && site.linear == nullptr; // a layer with an activation
               });
    };
    const auto scale = [config](const Parameter& parameter) {
        const at::Tensor& w = parameter.value;
        return config.scale > 0.0 ? config.scale
                                  : w.detach().square().sum(at::kDouble).item<double>() /
                                        static_cast<double>(std::min(w.size(0), w.size(1)));
    };
    return {.accepts = accepts, .number = scale};
}

} // namespace

void describe(FieldVisitor& visitor, ParsevalConfig& config) {
    visitor.field("strength", config.strength, {"lambda, the weight of the penalty"}, {0, 1e6});
    visitor.field("scale", config.scale,
                  {"s, the square that rows are kept at; 0: the mean square of the rows as they began"}, {.low = 0.0});
    describe(visitor, config.scope);
}

Parseval::Parseval(ParsevalConfig config, const FactorizedNet& net)
    : BlockIntervention({net, StepBlocks::Layout::Parameters, StepBlocks::Storage::Nothing, choiceOf(config, net)}),
      m_config(std::move(config)) {}

void Parseval::differentiated(const UpdateMoment& /*moment*/) {
    const double factor = 4.0 * m_config.strength;
    for (const StepBlocks::Block& block : blocks().follow()) {
        for (const StepBlocks::Target& target : block.targets) {
            const at::Tensor& w = target.value;
            const bool wide = w.size(0) <= w.size(1);
            at::Tensor gram = wide ? at::mm(w, w.t()) : at::mm(w.t(), w);
            gram.diagonal().sub_(target.number);
            if (block.block->anyFrozen) {
                const at::Tensor pull = wide ? at::mm(gram, w) : at::mm(w, gram);
                target.grad.copy_(at::where(target.mask != 0.F, at::add(target.grad, pull, factor), target.grad));
            } else {
                wide ? target.grad.addmm_(gram, w, 1.0, factor) : target.grad.addmm_(w, gram, 1.0, factor);
            }
        }
    }
}

Result<std::unique_ptr<Intervention>> makeParseval(const Section& section, const FactorizedNet& net) {
    const auto config = readMethod<ParsevalConfig>(section);
    if (!config) {
        return tl::unexpected(config.error());
    }
    if (auto known = checkScope(section, config->scope, net); !known) {
        return tl::unexpected(known.error());
    }
    return std::make_unique<Parseval>(*config, net);
}

} // namespace knife
