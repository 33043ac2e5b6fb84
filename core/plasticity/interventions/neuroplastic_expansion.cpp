// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/plasticity/interventions/neuroplastic_expansion.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <utility>

#include <ATen/ATen.h>

#include "core/config/method_section.h"
#include "core/nets/kernels/parameter_steps.h"
#include "core/types/counter_rng.h"

namespace knife {

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// The matrices that the network has now; those that surgeries add later stay dense.
StepBlocks::Choice choiceOf(const StepScope& scope, const FactorizedNet& net) {
    std::vector<const Parameter*> matrices;
    for (const Parameter& parameter : net.parameters().all()) {
        if (kindOf(parameter) == ParameterKind::Matrix && covers(scope, parameter)) {
            matrices.push_back(&parameter);
        }
    }
    return {.accepts =
                [matrices](const Parameter& parameter) {
                    return std::ranges::find(matrices, &parameter) != matrices.end();
                },
            .memory =
                [](const StepBlocks::Block& block) {
                    return at::ones_like(block.block->value);
                }};
}

at::Tensor activeOf(const StepBlocks::Block& block, const StepBlocks::Target& target) {
    return block.memory.narrow(0, target.offset, target.size()).view(target.value.sizes());
}

std::int64_t countOf(const at::Tensor& chosen) {
    return chosen.sum(at::kLong).item<std::int64_t>();
}

std::int64_t shareOf(double share, std::int64_t count) {
    return static_cast<std::int64_t>(std::floor(share * static_cast<double>(count)));
}

// The `count` entries of smallest score among the chosen ones, of which there must be as many: flat indices.
at::Tensor smallest(const at::Tensor& score, const at::Tensor& chosen, std::int64_t count) {
    const at::Tensor among = score.masked_fill(chosen.logical_not(), kInfinity).flatten();
    return std::get<1>(among.topk(count, 0, /*largest=*/false));
}

void discard(const at::Tensor& keep, const at::Tensor& from) {
    if (from.is_cpu()) {
        keepWhere(keep.data_ptr<float>(), from.data_ptr<float>(), from.numel());
    } else {
        from.copy_(at::where(keep != 0.F, from, at::zeros_like(from)));
    }
}

// Clears what inactive connections hold. What was frozen while it held something keeps it.
void clearInactive(const StepBlocks::Block& block) {
    const ParameterBlock& own = *block.block;
    const at::Tensor keep = own.anyFrozen ? at::maximum(block.memory, (own.mask == 0.F).to(at::kFloat)) : block.memory;
    discard(keep, own.value);
    discard(keep, own.moment1);
    discard(keep, own.moment2);
}

// Row means of magnitude over the valid rows of a pass, divided by their mean: the score of ReDo.
at::Tensor dormancyOf(const SiteTap& tap, const at::Tensor& valid) {
    // Some passes end before the rows of the last observation.
    const std::int64_t count = std::min(tap.hidden.size(0), valid.size(0));
    const at::Tensor hidden = tap.hidden.narrow(0, 0, count).abs();
    const at::Tensor rows = valid.narrow(0, 0, count).unsqueeze(1) != 0.F;
    const at::Tensor mean = at::where(rows, hidden, at::zeros_like(hidden)).sum(0) / rows.sum();
    return mean / (mean.mean() + 1e-9);
}

} // namespace

void describe(FieldVisitor& visitor, NeuroplasticExpansionConfig& config) {
    const Range share{.low = 0.0, .high = 1.0};
    visitor.field("initial_sparsity", config.initialSparsity, {"share of every matrix that is inactive at first"},
                  {.low = 0.0, .high = 0.99});
    visitor.field("final_sparsity", config.finalSparsity, {"share that stays inactive"}, {.low = 0.0, .high = 0.99});
    visitor.field("every", config.every, {"between two changes of the connections", "updates"}, {.low = 1.0});
    visitor.choice("schedule", config.schedule, {"how the shares below fall over a run"}, {"cosine", "constant"});
    visitor.field("anneal", config.anneal, {"until a cosine schedule ends", "updates"}, {.low = 1.0});
    visitor.field("growth", config.growth, {"share of all that is to be grown, per change; 0.008 if constant"}, share);
    visitor.field("pruned", config.pruned, {"connections pruned for each one grown"}, {.low = 0.0, .high = 0.99});
    visitor.field("exchange", config.exchange, {"share of the active connections exchanged per change, once grown"},
                  share);
    visitor.choice("prune", config.prune, {"smallest weights, or first those into dormant units"},
                   {"magnitude", "dormancy"});
    visitor.field("dormant_below", config.dormantBelow, {"mean activation, relative to the layer's, of dormant units"},
                  {.low = 0.0});
    visitor.choice("new_weights", config.newWeights, {"values of grown connections; zero changes no output"},
                   {"zero", "lecun"});
    describe(visitor, config.scope);
}

