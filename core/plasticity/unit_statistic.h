// SPDX-License-Identifier: GPL-3.0-or-later
// A statistic over the units of one site: it sees every update and gives one value per unit for the window so far.
// A new diagnostic is a file in diagnostics/ that makes one of these, and one line in its registry.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "core/plasticity/diagnostics/rua_rule.h"
#include "core/plasticity/site_measurement.h"
#include "core/types/snapshot.h"

namespace knife {

/// Mean over the updates of a window, per unit, then an optional step over the whole layer. Every diagnostic of a
/// unit that is known so far has this shape. Diagnostics that differ in that step alone are readings of one statistic.
class UnitStatistic {
  public:
    /// One value per unit, or the same number of values for each, unit by unit; empty if this update did not measure
    /// it. A view into the measurement, because this runs on every update.
    using Values = std::span<const double>;
    /// The quantity of one update.
    using Quantity = std::function<Values(const SiteMeasurement&)>;
    /// Turns window means into the diagnostic, for example by dividing by the layer's mean. NaN: never measured.
    using Finish = std::function<void(std::vector<float>& means)>;
    struct Reading {
        std::string name;
        Finish finish{};
    };

    /// What ends the updates that a mean runs over.
    enum class Boundary : std::uint8_t {
        Window,
        Task,
        Never, ///< only forget()
    };
    struct Memory {
        Boundary until = Boundary::Window;
        double decay = 1.0;      ///< weight of an update relative to the one after it
        bool normOfMean = false; ///< many values per unit: the norm of their means, not their mean
    };

    /// At least one reading; the first one names the statistic.
    UnitStatistic(std::vector<Reading> readings, Quantity quantity, int units, Memory memory);
    UnitStatistic(std::string name, Quantity quantity, Finish finish, int units)
        : UnitStatistic({{std::move(name), std::move(finish)}}, std::move(quantity), units, Memory{}) {}

    [[nodiscard]] const std::string& name() const { return m_readings.front().name; }
    /// Whether one of its readings has this name.
    [[nodiscard]] bool gives(const std::string& name) const {
        return std::ranges::find(m_readings, name, &Reading::name) != m_readings.end();
    }
    void observe(const SiteMeasurement& measurement);
    /// One value per unit over the window so far for each reading; NaN where nothing was measured.
    [[nodiscard]] std::vector<UnitDiagnostic> read() const;
    /// Begins the next window, if this boundary ends it. A task's end is not a window's.
    void restart(Boundary passed = Boundary::Window);
    /// Begins the next window for one unit: it was operated on.
    void forget(int unit);

    // Sums and counts, for checkpoints: counts one per unit, sums as many per unit as there are values.
    [[nodiscard]] const std::vector<double>& sums() const { return m_sums; }
    [[nodiscard]] std::vector<double> counts() const;
    void setState(std::vector<double> sums, std::vector<double> counts);

  private:
    [[nodiscard]] std::size_t width() const { return m_counts.empty() ? 1 : m_sums.size() / m_counts.size(); }
    void widen(std::size_t width);
    void count();
    [[nodiscard]] std::vector<float> means() const;

    std::vector<Reading> m_readings;
    Quantity m_quantity;
    Memory m_memory;
    std::vector<double> m_sums;
    std::vector<double> m_counts; ///< without the next
    double m_uncounted = 0.0;     ///< updates since, the same for all units
};

/// Divides by the mean over measured units of the layer: the relative score of RUA and ReDo. A layer whose mean is 0
/// gets 0 everywhere.
void divideByLayerMean(std::vector<float>& means);

/// What the statistics of one site depend on.
struct UnitStatisticsRequest {
    const Site& site;
    const DiagnosticsConfig& config;
    int agents = 0; ///< rows of the site cycle through so many agents; 0: not known
};
/// All registered statistics that are asked for at a site.
[[nodiscard]] std::vector<UnitStatistic> makeUnitStatistics(const UnitStatisticsRequest& request);

} // namespace knife
