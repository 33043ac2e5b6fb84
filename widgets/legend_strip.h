// SPDX-License-Identifier: GPL-3.0-or-later
// One legend for a group of plots: a line sample and a name per run, wrapping as needed.
#pragma once

#include <vector>

#include <QString>
#include <QWidget>

namespace knife {

class LegendStrip final : public QWidget {
    Q_OBJECT

  public:
    struct Entry {
        QString label;
        int colour = 0;
        bool operator==(const Entry&) const = default;
    };

    explicit LegendStrip(QWidget* parent = nullptr);

    void setEntries(std::vector<Entry> entries);
    [[nodiscard]] bool hasHeightForWidth() const override { return true; }
    [[nodiscard]] int heightForWidth(int width) const override;
    [[nodiscard]] QSize sizeHint() const override;

  protected:
    void paintEvent(QPaintEvent* event) override;

  private:
    [[nodiscard]] std::vector<QRect> places(int width) const;

    std::vector<Entry> m_entries;
};

} // namespace knife
