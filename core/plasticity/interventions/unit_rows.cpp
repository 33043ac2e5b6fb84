// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/plasticity/interventions/unit_rows.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace knife {

namespace {

at::Tensor onHost(const at::Tensor& tensor) {
    return tensor.is_cpu() ? tensor.contiguous() : tensor.cpu().contiguous();
}

} // namespace

void UnitRows::begin(const Site& site, const SiteTap& tap, const RowValidity& validity) {
    const at::Tensor valid = onHost(validity.of(site.scope));
    // Mixers with a row per agent do not see the observation after the last step, which the rows end with.
    const std::int64_t seen = std::min(tap.hidden.size(0), valid.size(0));
    m_valid.clear();
    for (std::int64_t row = 0; row < seen; ++row) {
        if (valid.data_ptr<float>()[row] != 0.F) {
            m_valid.push_back(row);
        }
    }
    m_units = site.units;
    m_rows = static_cast<std::int64_t>(m_valid.size());
    m_values.resize(static_cast<std::size_t>(m_rows * m_units));
}

template <typename Entry>
void UnitRows::copy(const at::Tensor& hidden, const at::Tensor& gradient, std::span<const int> units, Entry entry) {
    const at::Tensor dense = onHost(hidden);
    const at::Tensor denseGradient = gradient.defined() ? onHost(gradient) : at::Tensor();
    const std::int64_t width = dense.size(1);
    for (std::int64_t row = 0; row < m_rows; ++row) {
        const std::int64_t from = m_valid[static_cast<std::size_t>(row)] * width;
        const float* h = dense.data_ptr<float>() + from;
        const float* g = gradient.defined() ? denseGradient.data_ptr<float>() + from : nullptr;
        float* out = m_values.data() + row * m_units;
        for (std::size_t k = 0; k < units.size(); ++k) {
            out[units[k]] = entry(units[k], h[k], g == nullptr ? 0.F : g[k]);
        }
    }
}

template <typename Entry>
void UnitRows::copyAll(const Site& site, const SiteTap& tap, const RowValidity& validity, bool withGradients,
                       Entry entry) {
    begin(site, tap, validity);
    std::vector<int> all(static_cast<std::size_t>(site.units));
    std::iota(all.begin(), all.end(), 0);
    copy(tap.hidden, withGradients ? tap.gradient : at::Tensor(), all, entry);
    for (std::size_t e = 0; e < tap.branches.size(); ++e) { // in the order of time: the newest, live one comes last
        const SiteTap::Branch& branch = tap.branches[e];
        copy(branch.active, withGradients ? branch.gradient : at::Tensor(), site.composite->branches()[e].units, entry);
    }
}

std::vector<double> UnitRows::meanDistances(const std::vector<double>& centres) const {
    std::vector<double> sums(centres.size(), 0.0);
    for (std::size_t i = 0; i < m_values.size(); ++i) {
        const std::size_t unit = i % centres.size();
        sums[unit] += std::abs(static_cast<double>(m_values[i]) - centres[unit]);
    }
    for (double& sum : sums) {
        sum /= static_cast<double>(m_rows);
    }
    return sums;
}

std::vector<double> UnitRows::means() const {
    const auto units = static_cast<std::size_t>(m_units);
    std::vector<double> sums(units, 0.0);
    for (std::size_t i = 0; i < m_values.size(); ++i) {
        sums[i % units] += static_cast<double>(m_values[i]);
    }
    for (double& sum : sums) {
        sum /= static_cast<double>(m_rows);
    }
    return sums;
}

std::vector<bool> UnitRows::fired() const {
    const auto units = static_cast<std::size_t>(m_units);
    std::vector<bool> fired(units, false);
    for (std::size_t i = 0; i < m_values.size(); ++i) {
        if (m_values[i] > 0.F) {
            fired[i % units] = true;
        }
    }
    return fired;
}

bool UnitRows::gather(const Site& site, const SiteTap& tap, const RowValidity& validity) {
    if (!tap.hidden.defined()) {
        return false;
    }
    copyAll(site, tap, validity, /*withGradients=*/false, [](int, float h, float) { return h; });
    return true;
}

bool UnitRows::gatherGradients(const Site& site, const SiteTap& tap, const RowValidity& validity) {
    if (!tap.hidden.defined() || !tap.gradient.defined()) {
        return false;
    }
    copyAll(site, tap, validity, /*withGradients=*/true,
            [](int, float h, float g) { return h > 0.F ? std::abs(g) : 0.F; });
    return true;
}

bool UnitRows::gatherAttributions(const Site& site, const SiteTap& tap, const RowValidity& validity,
                                  const std::vector<double>& references) {
    if (!tap.hidden.defined() || !tap.gradient.defined()) {
        return false;
    }
    copyAll(site, tap, validity, /*withGradients=*/true, [&](int unit, float h, float g) {
        return static_cast<float>((static_cast<double>(h) - references[static_cast<std::size_t>(unit)]) *
                                  static_cast<double>(g));
    });
    return true;
}

} // namespace knife
