// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <span>
#include <vector>

namespace knife {

/// One score for each run and task: what groups of runs are judged by. Rows are runs, columns are tasks.
class ScoreMatrix {
  public:
    ScoreMatrix() = default;
    ScoreMatrix(std::size_t runs, std::size_t tasks, double fill = 0.0)
        : m_runs(runs), m_tasks(tasks), m_cells(runs * tasks, fill) {}
    /// `cells` run by run: runs * tasks of them.
    ScoreMatrix(std::size_t runs, std::size_t tasks, std::vector<double> cells)
        : m_runs(runs), m_tasks(tasks), m_cells(std::move(cells)) {
        assert(m_cells.size() == runs * tasks);
    }

    [[nodiscard]] std::size_t runs() const { return m_runs; }
    [[nodiscard]] std::size_t tasks() const { return m_tasks; }
    [[nodiscard]] bool empty() const { return m_cells.empty(); }

    [[nodiscard]] double at(std::size_t run, std::size_t task) const { return m_cells[run * m_tasks + task]; }
    [[nodiscard]] double& at(std::size_t run, std::size_t task) { return m_cells[run * m_tasks + task]; }

    /// All scores of one run.
    [[nodiscard]] std::span<const double> run(std::size_t index) const {
        return std::span(m_cells).subspan(index * m_tasks, m_tasks);
    }
    [[nodiscard]] std::span<double> run(std::size_t index) {
        return std::span(m_cells).subspan(index * m_tasks, m_tasks);
    }
    /// All scores of one task.
    [[nodiscard]] std::vector<double> task(std::size_t index) const {
        std::vector<double> column(m_runs);
        for (std::size_t r = 0; r < m_runs; ++r) {
            column[r] = at(r, index);
        }
        return column;
    }
    [[nodiscard]] std::span<const double> cells() const { return m_cells; }

  private:
    std::size_t m_runs = 0;
    std::size_t m_tasks = 0;
    std::vector<double> m_cells;
};

} // namespace knife
