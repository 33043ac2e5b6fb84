// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/stats/bootstrap.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>
#include <numeric>

#include <boost/math/distributions/normal.hpp>
#include <boost/math/distributions/students_t.hpp>

#include "core/stats/aggregate.h"
#include "core/types/counter_rng.h"

namespace knife {

namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

std::size_t drawBelow(CounterRng& random, std::size_t bound) {
    return random.below(static_cast<std::uint32_t>(bound));
}

/// Column numbers of one resample.
void drawTasks(CounterRng& random, TaskResampling mode, std::vector<std::size_t>& tasks) {
    std::iota(tasks.begin(), tasks.end(), std::size_t{0});
    if (mode == TaskResampling::Resampled) {
        std::ranges::generate(tasks, [&] { return drawBelow(random, tasks.size()); });
    }
}

// The generator comes by value: pairs draw the same rows from copies of it.
void drawScores(const ScoreMatrix& from, std::span<const std::size_t> tasks, Resampling resampling, CounterRng random,
                ScoreMatrix& into) {
    for (std::size_t r = 0; r < into.runs(); ++r) {
        const auto row = into.run(r);
        std::size_t drawn = resampling == Resampling::Clustered ? drawBelow(random, from.runs()) : 0;
        for (std::size_t t = 0; t < row.size(); ++t) {
            drawn = resampling == Resampling::Stratified ? drawBelow(random, from.runs()) : drawn;
            row[t] = from.at(drawn, tasks[t]);
        }
    }
}

/// The values of every figure over all resamples.
class Replicates {
  public:
    Replicates(std::size_t figures, std::int64_t reps) : m_values(figures) {
        for (auto& values : m_values) {
            values.reserve(static_cast<std::size_t>(reps));
        }
    }
    void add(std::span<const double> figures) {
        assert(figures.size() == m_values.size());
        for (std::size_t i = 0; i < figures.size(); ++i) {
            m_values[i].push_back(figures[i]);
        }
    }
    [[nodiscard]] std::vector<Estimate> around(std::span<const double> values, double level) const {
        const double ends[] = {(1.0 - level) / 2.0, (1.0 + level) / 2.0};
        std::vector<Estimate> estimates;
        for (std::size_t i = 0; i < values.size(); ++i) {
            const std::vector<double> interval = quantiles(m_values[i], ends);
            estimates.push_back({values[i], interval[0], interval[1]});
        }
        return estimates;
    }

  private:
    std::vector<std::vector<double>> m_values;
};

std::vector<Estimate> withoutIntervals(std::span<const double> values) {
    std::vector<Estimate> estimates;
    for (const double value : values) {
        estimates.push_back({value, kNone, kNone});
    }
    return estimates;
}

} // namespace

std::vector<Estimate> bootstrap(const ScoreMatrix& scores, const Statistic& statistic,
                                const BootstrapOptions& options) {
    const std::vector<double> values = statistic(scores);
    if (scores.runs() < 2 || scores.tasks() == 0) {
        return withoutIntervals(values);
    }
    Replicates replicates(values.size(), options.reps);
    ScoreMatrix sample(scores.runs(), scores.tasks());
    std::vector<std::size_t> tasks(scores.tasks());
    for (std::int64_t rep = 0; rep < options.reps; ++rep) {
        CounterRng random({options.seed, "bootstrap", static_cast<std::uint64_t>(rep)});
        drawTasks(random, options.tasks, tasks);
        drawScores(scores, tasks, options.resampling, random, sample);
        replicates.add(statistic(sample));
    }
    return replicates.around(values, options.level);
}

double coverageOfMean(std::size_t runs, double level) {
    if (runs < 2) {
        return kNone;
    }
    const auto n = static_cast<double>(runs);
    const double reach = boost::math::quantile(boost::math::normal(), (1.0 + level) / 2.0);
    const boost::math::students_t student(n - 1.0);
    return 2.0 * boost::math::cdf(student, reach * std::sqrt((n - 1.0) / n)) - 1.0;
}

std::vector<Estimate> bootstrapPair(const ScoreMatrix& x, const ScoreMatrix& y, const PairStatistic& statistic,
                                    const BootstrapOptions& options) {
    assert(x.tasks() == y.tasks());
    assert(options.pairing == Pairing::Independent || x.runs() == y.runs());
    const std::vector<double> values = statistic(x, y);
    if (std::min(x.runs(), y.runs()) < 2 || x.tasks() == 0) {
        return withoutIntervals(values);
    }
    Replicates replicates(values.size(), options.reps);
    ScoreMatrix xSample(x.runs(), x.tasks());
    ScoreMatrix ySample(y.runs(), y.tasks());
    std::vector<std::size_t> tasks(x.tasks());
    for (std::int64_t rep = 0; rep < options.reps; ++rep) {
        CounterRng random({options.seed, "bootstrap.pair", static_cast<std::uint64_t>(rep)});
        drawTasks(random, options.tasks, tasks);
        drawScores(x, tasks, options.resampling, random, xSample);
        const auto number = static_cast<std::uint64_t>(rep);
        drawScores(y, tasks, options.resampling,
                   options.pairing == Pairing::Rows ? random : CounterRng({options.seed, "bootstrap.other", number}),
                   ySample);
        replicates.add(statistic(xSample, ySample));
    }
    return replicates.around(values, options.level);
}

} // namespace knife
