// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/plasticity/interventions/shrink_and_perturb.h"

#include <utility>

#include <ATen/ATen.h>

#include "core/config/method_section.h"
#include "core/plasticity/operations/source_values.h"

namespace knife {

namespace {

constexpr const char* kMethod = "shrink_and_perturb";

bool readsInitial(const ShrinkAndPerturbConfig& config) {
    return config.mode == "every_update" && config.source == "initial";
}

} // namespace

void describe(FieldVisitor& visitor, ShrinkAndPerturbConfig& config) {
    visitor.choice("mode", config.mode, {"when triggered, or one of two forms that act in every update"},
                   {"interval", "every_update", "decay_and_noise"});
    describe(visitor, config.when);
    describe(visitor, config.where);
    describe(visitor, config.policy);
    visitor.choice("source", config.source, {"a new draw each time, or the values the run began with"},
                   {"fresh", "initial"});
    visitor.field("keep", config.keep, {"factor on the weights, for mode \"interval\"; the source gets the rest"},
                  {0, 1});
    visitor.field("shrink", config.shrink, {"what weights lose in every update, for mode \"every_update\""}, {0, 1});
    visitor.field("perturb", config.perturb, {"factor on the source, for mode \"every_update\""}, {0, 1});
    visitor.field("decay", config.decay, {"weight decay times learning rate, for mode \"decay_and_noise\""}, {0, 1e6});
    visitor.field("sigma", config.sigma, {"standard deviation of the noise, for mode \"decay_and_noise\""}, {0, 10});
}

ShrinkAndPerturb::ShrinkAndPerturb(ShrinkAndPerturbConfig config, const FactorizedNet& net)
    : m_config(std::move(config)),
      m_net(net),
      m_isInterval(m_config.mode == "interval"),
      m_modules(modulesOf(m_config.where, net.parameters())) {
    if (!m_isInterval) {
        m_config.when.trigger = "manual";
    }
    if (readsInitial(m_config)) {
        m_initial = sourceNet(net, net.spec().seed);
    }
}

SurgeryPlan ShrinkAndPerturb::propose(const InterventionView&) const {
    SurgeryPlan plan;
    plan.intervention = kMethod;
    plan.operation = "blend";
    plan.optimiser = optimiserPolicy(m_config.policy);
    plan.target = targetPolicy(m_config.policy);
    if (m_isInterval) {
        const BlendSettings settings{
            .keep = m_config.keep, .share = 1.0 - m_config.keep, .sigma = 0.0, .source = m_config.source};
        plan.settings = writeSection("", settings).toToml();
        plan.modules = m_modules;
    }
    return plan;
}

void ShrinkAndPerturb::stepped(const UpdateMoment& moment) {
    const std::uint64_t seed = m_net.spec().seed;
    const bool noise = m_config.mode == "decay_and_noise";
    BlendSettings settings{.keep = 1.0 - m_config.shrink, .share = m_config.perturb};
    std::unique_ptr<FactorizedNet> fresh;
    if (noise) {
        settings = {.keep = 1.0 - moment.lr * m_config.decay, .share = 0.0, .sigma = m_config.sigma};
    } else if (!m_initial) {
        fresh = sourceNet(m_net, freshSeed(seed, kMethod, moment.update));
    }
    // Without a share nothing is read of the source, whatever it is.
    const ParameterSet& source = fresh ? fresh->parameters() : m_initial ? m_initial->parameters() : m_net.parameters();
    blendValues(moment.parameters, blendable(m_net, m_modules), source, settings,
                CounterRng({seed, "shrink_and_perturb/noise", static_cast<std::uint64_t>(moment.update)}));
}

Result<std::unique_ptr<Intervention>> makeShrinkAndPerturb(const Section& section, const FactorizedNet& net) {
    auto config = readMethod<ShrinkAndPerturbConfig>(section);
    if (!config) {
        return tl::unexpected(config.error());
    }
    if (auto known = checkScope(section, config->where, net.parameters()); !known) {
        return tl::unexpected(known.error());
    }
    return std::make_unique<ShrinkAndPerturb>(std::move(*config), net);
}

} // namespace knife