NeuroplasticExpansion::NeuroplasticExpansion(NeuroplasticExpansionConfig config, const FactorizedNet& net)
    : BlockIntervention(
          {net, StepBlocks::Layout::Parameters, StepBlocks::Storage::AllAsBits, choiceOf(config.scope, net)}),
      m_config(std::move(config)),
      m_net(net) {
    thin();
}

UpdateListener::Wishes NeuroplasticExpansion::wishes(std::int64_t update) const {
    return {.activations = m_config.prune == "dormancy" && isDue(update)};
}

void NeuroplasticExpansion::thin() {
    for (const StepBlocks::Block& block : blocks().follow()) {
        for (const StepBlocks::Target& target : block.targets) {
            const at::Tensor free = target.mask != 0.F;
            const std::int64_t inactive = shareOf(m_config.initialSparsity, countOf(free));
            activeOf(block, target).flatten().index_fill_(0, smallest(target.value.abs(), free, inactive), 0.F);
        }
    }
}

bool NeuroplasticExpansion::restore(std::string_view saved) {
    if (!saved.empty()) {
        return blocks().restore(saved);
    }
    for (const StepBlocks::Block& block : blocks().follow()) {
        if (block.memory.defined()) {
            block.memory.fill_(1.F);
        }
    }
    thin();
    return true;
}

double NeuroplasticExpansion::sparsity() {
    std::int64_t inactive = 0;
    std::int64_t all = 0;
    for (const StepBlocks::Block& block : blocks().follow()) {
        for (const StepBlocks::Target& target : block.targets) {
            const at::Tensor free = target.mask != 0.F;
            all += countOf(free);
            inactive += countOf(free.logical_and(activeOf(block, target) == 0.F));
        }
    }
    return all > 0 ? static_cast<double>(inactive) / static_cast<double>(all) : 0.0;
}

double NeuroplasticExpansion::shareAt(double most, std::int64_t update) const {
    if (m_config.schedule == "constant") {
        return most;
    }
    const double done = static_cast<double>(update) / static_cast<double>(m_config.anneal);
    return done >= 1.0 ? 0.0 : most / 2.0 * (1.0 + std::cos(std::numbers::pi * done));
}

void NeuroplasticExpansion::unmasked(const UpdateMoment& moment) {
    const std::vector<StepBlocks::Block>& present = blocks().follow();
    m_gradients.assign(isDue(moment.update) ? present.size() : 0, {});
    for (std::size_t i = 0; i < present.size(); ++i) {
        if (present[i].targets.empty()) {
            continue;
        }
        if (!m_gradients.empty()) {
            m_gradients[i] = present[i].block->grad.clone();
        }
        discard(present[i].memory, present[i].block->grad);
    }
}

void NeuroplasticExpansion::stepped(const UpdateMoment& moment) {
    const std::vector<StepBlocks::Block>& present = blocks().follow();
    for (std::size_t i = 0; i < present.size(); ++i) {
        for (const StepBlocks::Target& target : present[i].targets) {
            if (!m_gradients.empty()) {
                const at::Tensor flat = m_gradients[i].narrow(0, target.offset, target.size());
                exchange(moment, present[i], target, flat.view(target.value.sizes()));
            }
        }
        if (!present[i].targets.empty()) {
            clearInactive(present[i]);
        }
    }
    m_gradients.clear();
}

