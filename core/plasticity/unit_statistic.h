// SPDX-License-Identifier: GPL-3.0-or-later
// A statistic over the units of one site: it sees every update and gives one value per unit for the window so far.
// A new diagnostic is a file in diagnostics/ that makes one of these, and one line in its registry.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/plasticity/site_measurement.h"

namespace knife {

/// Mean over the updates of a window, per unit, then an optional step over the whole layer. Every diagnostic of a
/// unit that is known so far has this shape.
class UnitStatistic {
  public:
    /// One value per unit, or empty if this update did not measure it: a view into the measurement, because this runs
    /// on every update.
    using Values = std::span<const double>;
    /// The quantity of one update.
    using Quantity = Values (*)(const SiteMeasurement&);
    /// Turns window means into the diagnostic, for example by dividing by the layer's mean. NaN: never measured.
    using Finish = void (*)(std::vector<float>& means);

    UnitStatistic(std::string name, Quantity quantity, Finish finish, int units);

    [[nodiscard]] const std::string& name() const { return m_name; }
    void observe(const SiteMeasurement& measurement);
    /// One value per unit over the window so far; NaN where nothing was measured.
    [[nodiscard]] std::vector<float> values() const;
    /// Begins the next window.
    void restart();
    /// Begins the next window for one unit: it was operated on.
    void forget(int unit);

    // Sums and counts, for checkpoints.
    [[nodiscard]] const std::vector<double>& sums() const { return m_sums; }
    [[nodiscard]] const std::vector<double>& counts() const { return m_counts; }
    void setState(std::vector<double> sums, std::vector<double> counts);

  private:
    std::string m_name;
    Quantity m_quantity;
    Finish m_finish;
    std::vector<double> m_sums;
    std::vector<double> m_counts;
};

/// Divides by the mean over measured units of the layer: the relative score of RUA and ReDo. A layer whose mean is 0
/// gets 0 everywhere.
void divideByLayerMean(std::vector<float>& means);

/// All registered statistics for a site of that many units.
[[nodiscard]] std::vector<UnitStatistic> makeUnitStatistics(int units);

} // namespace knife
