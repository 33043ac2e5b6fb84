// SPDX-License-Identifier: GPL-3.0-or-later
// Heatmap above waterfall, with the time cursor below both.
#pragma once

#include <QWidget>

class QComboBox;
class QSplitter;

namespace knife {

class NeuronHeatmap;
class TimeCursor;
class WaterfallView;

class NeuronsPage final : public QWidget {
    Q_OBJECT

  public:
    /// The cursor outlives the page.
    explicit NeuronsPage(TimeCursor& cursor, QWidget* parent = nullptr);

    [[nodiscard]] NeuronHeatmap& heatmap() const { return *m_heatmap; }
    [[nodiscard]] WaterfallView& waterfall() const { return *m_waterfall; }
    [[nodiscard]] QComboBox& site() const { return *m_site; }
    [[nodiscard]] QSplitter& splitter() const { return *m_splitter; }

  private:
    NeuronHeatmap* m_heatmap;
    WaterfallView* m_waterfall;
    QComboBox* m_site;
    QSplitter* m_splitter;
};

} // namespace knife
