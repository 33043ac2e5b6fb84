// SPDX-License-Identifier: GPL-3.0-or-later
// The head of implicit quantile networks (Dabney et al. 2018): the quantile of any fraction tau of the return of every
// action, from what an agent remembers (h).
//   phi(tau) = relu( Lin( cos(pi i tau), i = 0 … C - 1 ) )
//   Z(h, u, tau) = Lin( h * phi(tau) )_u
// The last layer is linear, so Z(h, u, tau) = (h * W_u) . phi(tau) + b_u: at chosen actions, and for means over fixed
// fractions, that form asks for a fraction of the work and is the one computed.
#pragma once

#include <cstdint>

#include "core/nets/mixers/mixer.h"

namespace knife {

class IqnHead {
  public:
    /// Declares `mixer.phi.weight/bias` and `mixer.head.weight/bias`; registers the watched site `mixer.phi`.
    IqnHead(std::int64_t cosines, const MixerShape& shape, const MixerMaterials& materials);

    /// hidden [R, N, H], actions [R, N], fractions [R, G, K] of G groups of N / G agents -> Z [R, N, K]. A row of the
    /// site is the mean over the fractions of one step of one episode.
    [[nodiscard]] at::Tensor chosen(const at::Tensor& hidden, const at::Tensor& actions, const at::Tensor& fractions,
                                    SiteTaps* taps) const;
    /// Means over the fractions [K] of the quantiles of every action: hidden [..., H] -> [..., A].
    [[nodiscard]] at::Tensor means(const at::Tensor& hidden, const at::Tensor& fractions) const;

    /// Of one row with `groups` sets of `quantiles` fractions.
    [[nodiscard]] double flopsPerRow(std::int64_t groups, std::int64_t quantiles) const;
    [[nodiscard]] double inputFlopsPerRow(std::int64_t groups, std::int64_t quantiles) const;

  private:
    /// phi(tau): [...] -> [..., H].
    [[nodiscard]] at::Tensor embed(const at::Tensor& fractions) const;

    MixerShape m_shape;
    std::int64_t m_cosines;
    Parameter* m_phi;
    Parameter* m_phiBias;
    Parameter* m_head;
    Parameter* m_headBias;
    std::size_t m_site;
};

} // namespace knife
