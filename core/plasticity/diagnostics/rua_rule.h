// SPDX-License-Identifier: GPL-3.0-or-later
// How the relative update activity of a unit is reckoned. The abstract of KNIFE (arXiv 2606.25335) says what a stagnant
// unit is, not how it is measured; the defaults are those of public re-implementations, everything else is an option.
//
// With g the gradient of a unit's incoming row w before clipping, c the factor of clipping, D the step that the
// optimiser took and e = 1e-8, one update's activity is
//
//   grad_preclip   ||g|| / (||w|| + e)      grad_postclip   c ||g|| / (||w|| + e)
//   step           ||D|| / (||w|| + e), w before the step
//   saliency       |g . w|                   invariant       ||g|| ||w||
//
// The last two do not change when a ReLU unit's row is multiplied and its outgoing weights are divided by one factor.
#pragma once

#include <cstdint>
#include <vector>

#include "core/config/experiment.h"

namespace knife {

struct RuaRule {
    enum class Signal : std::uint8_t { GradPreclip, GradPostclip, Step, Saliency, Invariant };
    enum class Average : std::uint8_t {
        MeanOfNorms,
        NormOfMean, ///< norm of the mean of g / (||w|| + e), …: low for a unit whose gradients cancel over time
    };
    enum class Normaliser : std::uint8_t { Mean, Median, TrimmedMean10 };
    enum class Window : std::uint8_t { Window, Ema, Lifetime, SinceTaskStart, SinceSurgery };

    Signal signal = Signal::GradPreclip;
    Average average = Average::MeanOfNorms;
    Normaliser normaliser = Normaliser::Mean;
    Window window = Window::Window;
    bool includeBias = false;
    double beta = 0.99;
};

/// The words of the configuration are known to be good.
[[nodiscard]] RuaRule ruaRule(const DiagnosticsConfig& config);

/// One update's activity of a unit from norms over what counts as its row, and from g . w.
[[nodiscard]] double activityOf(const RuaRule& rule, double signalNorm, double weightNorm, double product, double clip);
/// By what the signal of one update is multiplied before it is averaged as a vector.
[[nodiscard]] double vectorFactor(const RuaRule& rule, double weightNorm, double clip);

/// Divides by the layer's value that the rule names, over measured units; NaN stays NaN. A layer whose value is 0 is
/// divided by 1e-12: units without activity get 0.
void normalise(RuaRule::Normaliser normaliser, std::vector<float>& values);

} // namespace knife
