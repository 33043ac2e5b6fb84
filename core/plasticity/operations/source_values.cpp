// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/plasticity/operations/source_values.h"

#include <algorithm>

#include <ATen/ATen.h>
#include <fmt/format.h>

#include "core/types/counter_rng.h"

namespace knife {

std::uint64_t freshSeed(std::uint64_t seed, std::string_view drawer, std::int64_t count) {
    CounterRng rng({seed, drawer, static_cast<std::uint64_t>(count)});
    const std::uint64_t high = rng.next();
    return high << 32U | rng.next();
}

std::unique_ptr<FactorizedNet> sourceNet(const FactorizedNet& net, std::uint64_t seed) {
    NetSpec spec = net.spec();
    spec.seed = seed;
    spec.pool = nullptr;
    spec.device = at::kCPU;
    auto built = FactorizedNet::build(spec, ParameterUse::Copied);
    TORCH_INTERNAL_ASSERT(built, "a network was built from this spec before");
    return std::move(*built);
}

std::unique_ptr<FactorizedNet> sourceNet(const FactorizedNet& net, const std::string& source,
                                         const SurgeryDraws& draws) {
    return sourceNet(net, source == "initial" ? net.spec().seed : freshSeed(draws.seed, "reset", draws.event));
}

bool isWithin(std::string_view parameter, const std::vector<std::string>& modules) {
    return std::ranges::any_of(modules, [&](const std::string& module) {
        return parameter.starts_with(module) && (parameter.size() == module.size() || parameter[module.size()] == '.');
    });
}

Result<void> checkWholeModules(const SurgeryPlan& plan, const FactorizedNet& net) {
    if (!plan.operations.empty()) {
        return fail(ErrorCode::Usage, fmt::format("\"{}\" works on whole modules; the plan names units of {}",
                                                  plan.operation, plan.operations.front().site));
    }
    const auto& built = net.parameters().blocks().front().parameters;
    for (const std::string& module : plan.modules) {
        if (std::ranges::none_of(built, [&](const Parameter* own) { return isWithin(own->name, {module}); })) {
            return fail(ErrorCode::Usage, fmt::format("\"{}\" is a part that a surgery has added; only what the "
                                                      "network was built with has values to return to",
                                                      module));
        }
    }
    return {};
}

void settleAllMoments(const Parameter& parameter, OptimiserPolicy policy) {
    if (!parameter.moment1.defined() || policy == OptimiserPolicy::Keep) {
        return;
    }
    at::Tensor first = parameter.moment1;
    at::Tensor second = parameter.moment2;
    first.zero_();
    second.fill_(policy == OptimiserPolicy::MeanFill ? second.mean().item<float>() : 0.F);
}

} // namespace knife
