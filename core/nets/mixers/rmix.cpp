// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/nets/mixers/rmix.h"

#include <cmath>
#include <tuple>

#include <ATen/ATen.h>

#include "core/nets/initialise.h"
#include "core/nets/mixers/quantile_loss.h"
#include "core/nets/mixers/sorted_rows.h"

namespace knife {

namespace {

constexpr double kSmallest = 1e-12; // keeps a mixture of nothing finite

Parameter* declare(const MixerMaterials& materials, const std::string& part, const std::vector<std::int64_t>& sizes,
                   std::int64_t fanIn) {
    return declareUniform(materials.parameters, "mixer.risk." + part, sizes, fanIn, materials.seed);
}

} // namespace

void describe(FieldVisitor& visitor, RmixConfig& config) {
    visitor.field("atoms", config.atoms, {"quantiles of the return of each action"}, {1, 1024});
    visitor.field("risk_levels", config.levels, {"levels of risk that an agent moves between"}, {1, 1024});
    visitor.field("risk_level", config.riskLevel,
                  {"fixed share of lowest returns that actions are chosen by; 0: each agent's own, by a score that is "
                   "not trained"},
                  {0.0, 1.0});
    visitor.field("distribution_coefficient", config.distributionCoefficient,
                  {"weight of the loss of the mixture of distributions; the released code has a second optimiser "
                   "instead, at a tenth of the learning rate"},
                  {0.0, 1e6});
    visitor.field("distribution_start", config.distributionStart,
                  {"first update with that loss; the released code counts 100000 env steps", "updates"}, {0, 1e12});
    visitor.field("distribution_interval", config.distributionInterval,
                  {"updates from one with that loss to the next; the released code counts 1000 env steps", "updates"},
                  {1, 1e12});
    describe(visitor, config.mixing);
}

RmixMixer::RmixMixer(const RmixConfig& config, const MixerShape& shape, const MixerMaterials& materials)
    : m_config(config),
      m_shape(shape),
      m_mixing(config.mixing, shape, materials, "mixer"),
      m_mixture(materials, "mixer.mixture", {shape.state, {config.mixing.hypernetEmbed}, shape.agents}),
      m_risk{.gruInput = declare(materials, "gru.input.weight", {3 * shape.hidden, shape.hidden}, shape.hidden),
             .gruRecurrent = declare(materials, "gru.recurrent.weight", {3 * shape.hidden, shape.hidden}, shape.hidden),
             .gruInputBias = declare(materials, "gru.input.bias", {3 * shape.hidden}, shape.hidden),
             .gruRecurrentBias = declare(materials, "gru.recurrent.bias", {3 * shape.hidden}, shape.hidden),
             .history =
                 declare(materials, "history.weight", {shape.agents * config.levels, shape.hidden}, shape.hidden),
             .current = declare(materials, "current.weight", {shape.agents, shape.actions * config.atoms},
                                shape.actions * config.atoms)} {}

MixerNeeds RmixMixer::needs() const {
    return {.valuesPerAction = m_config.atoms, .hidden = true, .inputs = false, .furtherAgents = {}};
}

at::Tensor RmixMixer::riskLevels(const at::Tensor& outputs, const at::Tensor& hidden, at::Tensor& memory) const {
    const at::NoGradGuard noGrad;
    const at::Tensor before =
        memory.defined() ? memory : at::zeros({1, hidden.size(1), m_shape.hidden}, hidden.options());
    at::Tensor remembered;
    std::tie(remembered, memory) =
        at::gru(hidden, before,
                {m_risk.gruInput->value, m_risk.gruRecurrent->value, m_risk.gruInputBias->value,
                 m_risk.gruRecurrentBias->value},
                /*has_biases=*/true, /*num_layers=*/1, /*dropout=*/0.0, /*train=*/false, /*bidirectional=*/false,
                /*batch_first=*/false);
    const at::Tensor current = at::linear(outputs, m_risk.current->value); // [T, rows, N]
    const at::Tensor history = at::linear(remembered, m_risk.history->value)
                                   .view({hidden.size(0), hidden.size(1), m_shape.agents, m_config.levels});
    const at::Tensor score = (current.unsqueeze(3) * history).sum(2) / std::sqrt(static_cast<double>(m_shape.hidden));
    return score.argmax(-1);
}

at::Tensor RmixMixer::tailCounts(const at::Tensor& outputs, const at::Tensor& hidden, at::Tensor& memory) const {
    const at::NoGradGuard noGrad;
    const at::Tensor alpha =
        m_config.riskLevel > 0.0
            ? at::full({outputs.size(0), outputs.size(1)}, m_config.riskLevel, outputs.options().dtype(at::kDouble))
            : (riskLevels(outputs, hidden, memory) + 1).to(at::kDouble) / m_config.levels;
    // A share like 0.07 of 100 must not become 8 atoms by rounding.
    return at::ceil(alpha * m_config.atoms - 1e-9).clamp_min(1.0).to(at::kLong);
}

at::Tensor RmixMixer::chosenAtoms(const JointView& view) const {
    const std::int64_t atoms = m_config.atoms;
    const at::Tensor all = view.outputs.reshape({-1, m_shape.agents, view.outputs.size(2) / atoms, atoms});
    const at::Tensor index = view.actions.unsqueeze(2).unsqueeze(3).expand({-1, -1, 1, atoms});
    return sortedRows(all.gather(2, index).squeeze(2));
}

at::Tensor RmixMixer::mixTails(const JointView& view, const at::Tensor& atoms, SiteTaps* taps) const {
    const auto inTime = [&](const at::Tensor& rows) {
        return rows.detach().reshape({view.steps, view.episodes * m_shape.agents, -1});
    };
    at::Tensor memory; // every view starts at the first step
    const at::Tensor counts = tailCounts(inTime(view.outputs), inTime(view.hidden), memory).view({-1, m_shape.agents});
    const at::Tensor n = counts.unsqueeze(2);
    const at::Tensor inTail = at::arange(m_config.atoms, n.options()) < n;
    const at::Tensor tails = (atoms * inTail).sum(2) / counts; // C_a(u_a)
    return m_mixing.mix(tails, view.state, taps);
}

at::Tensor RmixMixer::mixture(const JointView& view, const at::Tensor& atoms, SiteTaps* taps) const {
    const at::Tensor weights = m_mixture.forward(view.state, taps).abs();
    const at::Tensor share = weights / weights.sum(1, /*keepdim=*/true).clamp_min(kSmallest);
    return (share.unsqueeze(2) * atoms).sum(1);
}

at::Tensor RmixMixer::mix(const JointView& view, SiteTaps* taps) const {
    return mixTails(view, chosenAtoms(view), taps);
}

at::Tensor RmixMixer::bootstrap(const JointView& view) const {
    const at::Tensor atoms = chosenAtoms(view);
    return at::cat({mixTails(view, atoms, nullptr), mixture(view, atoms, nullptr)}, 1);
}

MixerLoss RmixMixer::loss(const LossInput& input, SiteTaps* taps) const {
    const at::Tensor atoms = chosenAtoms(input.online);
    const at::Tensor qTot = mixTails(input.online, atoms, taps);
    const at::Tensor y = input.targets.slice(1, 0, 1);
    MixerLoss loss{
        .total = ((qTot - y).square() * input.weights).sum(), .joint = qTot.detach(), .compared = y.contiguous()};
    // The mixture is evaluated on every update, so that its site is always measured.
    const at::Tensor z = mixture(input.online, atoms, taps);
    if (input.update >= m_config.distributionStart && input.update % m_config.distributionInterval == 0) {
        const at::Tensor tau = midpoints(m_config.atoms).to(z.device()).expand_as(z);
        const at::Tensor perRow = quantileHuber(z, tau, input.targets.slice(1, 1)).unsqueeze(1);
        loss.total = loss.total + m_config.distributionCoefficient * (perRow * input.weights).sum();
    }
    return loss;
}

at::Tensor RmixMixer::actionValues(const at::Tensor& outputs, const at::Tensor& hidden, at::Tensor& memory) const {
    const at::NoGradGuard noGrad;
    const std::int64_t actions = outputs.size(2) / m_config.atoms;
    const at::Tensor atoms = outputs.reshape({outputs.size(0), outputs.size(1), actions, m_config.atoms});
    const at::Tensor counts = tailCounts(outputs, hidden, memory).unsqueeze(2).expand({-1, -1, actions});
    return tailMeans(atoms, counts);
}

double RmixMixer::inputFlopsPerRow() const {
    return m_mixing.inputFlopsPerRow() + m_mixture.inputFlopsPerRow();
}

double RmixMixer::flopsPerRow() const {
    const std::int64_t gru = 6 * m_shape.hidden * m_shape.hidden;
    const std::int64_t current = m_shape.actions * m_config.atoms * m_shape.agents;
    const std::int64_t history = m_shape.hidden * m_shape.agents * m_config.levels;
    const std::int64_t tailsAndMixture = 2 * m_config.atoms;
    return m_mixing.flopsPerRow() + m_mixture.flopsPerRow() +
           2.0 * static_cast<double>(m_shape.agents * (gru + current + history + tailsAndMixture));
}

} // namespace knife