void NeuroplasticExpansion::exchange(const UpdateMoment& moment, const StepBlocks::Block& block,
                                     const StepBlocks::Target& target, const at::Tensor& gradient) {
    const at::Tensor active = activeOf(block, target);
    const at::Tensor free = target.mask != 0.F;
    const at::Tensor prunable = free.logical_and(active != 0.F);
    const at::Tensor growable = free.logical_and(active == 0.F);
    const std::int64_t all = countOf(free);
    const std::int64_t inactive = countOf(growable);
    const std::int64_t missing = inactive - shareOf(m_config.finalSparsity, all);
    std::int64_t grown = 0;
    std::int64_t pruned = 0;
    if (missing > 0) {
        const auto space = std::max<std::int64_t>(shareOf(m_config.initialSparsity, all) - (inactive - missing), 0);
        grown =
            static_cast<std::int64_t>(std::ceil(shareAt(m_config.growth, moment.update) * static_cast<double>(space)));
        pruned = shareOf(m_config.pruned, grown);
        grown = std::min(grown, missing + pruned);
    } else {
        pruned = grown = shareOf(shareAt(m_config.exchange, moment.update), all - inactive);
    }
    // What was pruned just now is not grown again: there must be as many others.
    grown = std::min(grown, inactive);
    pruned = std::min({pruned, grown, all - inactive});
    if (grown == 0) {
        return;
    }
    const at::Tensor leaving = smallest(pruningScore(moment, target), prunable, pruned);
    const at::Tensor coming = smallest(-gradient.abs(), growable, grown);
    begin(moment, target, coming);
    active.flatten().index_fill_(0, leaving, 0.F);
    active.flatten().index_fill_(0, coming, 1.F);
}

at::Tensor NeuroplasticExpansion::pruningScore(const UpdateMoment& moment, const StepBlocks::Target& target) const {
    const at::Tensor magnitude = target.value.abs();
    const auto& sites = m_net.sites().all();
    const auto site = std::ranges::find(sites, target.parameter, &Site::weight);
    if (m_config.prune == "magnitude" || moment.taps == nullptr || site == sites.end()) {
        return magnitude;
    }
    const SiteTap& tap = (*moment.taps)[static_cast<std::size_t>(site - sites.begin())];
    if (!tap.hidden.defined()) {
        return magnitude;
    }
    const at::Tensor live = dormancyOf(tap, moment.rows->of(site->scope)) > m_config.dormantBelow;
    // Any weight into a dormant unit scores below any other.
    return magnitude + live.to(at::kFloat).unsqueeze(1) * (magnitude.max() + 1.0);
}

void NeuroplasticExpansion::begin(const UpdateMoment& moment, const StepBlocks::Target& target,
                                  const at::Tensor& grown) const {
    at::Tensor values = at::zeros({grown.numel()}, at::kFloat);
    if (m_config.newWeights == "lecun") {
        // A normal distribution cut off at two deviations, which are then that much too small.
        constexpr double kCutDeviation = 0.87962566103423978;
        const double deviation = std::sqrt(1.0 / static_cast<double>(target.value.size(-1))) / kCutDeviation;
        const std::string name = "neuroplastic_expansion/" + target.parameter->name;
        CounterRng rng({m_net.spec().seed, name, static_cast<std::uint64_t>(moment.update)});
        for (std::int64_t i = 0; i < values.numel(); ++i) {
            double draw = rng.normal();
            while (std::abs(draw) > 2.0) {
                draw = rng.normal();
            }
            values.data_ptr<float>()[i] = static_cast<float>(deviation * draw);
        }
    }
    const auto flat = [](const at::Tensor& tensor) {
        return tensor.detach().view({-1});
    };
    flat(target.value).index_copy_(0, grown, values.to(target.value.device()));
    // RMSprop's first step from an empty second moment would be ten times an ordinary one.
    const at::Tensor second = flat(target.parameter->moment2);
    const at::Tensor known = second.masked_select(second > 0.F);
    const double mean = known.numel() > 0 ? known.mean().item<double>() : 0.0;
    second.index_fill_(0, grown, mean);
}

Result<std::unique_ptr<Intervention>> makeNeuroplasticExpansion(const Section& section, const FactorizedNet& net) {
    const auto config = readMethod<NeuroplasticExpansionConfig>(section);
    if (!config) {
        return tl::unexpected(config.error());
    }
    if (auto known = checkScope(section, config->scope, net); !known) {
        return tl::unexpected(known.error());
    }
    if (config->finalSparsity > config->initialSparsity) {
        return tl::unexpected(section.errorAt("final_sparsity", "a network that grows cannot end sparser than it "
                                                                "begins; lower it or raise initial_sparsity"));
    }
    return std::make_unique<NeuroplasticExpansion>(*config, net);
}

} // namespace knife
