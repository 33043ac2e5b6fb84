// SPDX-License-Identifier: GPL-3.0-or-later
// A matrix game: the payoff table beside the learned Q_tot, on one colour scale, best and greedy joint action outlined.
#pragma once

#include <memory>
#include <vector>

#include <QWidget>

#include "core/types/env_view.h"

namespace knife {

/// Joint actions whose payoff is the largest, as flat indices (the last agent runs fastest).
[[nodiscard]] std::vector<int> optimalJointActions(const MatrixView& game);
/// The joint action that greedy agents take: each agent's best utility, or the best Q_tot where utilities are unknown;
/// of equals the lowest. Empty when nothing has been learned yet.
[[nodiscard]] std::vector<int> greedyJointAction(const MatrixView& game);
/// Index of a joint action in the flat tables, or -1 when it does not fit the shape.
[[nodiscard]] int flatIndex(const MatrixView& game, const std::vector<int>& actions);

class MatrixWidget final : public QWidget {
    Q_OBJECT

  public:
    explicit MatrixWidget(QWidget* parent = nullptr);
    ~MatrixWidget() override;

    /// Rows are agent 1, columns agent 2; the actions of further agents are fixed by boxes below the tables.
    void setGame(const MatrixView& game);

  private:
    class Impl;
    std::unique_ptr<Impl> m_impl;
};

} // namespace knife
