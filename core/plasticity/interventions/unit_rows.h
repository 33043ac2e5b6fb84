// SPDX-License-Identifier: GPL-3.0-or-later
// What the live neurons of one site did in one training pass, row by row: for methods that keep statistics of their
// own.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/plasticity/site_measurement.h"

namespace knife {

/// Reuses its memory from pass to pass.
class UnitRows {
  public:
    /// Copies the activations on valid rows, those of composites' active neurons in the place of their units'. False:
    /// the pass did not reach the site.
    bool gather(const Site& site, const SiteTap& tap, const RowValidity& validity);
    /// The magnitudes of dL/dz, z being what goes into the ReLU, instead. False also where gradients are not recorded.
    bool gatherGradients(const Site& site, const SiteTap& tap, const RowValidity& validity);
    /// (h - reference) dL/dh, one reference per unit, instead. False also where gradients are not recorded.
    bool gatherAttributions(const Site& site, const SiteTap& tap, const RowValidity& validity,
                            const std::vector<double>& references);

    [[nodiscard]] std::int64_t rows() const { return m_rows; }
    /// One value per unit; requires at least one row.
    [[nodiscard]] std::vector<double> means() const;
    /// Mean of |h - centre|, one centre per unit.
    [[nodiscard]] std::vector<double> meanDistances(const std::vector<double>& centres) const;
    /// Whether a unit is positive on any row.
    [[nodiscard]] std::vector<bool> fired() const;

  private:
    /// Some columns of a tap; gives each unit what `entry` makes of its activation and the gradient of it (0 where
    /// gradients are not recorded).
    template <typename Entry>
    void copy(const at::Tensor& hidden, const at::Tensor& gradient, std::span<const int> units, Entry entry);
    template <typename Entry>
    void copyAll(const Site& site, const SiteTap& tap, const RowValidity& validity, bool withGradients, Entry entry);
    void begin(const Site& site, const SiteTap& tap, const RowValidity& validity);

    std::int64_t m_units = 0;
    std::int64_t m_rows = 0;
    std::vector<std::int64_t> m_valid; ///< indices into a tap
    std::vector<float> m_values;       ///< [rows x units]
};

} // namespace knife
