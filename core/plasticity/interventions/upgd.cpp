// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/plasticity/interventions/upgd.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include <ATen/ATen.h>

#include "core/config/method_section.h"
#include "core/nets/kernels/parameter_steps.h"
#include "core/nets/kernels/utility_steps.h"
#include "core/nets/live_unit.h"
#include "core/nets/module_parameters.h"
#include "core/types/counter_rng.h"

namespace knife {

namespace {

constexpr double kSmallestNorm = 1e-12; // of a row's utilities; below it they are taken as they are

StepBlocks::Choice choiceOf(const StepScope& scope) {
    return {.accepts = [scope](const Parameter& parameter) { return covers(scope, parameter); },
            .memory =
                [](const StepBlocks::Block& block) {
                    return at::zeros({block.block->size() + 1}, block.block->value.options());
                }};
}

StepBlocks::Layout layoutOf(const UpgdConfig& config) {
    return config.utility == "local" ? StepBlocks::Layout::Parameters : StepBlocks::Layout::Runs;
}

float& updatesOf(const StepBlocks::Block& block) {
    return block.memory.data_ptr<float>()[block.memory.numel() - 1];
}

UtilityArrays arraysOf(const StepBlocks::Block& block, const StepBlocks::Target& target, const at::Tensor& before,
                       const float* noise) {
    return {.theta = target.value.data_ptr<float>(),
            .before = before.data_ptr<float>() + target.offset,
            .gradient = target.grad.data_ptr<float>(),
            .mask = target.mask.data_ptr<float>(),
            .noise = noise + target.offset,
            .utility = block.memory.data_ptr<float>() + target.offset,
            .count = target.size()};
}

UtilityArrays rowOf(const UtilityArrays& all, std::int64_t row, std::int64_t width) {
    const std::int64_t first = row * width;
    return {.theta = all.theta + first,
            .before = all.before + first,
            .gradient = all.gradient + first,
            .mask = all.mask + first,
            .noise = all.noise + first,
            .utility = all.utility + first,
            .count = width};
}

} // namespace

void describe(FieldVisitor& visitor, UpgdConfig& config) {
    visitor.field("beta_utility", config.betaUtility, {"decay of the running utility"}, {.low = 0.0, .high = 0.999999});
    visitor.field("sigma", config.sigma, {"standard deviation of the noise", "learning rates"}, {0, 1e6});
    visitor.field("weight_decay", config.weightDecay, {"decoupled weight decay", "learning rates"}, {0, 1e6});
    visitor.field("step_factor", config.stepFactor,
                  {"of the optimiser's step and the noise; 2 with Adam is the "
                   "paper's form for reinforcement learning"},
                  {.low = 0.0});
    visitor.field("protects", config.protects, {"whether the steps of useful weights are held back, not only noise"});
    visitor.choice("utility", config.utility, {"utilities are compared with the largest of all, or within each row"},
                   {"global", "local"});
    describe(visitor, config.scope);
}

Upgd::Upgd(UpgdConfig config, const FactorizedNet& net)
    : BlockIntervention({net, layoutOf(config), StepBlocks::Storage::All, choiceOf(config.scope)}),
      m_config(std::move(config)),
      m_net(net) {}

void Upgd::stepped(const UpdateMoment& moment) {
    const auto beta = static_cast<float>(m_config.betaUtility);
    const std::vector<StepBlocks::Block>& present = blocks().follow();
    double largest = 0.0;
    for (std::size_t i = 0; i < present.size(); ++i) {
        const StepBlocks::Block& block = present[i];
        if (block.targets.empty()) {
            continue;
        }
        updatesOf(block) += 1.F;
        m_noise.resize(std::max(m_noise.size(), static_cast<std::size_t>(block.block->size())));
        const double correction = 1.0 - std::pow(m_config.betaUtility, updatesOf(block));
        for (const StepBlocks::Target& target : block.targets) {
            const UtilityArrays arrays = arraysOf(block, target, (*moment.before)[i], m_noise.data());
            largest = std::max(largest, static_cast<double>(gatherUtility(arrays, beta)) / correction);
        }
    }
    shake(moment, present, largest);
}

void Upgd::shake(const UpdateMoment& moment, const std::vector<StepBlocks::Block>& blocks, double largest) {
    CounterRng stream({m_net.spec().seed, "upgd/noise", static_cast<std::uint64_t>(moment.update)});
    const std::array<std::uint32_t, 2> key{stream.next(), stream.next()};
    std::uint64_t counter = 0;
    UtilityRates rates{.stepFactor = static_cast<float>(m_config.stepFactor),
                       .noiseFactor = static_cast<float>(m_config.stepFactor * moment.lr * m_config.sigma),
                       .keep = static_cast<float>(1.0 - moment.lr * m_config.weightDecay),
                       .protects = m_config.protects};
    for (std::size_t i = 0; i < blocks.size(); ++i) {
        const StepBlocks::Block& block = blocks[i];
        if (block.targets.empty()) {
            continue;
        }
        if (m_config.sigma > 0.0) {
            fillNormal(key, counter, m_noise.data(), block.block->size());
            counter += static_cast<std::uint64_t>((block.block->size() + 3) / 4);
        }
        const double correction = 1.0 - std::pow(m_config.betaUtility, updatesOf(block));
        for (const StepBlocks::Target& target : block.targets) {
            const UtilityArrays arrays = arraysOf(block, target, (*moment.before)[i], m_noise.data());
            if (m_config.utility == "global") {
                // Without a useful weight there is nothing to compare with: every gate stands in the middle.
                rates.utilityScale = largest > 0.0 ? static_cast<float>(1.0 / (correction * largest)) : 0.F;
                gatedStep(arrays, rates);
                continue;
            }
            const std::int64_t width = target.value.size(-1);
            for (std::int64_t row = 0; row < target.size() / width; ++row) {
                const UtilityArrays at = rowOf(arrays, row, width);
                const double norm = std::sqrt(sumOfSquares(at.utility, width));
                rates.utilityScale = static_cast<float>(1.0 / std::max(norm, kSmallestNorm * correction));
                gatedStep(at, rates);
            }
        }
    }
}

at::Tensor Upgd::utilityOf(const Parameter& parameter) {
    for (const StepBlocks::Block& block : blocks().follow()) {
        std::int64_t offset = 0;
        for (const Parameter* candidate : block.block->parameters) {
            if (candidate == &parameter && block.memory.defined()) {
                return block.memory.narrow(0, offset, parameter.value.numel()).view(parameter.value.sizes());
            }
            offset += candidate->value.numel();
        }
    }
    return {};
}

void Upgd::touched(const std::vector<SiteReceipt>& sites) {
    const auto forget = [this](const Parameter* parameter, std::int64_t dimension, std::int64_t index) {
        const at::Tensor utility = parameter != nullptr ? utilityOf(*parameter) : at::Tensor();
        if (utility.defined()) {
            utility.select(dimension, index).zero_();
        }
    };
    for (const SiteReceipt& receipt : sites) {
        const Site* site = m_net.sites().find(receipt.site);
        if (site == nullptr || receipt.units.empty()) {
            for (const Parameter* parameter : parametersOf(m_net.parameters(), receipt.site)) {
                if (const at::Tensor utility = utilityOf(*parameter); utility.defined()) {
                    utility.zero_();
                }
            }
            continue;
        }
        for (const int unit : receipt.units) {
            const LiveUnit live = liveUnit(*site, unit);
            forget(live.weight, 0, live.row);
            for (const UnitClones::Row& clone : live.clones) {
                forget(clone.rows, 0, clone.row);
            }
            forget(live.bias, 0, live.row);
            for (const LiveUnit::Outgoing& outgoing : live.outgoing) {
                forget(outgoing.weight, 1, outgoing.column);
            }
        }
    }
}

Result<std::unique_ptr<Intervention>> makeUpgd(const Section& section, const FactorizedNet& net) {
    const auto config = readMethod<UpgdConfig>(section);
    if (!config) {
        return tl::unexpected(config.error());
    }
    if (auto known = checkScope(section, config->scope, net); !known) {
        return tl::unexpected(known.error());
    }
    if (!net.device().is_cpu()) {
        return tl::unexpected(section.errorAt("method", "upgd works on the CPU only; use experiment.device = \"cpu\""));
    }
    return std::make_unique<Upgd>(*config, net);
}

} // namespace knife
