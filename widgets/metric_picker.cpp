// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/metric_picker.h"

#include <algorithm>

#include <QLineEdit>
#include <QMap>
#include <QScreen>
#include <QSignalBlocker>
#include <QSortFilterProxyModel>
#include <QStandardItemModel>
#include <QTreeView>
#include <QVBoxLayout>

#include "widgets/icons.h"

namespace knife {

namespace {

constexpr int kMetricRole = Qt::UserRole + 1;

} // namespace

MetricPicker::MetricPicker(QWidget* parent)
    : QFrame(parent, Qt::Popup),
      m_filter(new QLineEdit(this)),
      m_tree(new QTreeView(this)),
      m_model(new QStandardItemModel(this)),
      m_proxy(new QSortFilterProxyModel(this)) {
    setObjectName(QStringLiteral("metricPicker"));
    setAccessibleName(tr("Metrics to plot"));
    setFrameShape(QFrame::StyledPanel);
    m_filter->setObjectName(QStringLiteral("metricFilter"));
    m_filter->setAccessibleName(tr("Filter metrics"));
    m_filter->setPlaceholderText(tr("Filter"));
    m_filter->setClearButtonEnabled(true);
    m_filter->addAction(icon(QStringLiteral("search")), QLineEdit::LeadingPosition);
    m_proxy->setSourceModel(m_model);
    m_proxy->setRecursiveFilteringEnabled(true);
    m_proxy->setFilterRole(kMetricRole);
    m_proxy->setFilterCaseSensitivity(Qt::CaseInsensitive);
    m_tree->setObjectName(QStringLiteral("metricTree"));
    m_tree->setAccessibleName(tr("Metrics"));
    m_tree->setModel(m_proxy);
    m_tree->setHeaderHidden(true);
    m_tree->setUniformRowHeights(true);
    m_tree->setEditTriggers(QAbstractItemView::NoEditTriggers);
    auto* column = new QVBoxLayout(this);
    column->addWidget(m_filter);
    column->addWidget(m_tree);
    connect(m_filter, &QLineEdit::textChanged, this, [this](const QString& text) {
        m_proxy->setFilterFixedString(text);
        m_tree->expandAll();
    });
    connect(m_model, &QStandardItemModel::itemChanged, this, &MetricPicker::takeOver);
}

void MetricPicker::setAvailable(const QStringList& metrics) {
    if (metrics != m_available) {
        m_available = metrics;
        rebuild();
    }
}

void MetricPicker::setChosen(const QStringList& metrics) {
    if (metrics != m_chosen) {
        m_chosen = metrics;
        rebuild();
    }
}

void MetricPicker::rebuild() {
    const QSignalBlocker quiet(this); // ticking boxes here is no wish of the user
    m_model->clear();
    QStringList all = m_available;
    for (const QString& metric : m_chosen) {
        if (!all.contains(metric)) {
            all.append(metric);
        }
    }
    all.sort(Qt::CaseInsensitive);
    QMap<QString, QStandardItem*> groups;
    for (const QString& metric : all) {
        const QString group = metric.contains(QLatin1Char('/')) ? metric.section(QLatin1Char('/'), 0, 0) : QString();
        if (!group.isEmpty() && !groups.contains(group)) {
            auto* heading = new QStandardItem(group);
            heading->setFlags(Qt::ItemIsEnabled);
            m_model->appendRow(heading);
            groups.insert(group, heading);
        }
        auto* item = new QStandardItem(group.isEmpty() ? metric : metric.section(QLatin1Char('/'), 1));
        item->setData(metric, kMetricRole);
        item->setFlags(Qt::ItemIsEnabled | Qt::ItemIsSelectable | Qt::ItemIsUserCheckable);
        item->setCheckState(m_chosen.contains(metric) ? Qt::Checked : Qt::Unchecked);
        (group.isEmpty() ? m_model->invisibleRootItem() : groups.value(group))->appendRow(item);
    }
    m_tree->expandAll();
}

void MetricPicker::takeOver(QStandardItem* item) {
    const QString metric = item->data(kMetricRole).toString();
    const bool wanted = item->checkState() == Qt::Checked;
    if (metric.isEmpty() || wanted == m_chosen.contains(metric)) {
        return;
    }
    if (wanted) {
        m_chosen.append(metric);
    } else {
        m_chosen.removeAll(metric);
    }
    Q_EMIT chosenChanged(m_chosen);
}

void MetricPicker::popUpBelow(const QWidget& anchor) {
    const int line = fontMetrics().height();
    resize(18 * line, 20 * line);
    QPoint place = anchor.mapToGlobal(QPoint(0, anchor.height()));
    if (const QScreen* screen = anchor.screen()) {
        const QRect room = screen->availableGeometry();
        place.setX(std::clamp(place.x(), room.left(), std::max(room.left(), room.right() - width())));
        place.setY(std::clamp(place.y(), room.top(), std::max(room.top(), room.bottom() - height())));
    }
    move(place);
    show();
    m_filter->setFocus();
    m_filter->selectAll();
}

} // namespace knife
