// SPDX-License-Identifier: GPL-3.0-or-later
// The painted part of the neuron heatmap: cells, marks, cursor, selection. NeuronHeatmap puts the controls around it.
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <QPixmap>
#include <QWidget>

#include "core/types/snapshot.h"
#include "widgets/neurons/heatmap_layout.h"
#include "widgets/plot/colour_map.h"

namespace knife {

class HeatmapCanvas final : public QWidget {
    Q_OBJECT

  public:
    explicit HeatmapCanvas(QWidget* parent = nullptr);

    void setFrame(std::shared_ptr<const NeuronFrame> frame);
    void setDiagnostic(const QString& name);
    void setScale(const ColourScale& scale);
    /// Size of the part that is visible at once; the cell size is chosen to fit it.
    void setRoom(QSize room);

    [[nodiscard]] const HeatmapLayout& layoutOfCells() const { return m_layout; }
    [[nodiscard]] const std::set<CellRef>& selection() const { return m_selection; }
    void setSelection(std::set<CellRef> selection);
    [[nodiscard]] std::optional<CellRef> cursorCell() const { return m_cursor; }

    [[nodiscard]] QSize sizeHint() const override;

  Q_SIGNALS:
    void cellActivated(knife::CellRef cell);
    void selectionEdited();
    /// Text on the cell under the mouse or the cell cursor; empty when there is none.
    void cellDescribed(const QString& text);
    /// The cell cursor moved: keep it in view.
    void cursorMovedTo(const QRect& area);

  protected:
    void paintEvent(QPaintEvent* event) override;
    void changeEvent(QEvent* event) override;
    void mousePressEvent(QMouseEvent* event) override;
    void mouseMoveEvent(QMouseEvent* event) override;
    void mouseReleaseEvent(QMouseEvent* event) override;
    void keyPressEvent(QKeyEvent* event) override;
    void leaveEvent(QEvent* event) override;
    bool event(QEvent* event) override;

  private:
    void relayout();
    void invalidate();
    void redraw();
    void renderCells(QPainter& painter, std::size_t site) const;
    void renderLabel(QPainter& painter, std::size_t site) const;
    void renderMarks(QPainter& painter, std::size_t site) const;
    void paintSelection(QPainter& painter) const;
    void pointAt(std::optional<CellRef> cell);
    void moveCursor(CellRef to, Qt::KeyboardModifiers modifiers);
    void extendTo(CellRef cell);
    void replaceSelection(std::set<CellRef> selection);
    [[nodiscard]] const std::vector<float>* values(std::size_t site) const;
    [[nodiscard]] QColor colourOf(CellRef cell) const;
    [[nodiscard]] QString describe(CellRef cell) const;
    [[nodiscard]] QString tooltip(CellRef cell) const;

    std::shared_ptr<const NeuronFrame> m_frame;
    std::string m_diagnostic;
    ColourScale m_scale;
    QSize m_room;
    HeatmapLayout m_layout;
    QPixmap m_cells; ///< everything that changes only with the frame, the scale, the size or the theme
    std::set<CellRef> m_selection;
    std::set<CellRef> m_selectionBefore; ///< what a rubber band with Ctrl adds to
    std::optional<CellRef> m_cursor;
    std::optional<CellRef> m_anchor; ///< where Shift extends from
    std::optional<CellRef> m_hover;
    std::optional<QPoint> m_pressed;
    QRect m_band;
};

} // namespace knife
