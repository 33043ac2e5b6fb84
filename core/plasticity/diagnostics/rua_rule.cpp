// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/plasticity/diagnostics/rua_rule.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <string_view>
#include <utility>

namespace knife {

namespace {

constexpr double kEpsilon = 1e-8;
constexpr double kTiny = 1e-12; // of the public re-implementations of RUA

template <typename Choice, std::size_t N>
Choice chosen(const std::string& word, const std::array<std::pair<std::string_view, Choice>, N>& choices) {
    const auto found = std::ranges::find(choices, word, &std::pair<std::string_view, Choice>::first);
    return found != choices.end() ? found->second : choices.front().second;
}

double meanOf(const std::vector<double>& sorted, std::size_t leftOut) {
    const auto first = sorted.begin() + static_cast<std::ptrdiff_t>(leftOut);
    const auto last = sorted.end() - static_cast<std::ptrdiff_t>(leftOut);
    return std::accumulate(first, last, 0.0) / static_cast<double>(last - first);
}

double layerValue(RuaRule::Normaliser normaliser, std::vector<double> values) {
    if (values.empty()) {
        return 0.0;
    }
    const std::size_t n = values.size();
    if (normaliser == RuaRule::Normaliser::Mean) {
        return meanOf(values, 0); // in the order of the units
    }
    std::ranges::sort(values);
    // The median of an even number is the mean of the two in the middle.
    return meanOf(values, normaliser == RuaRule::Normaliser::Median ? (n - 1) / 2 : n / 10);
}

} // namespace

RuaRule ruaRule(const DiagnosticsConfig& config) {
    using Signal = RuaRule::Signal;
    using Average = RuaRule::Average;
    using Normaliser = RuaRule::Normaliser;
    using Window = RuaRule::Window;
    constexpr std::array<std::pair<std::string_view, Signal>, 5> kSignals{{{"grad_preclip", Signal::GradPreclip},
                                                                           {"grad_postclip", Signal::GradPostclip},
                                                                           {"step", Signal::Step},
                                                                           {"saliency", Signal::Saliency},
                                                                           {"invariant", Signal::Invariant}}};
    constexpr std::array<std::pair<std::string_view, Average>, 2> kAverages{
        {{"mean_of_norms", Average::MeanOfNorms}, {"norm_of_mean", Average::NormOfMean}}};
    constexpr std::array<std::pair<std::string_view, Normaliser>, 3> kNormalisers{
        {{"mean", Normaliser::Mean}, {"median", Normaliser::Median}, {"trimmed_mean_10", Normaliser::TrimmedMean10}}};
    constexpr std::array<std::pair<std::string_view, Window>, 5> kWindows{{{"window", Window::Window},
                                                                           {"ema", Window::Ema},
                                                                           {"lifetime", Window::Lifetime},
                                                                           {"since_task_start", Window::SinceTaskStart},
                                                                           {"since_surgery", Window::SinceSurgery}}};
    return {.signal = chosen(config.ruaSignal, kSignals),
            .average = chosen(config.ruaAverage, kAverages),
            .normaliser = chosen(config.ruaNormaliser, kNormalisers),
            .window = chosen(config.ruaWindow, kWindows),
            .includeBias = config.ruaIncludeBias,
            .beta = config.ruaBeta};
}

double vectorFactor(const RuaRule& rule, double weightNorm, double clip) {
    switch (rule.signal) {
    case RuaRule::Signal::GradPreclip:
    case RuaRule::Signal::Step:
        return 1.0 / (weightNorm + kEpsilon);
    case RuaRule::Signal::GradPostclip:
        return clip / (weightNorm + kEpsilon);
    case RuaRule::Signal::Invariant:
        return weightNorm;
    case RuaRule::Signal::Saliency:
        break; // a number, not a vector
    }
    return 1.0;
}

double activityOf(const RuaRule& rule, double signalNorm, double weightNorm, double product, double clip) {
    switch (rule.signal) {
    case RuaRule::Signal::GradPreclip:
    case RuaRule::Signal::Step:
        return signalNorm / (weightNorm + kEpsilon);
    case RuaRule::Signal::GradPostclip:
        return clip * signalNorm / (weightNorm + kEpsilon);
    case RuaRule::Signal::Saliency:
        return std::abs(product);
    case RuaRule::Signal::Invariant:
        break;
    }
    return signalNorm * weightNorm;
}

void normalise(RuaRule::Normaliser normaliser, std::vector<float>& values) {
    std::vector<double> measured;
    for (const float value : values) {
        if (!std::isnan(value)) {
            measured.push_back(static_cast<double>(value));
        }
    }
    double by = layerValue(normaliser, measured);
    if (by <= 0.0) { // half of the units or more receive nothing: by 0 all others would be endlessly active
        by = layerValue(RuaRule::Normaliser::Mean, std::move(measured));
    }
    by = std::max(by, kTiny);
    for (float& value : values) {
        value = static_cast<float>(static_cast<double>(value) / by); // NaN stays NaN
    }
}

} // namespace knife
