// SPDX-License-Identifier: GPL-3.0-or-later
// Linear -> ReLU -> … -> Linear, the part that all mixers are made of: hypernetworks, key and query nets, central
// value functions. Every hidden layer is a site; the first one accepts composites.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/nets/mixers/mixer.h"

namespace knife {

class FeedForward {
  public:
    struct Shape {
        std::int64_t in = 0;
        std::vector<std::int64_t> hidden; ///< widths; empty: one linear layer
        std::int64_t out = 0;
        SiteScope scope = SiteScope::Mixer; ///< what one row is
    };

    /// Declares `<name>.weight/bias`, then `<name>.fc2…`, and `<name>.out` behind the last hidden layer.
    FeedForward(const MixerMaterials& materials, const std::string& name, Shape shape);

    /// x [rows, in] -> [rows, out].
    [[nodiscard]] at::Tensor forward(const at::Tensor& x, SiteTaps* taps) const;

    [[nodiscard]] double flopsPerRow() const;
    [[nodiscard]] double inputFlopsPerRow() const;

    /// Layers for a fast path: the composite pair (nullptr without hidden layers), then plain ones.
    [[nodiscard]] const CompositeLinear* first() const { return m_first.get(); }
    [[nodiscard]] std::size_t firstSite() const { return m_firstSite; }
    struct Layer {
        Parameter* weight = nullptr;
        Parameter* bias = nullptr;
        std::size_t site = 0; ///< of the ReLU before this layer
    };
    [[nodiscard]] const std::vector<Layer>& layers() const { return m_layers; }

  private:
    Shape m_shape;
    std::unique_ptr<CompositeLinear> m_first; ///< sites hold its address
    std::size_t m_firstSite = 0;
    std::vector<Layer> m_layers;
};

} // namespace knife
