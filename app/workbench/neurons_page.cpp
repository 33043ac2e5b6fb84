// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/workbench/neurons_page.h"

#include <QComboBox>
#include <QHBoxLayout>
#include <QLabel>
#include <QSplitter>
#include <QVBoxLayout>

#include "app/workbench/time_bar.h"
#include "widgets/neurons/neuron_heatmap.h"
#include "widgets/neurons/waterfall_view.h"

namespace knife {

NeuronsPage::NeuronsPage(TimeCursor& cursor, QWidget* parent)
    : QWidget(parent),
      m_heatmap(new NeuronHeatmap),
      m_waterfall(new WaterfallView),
      m_site(new QComboBox(this)),
      m_splitter(new QSplitter(Qt::Vertical, this)) {
    m_heatmap->setObjectName(QStringLiteral("heatmap"));
    m_waterfall->setObjectName(QStringLiteral("waterfall"));
    m_waterfall->setAccessibleName(tr("Units of one site over time"));
    m_splitter->setObjectName(QStringLiteral("neuronsSplit"));
    m_splitter->addWidget(m_heatmap);
    auto* lower = new QWidget;
    auto* lowerColumn = new QVBoxLayout(lower);
    lowerColumn->addWidget(m_waterfall, 1);
    m_splitter->addWidget(lower);
    m_splitter->setChildrenCollapsible(false);
    m_splitter->setStretchFactor(0, 3);
    m_splitter->setStretchFactor(1, 2);

    m_site->setObjectName(QStringLiteral("waterfallSite"));
    m_site->setAccessibleName(tr("Site that is shown over time"));
    m_site->setToolTip(tr("The site whose units the lower picture shows over time"));
    m_site->setSizeAdjustPolicy(QComboBox::AdjustToContents);
    m_site->setMinimumContentsLength(12);
    auto* siteLabel = new QLabel(tr("Over time: s&ite"), this);
    siteLabel->setBuddy(m_site);

    auto* row = new QHBoxLayout;
    row->addWidget(siteLabel);
    row->addWidget(m_site);
    row->addSpacing(2 * fontMetrics().averageCharWidth());
    row->addWidget(new TimeBar(cursor, this), 1);

    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(0, 0, 0, 0);
    column->addWidget(m_splitter, 1);
    lowerColumn->addLayout(row);
}

} // namespace knife
