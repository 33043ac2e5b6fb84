// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/empty_state.h"

#include <QAbstractItemView>
#include <QEvent>
#include <QLabel>

namespace knife {

QLabel* makeEmptyState(const QString& text, QWidget* parent) {
    auto* label = new QLabel(text, parent);
    label->setAlignment(Qt::AlignCenter);
    label->setWordWrap(true);
    label->setForegroundRole(QPalette::PlaceholderText);
    label->setMargin(label->fontMetrics().height());
    return label;
}

namespace {

/// Keeps a label over the viewport, of its size.
class Hint final : public QObject {
  public:
    Hint(QAbstractItemView& view, const QString& text)
        : QObject(&view), m_view(view), m_label(makeEmptyState(text, view.viewport())) {
        m_label->setAttribute(Qt::WA_TransparentForMouseEvents);
        view.viewport()->installEventFilter(this);
        const auto refresh = [this] {
            m_label->setVisible(m_view.model()->rowCount(m_view.rootIndex()) == 0);
        };
        const QAbstractItemModel* model = view.model();
        connect(model, &QAbstractItemModel::rowsInserted, this, refresh);
        connect(model, &QAbstractItemModel::rowsRemoved, this, refresh);
        connect(model, &QAbstractItemModel::modelReset, this, refresh);
        connect(model, &QAbstractItemModel::layoutChanged, this, refresh);
        refresh();
    }

    bool eventFilter(QObject* watched, QEvent* event) override {
        if (event->type() == QEvent::Resize || event->type() == QEvent::Show) {
            m_label->setGeometry(m_view.viewport()->rect());
        }
        return QObject::eventFilter(watched, event);
    }

  private:
    QAbstractItemView& m_view;
    QLabel* m_label;
};

} // namespace

void showHintWhenEmpty(QAbstractItemView& view, const QString& text) {
    new Hint(view, text); // owned by the view
}

} // namespace knife
