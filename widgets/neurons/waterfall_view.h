// SPDX-License-Identifier: GPL-3.0-or-later
// One diagnostic of one site over time: x is time, y is the unit, colour is the value.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include <QImage>
#include <QWidget>

#include "core/types/ids.h"
#include "widgets/plot/colour_map.h"

namespace knife {

class WaterfallView final : public QWidget {
    Q_OBJECT

  public:
    explicit WaterfallView(QWidget* parent = nullptr);

    /// Forgets all frames and starts on this site and diagnostic. `axisLabel` names the clock of x.
    void start(const QString& site, const QString& diagnostic, int units, const QString& axisLabel);
    /// One frame, one value per unit (NaN: not measured). x must not lie before the last frame's; such a frame, and one
    /// of another size, is ignored.
    void append(double x, std::span<const float> values);
    void setScale(const ColourScale& scale);
    void setCursor(std::optional<double> x);
    void setEmptyText(const QString& text);

    [[nodiscard]] int frames() const { return static_cast<int>(m_x.size()); }
    [[nodiscard]] QSize sizeHint() const override;
    [[nodiscard]] QSize minimumSizeHint() const override;

  Q_SIGNALS:
    void cursorMoved(double x);
    void unitActivated(const knife::NeuronRef& unit);

  protected:
    void paintEvent(QPaintEvent* event) override;
    void mousePressEvent(QMouseEvent* event) override;
    void mouseMoveEvent(QMouseEvent* event) override;
    void mouseDoubleClickEvent(QMouseEvent* event) override;
    void keyPressEvent(QKeyEvent* event) override;
    bool event(QEvent* event) override;

  private:
    [[nodiscard]] QRect plotArea() const;
    [[nodiscard]] double xAt(double pixel) const;
    [[nodiscard]] double pixelAt(double x) const;
    [[nodiscard]] int frameAt(double x) const; ///< last frame at or before x, at least 0
    [[nodiscard]] int unitAt(double pixel) const;
    [[nodiscard]] QImage render(QSize size) const;
    void paintAxes(QPainter& painter, const QRect& area) const;
    void moveCursorTo(double x);

    QString m_site;
    QString m_diagnostic;
    QString m_axisLabel;
    QString m_emptyText;
    int m_units = 0;
    std::vector<double> m_x;
    std::vector<float> m_values; ///< frames x units
    ColourScale m_scale;
    std::optional<double> m_cursor;
};

} // namespace knife
