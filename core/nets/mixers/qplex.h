// SPDX-License-Identifier: GPL-3.0-or-later
// QPLEX (Wang et al. 2021): a duplex duelling network that represents every value function whose joint greedy action
// is made of the agents' own. With w = |Hyp_w(s)| + 1e-10 and v = Hyp_v(s) in R^N:
//   Q_a = w_a q_a(u_a) + v_a,   V_a = w_a max_u q_a(u) + v_a,   A_a = Q_a - V_a <= 0
//   lambda_a(s, u) = sum_k (|key_k(s)| + 1e-10) sigmoid(agents_k(s))_a sigmoid(action_k(s, u))_a > 0
//   Q_tot = sum_a Q_a + sum_a A_a (lambda_a - 1) = sum_a V_a + sum_a lambda_a A_a
// From the released code: the maximum is taken over available actions and carries no gradient, A_a carries none where
// it meets lambda, and the loss is half the squared error. A target network takes its own maximum.
#pragma once

#include <memory>
#include <vector>

#include "core/nets/mixers/feed_forward.h"
#include "core/nets/mixers/mixer.h"

namespace knife {

struct QplexConfig {
    std::int64_t hypernetEmbed = 64;
    std::int64_t numKernel = 4;         ///< K; the paper's matrix games use 10
    std::int64_t advHypernetLayers = 1; ///< of key, agents and action nets; PyMARL2: 2, matrix games: 3
    std::int64_t advHypernetEmbed = 64;
    bool weightedHead = true;   ///< false: Q_a = q_a
    bool isMinusOne = true;     ///< false: A_a lambda_a is added to sum_a Q_a
    bool isStopGradient = true; ///< A_a carries no gradient where it meets lambda
};
void describe(FieldVisitor& visitor, QplexConfig& config);

class QplexMixer final : public Mixer {
  public:
    QplexMixer(const QplexConfig& config, const MixerShape& shape, const MixerMaterials& materials);
    [[nodiscard]] at::Tensor mix(const JointView& view, SiteTaps* taps) const override;
    [[nodiscard]] double lossFactor() const override { return 0.5; }
    [[nodiscard]] std::unique_ptr<MixKernel> makeKernel(WorkerPool& pool) const override;
    [[nodiscard]] double flopsPerRow() const override;
    [[nodiscard]] double inputFlopsPerRow() const override;

    /// The three nets of one attention kernel.
    struct Extractors {
        FeedForward key;
        FeedForward agents;
        FeedForward action;
    };
    [[nodiscard]] const QplexConfig& config() const { return m_config; }
    [[nodiscard]] std::int64_t agents() const { return m_agents; }
    [[nodiscard]] std::int64_t actions() const { return m_actions; }
    [[nodiscard]] std::int64_t state() const { return m_state; }
    [[nodiscard]] const FeedForward& w() const { return m_w; }
    [[nodiscard]] const FeedForward& v() const { return m_v; }
    [[nodiscard]] const std::vector<Extractors>& extractors() const { return m_extractors; }
    /// Keeps weights positive, as released.
    static constexpr double kTiny = 1e-10;

  private:
    /// lambda [R, N].
    [[nodiscard]] at::Tensor importance(const JointView& view, SiteTaps* taps) const;

    QplexConfig m_config;
    std::int64_t m_agents;
    std::int64_t m_actions;
    std::int64_t m_state;
    FeedForward m_w;
    FeedForward m_v;
    std::vector<Extractors> m_extractors;
};

} // namespace knife
