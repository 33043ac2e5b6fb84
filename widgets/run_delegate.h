// SPDX-License-Identifier: GPL-3.0-or-later
// Paints a row of the run list: state glyph and curve colour before the name, a bar in the progress column.
#pragma once

#include <QStyledItemDelegate>

namespace knife {

class RunDelegate final : public QStyledItemDelegate {
    Q_OBJECT

  public:
    using QStyledItemDelegate::QStyledItemDelegate;

    void paint(QPainter* painter, const QStyleOptionViewItem& option, const QModelIndex& index) const override;
    [[nodiscard]] QSize sizeHint(const QStyleOptionViewItem& option, const QModelIndex& index) const override;

  private:
    void paintName(QPainter& painter, QStyleOptionViewItem option, const QModelIndex& index) const;
    void paintProgress(QPainter& painter, const QStyleOptionViewItem& option, double share) const;
};

} // namespace knife
