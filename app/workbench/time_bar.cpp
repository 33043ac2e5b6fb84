// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/workbench/time_bar.h"

#include <QHBoxLayout>
#include <QLabel>
#include <QLocale>
#include <QSignalBlocker>
#include <QSlider>
#include <QToolButton>

#include "app/workbench/time_cursor.h"

namespace knife {

TimeBar::TimeBar(TimeCursor& cursor, QWidget* parent)
    : QWidget(parent),
      m_cursor(cursor),
      m_slider(new QSlider(Qt::Horizontal, this)),
      m_label(new QLabel(this)),
      m_newest(new QToolButton(this)) {
    auto* row = new QHBoxLayout(this);
    row->setContentsMargins(0, 0, 0, 0);
    auto* title = new QLabel(tr("&Time"), this);
    title->setBuddy(m_slider);
    row->addWidget(title);
    row->addWidget(m_slider, 1);
    row->addWidget(m_label);
    row->addWidget(m_newest);

    m_slider->setAccessibleName(tr("Time cursor over the stored neuron frames"));
    m_slider->setToolTip(tr("Move through the stored neuron frames; heatmap and inspector show that moment"));
    m_newest->setText(tr("Newest"));
    m_newest->setCheckable(true);
    m_newest->setToolTip(tr("Show the newest moment and keep up with it"));
    m_label->setMinimumWidth(m_label->fontMetrics().horizontalAdvance(tr("update 0,000,000")));
    m_label->setAlignment(Qt::AlignRight | Qt::AlignVCenter);

    connect(m_slider, &QSlider::valueChanged, &m_cursor, &TimeCursor::moveToFrame);
    connect(m_newest, &QToolButton::clicked, &m_cursor, &TimeCursor::followNewest);
    connect(&m_cursor, &TimeCursor::moved, this, &TimeBar::showCursor);
    connect(&m_cursor, &TimeCursor::stampsChanged, this, &TimeBar::showCursor);
    showCursor();
}

void TimeBar::showCursor() {
    const auto& stamps = m_cursor.stamps();
    const QSignalBlocker quiet(m_slider);
    const int last = std::max(0, static_cast<int>(stamps.size()) - 1);
    m_slider->setRange(0, last);
    m_slider->setPageStep(std::max(1, last / 10));
    m_slider->setValue(m_cursor.frame().value_or(last));
    m_slider->setEnabled(stamps.size() > 1);
    m_newest->setChecked(m_cursor.isFollowing());
    m_newest->setEnabled(!stamps.empty());
    const auto at = m_cursor.stamp();
    const UpdateStep update = at ? at->clocks.update : stamps.empty() ? UpdateStep{} : stamps.back().clocks.update;
    m_label->setText(stamps.empty() ? tr("no frames") : tr("update %1").arg(QLocale().toString(update.value)));
}

} // namespace knife
