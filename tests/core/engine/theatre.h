// SPDX-License-Identifier: GPL-3.0-or-later
// A learner in training whose networks are operated on, for tests of surgeries and interventions.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/plasticity/surgeon.h"
#include "engine_fixtures.h"

namespace knife::test {

struct Theatre {
    Setup setup;
    std::unique_ptr<Learner> learner;
    Surgeon surgeon;
    std::vector<int> lengths = {4, 7, 2, 5};
    std::uint64_t trained = 0;

    explicit Theatre(const Setup& setup_)
        : setup(setup_),
          learner(setup.learner()),
          surgeon(learner->online(), learner->target(), 11, readBy(setup, *learner)) {}
    /// What the sites of a network read over a fixed batch of 40 episodes.
    [[nodiscard]] static SiteInputsOf readBy(const Setup& setup, const Learner& learner);

    [[nodiscard]] Batch batch(std::uint64_t number) const {
        return setup.batch(randomEpisodes(setup.spec, lengths, number));
    }
    void train(int updates, const UpdateListeners& listeners = {});
    /// Throws what the surgeon refuses.
    std::vector<SiteReceipt> operate(const SurgeryPlan& plan, std::int64_t event);
    /// The same, and how the outputs on a held batch changed.
    OutputChange measure(const SurgeryPlan& plan, std::int64_t event);

    [[nodiscard]] FactorizedNet& online() const { return learner->online(); }
    [[nodiscard]] FactorizedNet& target() const { return learner->target(); }
    [[nodiscard]] CompositeLinear& layer(const std::string& site) const {
        return *siteNamed(learner->online(), site).composite;
    }
    /// Sites that accept composites in a hidden layer.
    [[nodiscard]] std::vector<const Site*> willing() const;
};

/// Far steps between surgeries.
[[nodiscard]] Setup brisk(const std::string& kind = "rnn",
                          const std::string& mixer = "method = \"qmix\"\nembed = 8\nhypernet_embed = 12");

[[nodiscard]] std::string complaint(const OutputChange& change, const std::string& where);

/// A theatre with the weights of a trained one, in which gradients can be compared with slopes: no steps, no clipping,
/// a loss that does not jump.
[[nodiscard]] Theatre measuringRoom(const Theatre& trained);
/// Where a parameter's gradient of the last update on this batch is not the slope of the loss; empty: it is.
[[nodiscard]] std::string wrongSlope(const Theatre& theatre, const Parameter& parameter, const Batch& batch);

/// Operates and says what of it can be seen from outside; empty: not one bit.
[[nodiscard]] std::string whatChanges(Theatre& theatre, const SurgeryPlan& plan, std::int64_t event);

} // namespace knife::test
