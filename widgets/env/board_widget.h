// SPDX-License-Identifier: GPL-3.0-or-later
// A grid world: agents with their numbers and last actions, prey, walls, and what the agent under the mouse can see.
#pragma once

#include <optional>

#include <QWidget>

#include "core/types/env_view.h"

namespace knife {

class BoardWidget final : public QWidget {
    Q_OBJECT

  public:
    explicit BoardWidget(QWidget* parent = nullptr);

    void setBoard(const BoardView& board);
    /// The cell under a point of the widget, as (x: column, y: row).
    [[nodiscard]] std::optional<QPoint> cellAt(QPoint point) const;
    [[nodiscard]] QRectF cellRect(int row, int column) const;

    [[nodiscard]] QSize sizeHint() const override;
    [[nodiscard]] QSize minimumSizeHint() const override;

  protected:
    void paintEvent(QPaintEvent* event) override;
    void mouseMoveEvent(QMouseEvent* event) override;
    void leaveEvent(QEvent* event) override;
    bool event(QEvent* event) override;

  private:
    [[nodiscard]] QRectF gridArea() const;
    [[nodiscard]] QString describe(const BoardView::Piece& piece) const;
    void paintGrid(QPainter& painter) const;
    void paintSight(QPainter& painter) const;
    void paintPiece(QPainter& painter, const BoardView::Piece& piece) const;
    void paintAction(QPainter& painter, const BoardView::Piece& piece, const QRectF& cell) const;

    BoardView m_board;
    std::optional<QPoint> m_hover; ///< (column, row)
};

} // namespace knife
