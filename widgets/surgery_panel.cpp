// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/surgery_panel.h"

#include <algorithm>
#include <cmath>
#include <map>

#include <QComboBox>
#include <QDoubleSpinBox>
#include <QFormLayout>
#include <QHBoxLayout>
#include <QHeaderView>
#include <QLabel>
#include <QPushButton>
#include <QStandardItemModel>
#include <QTreeView>
#include <QVBoxLayout>

#include "widgets/empty_state.h"
#include "widgets/format.h"
#include "widgets/icons.h"
#include "widgets/state_glyph.h"
#include "widgets/table_copy.h"

namespace knife {

namespace {

QString unitList(const std::vector<int>& units) {
    QStringList texts;
    for (const int unit : units) {
        texts.append(QString::number(unit));
    }
    return texts.join(QStringLiteral(", "));
}

// Why a surgery was done; an undo has no reason of its own.
QString reasonText(const SurgeryReceipt& receipt) {
    if (receipt.plan.intervention == "undo") {
        return SurgeryPanel::tr("undo");
    }
    return QString::fromStdString(receipt.plan.reason).replace(QLatin1Char('_'), QLatin1Char(' '));
}

QString changeText(const OutputChange& change) {
    return change.episodes == 0 ? SurgeryPanel::tr("not measured") : formatChange(change.max());
}

QString changeDetails(const OutputChange& change) {
    if (change.episodes == 0) {
        return SurgeryPanel::tr("There were no replayed episodes to measure on.");
    }
    return SurgeryPanel::tr(
               "Largest absolute change over %1 held episodes\nQ: %2\nQ_tot: %3\ntarget Q_tot: %4\nloss: %5")
        .arg(change.episodes)
        .arg(formatChange(change.q), formatChange(change.qTot), formatChange(change.targetQTot),
             formatChange(change.loss));
}

QList<QStandardItem*> row(const QStringList& texts) {
    QList<QStandardItem*> items;
    for (const QString& text : texts) {
        items.append(new QStandardItem(text));
    }
    return items;
}

} // namespace

class SurgeryPanel::Impl {
  public:
    explicit Impl(SurgeryPanel& panel);

    void buildPlan(QVBoxLayout* column);
    void buildReceipts(QVBoxLayout* column);
    void refresh();
    void fitReceiptColumns();
    void refreshSelection();
    void refreshButtons();
    [[nodiscard]] QString blockedReason() const;
    [[nodiscard]] const SiteSnapshot* site(const std::string& name) const;
    [[nodiscard]] int stagnantUnits() const;

    SurgeryPanel& q;
    std::shared_ptr<const NeuronFrame> frame;
    std::vector<NeuronRef> selection;
    std::optional<RunState> state;
    std::vector<SurgeryReceipt> receipts;
    bool busy = false;

    std::vector<SurgeryMethod> methods;
    QComboBox* method = nullptr;
    QLabel* about = nullptr;
    QDoubleSpinBox* threshold = nullptr;
    QPushButton* selectStagnant = nullptr;
    QPushButton* clearSelection = nullptr;
    QStandardItemModel* sites = nullptr;
    QTreeView* siteView = nullptr;
    QPushButton* operate = nullptr;
    QLabel* reason = nullptr;
    QStandardItemModel* receiptModel = nullptr;
    QTreeView* receiptView = nullptr;
};

SurgeryPanel::Impl::Impl(SurgeryPanel& panel) : q(panel) {
    auto* column = new QVBoxLayout(&q);
    buildPlan(column);
    buildReceipts(column);
}

void SurgeryPanel::Impl::buildPlan(QVBoxLayout* column) {
    auto* form = new QFormLayout;
    form->setFieldGrowthPolicy(QFormLayout::AllNonFixedFieldsGrow);
    method = new QComboBox(&q);
    method->setObjectName(QStringLiteral("surgeryMethod"));
    method->setAccessibleName(SurgeryPanel::tr("Method"));
    form->addRow(SurgeryPanel::tr("&Method"), method);
    about = new QLabel(&q);
    about->setObjectName(QStringLiteral("surgeryAbout"));
    about->setWordWrap(true);
    about->setForegroundRole(QPalette::PlaceholderText);
    form->addRow(about);

    threshold = new QDoubleSpinBox(&q);
    threshold->setObjectName(QStringLiteral("surgeryThreshold"));
    threshold->setAccessibleName(SurgeryPanel::tr("RUA threshold"));
    threshold->setRange(0.0, 100.0);
    threshold->setDecimals(3);
    threshold->setSingleStep(0.05);
    threshold->setValue(static_cast<double>(NeuronFrame().staleBelow));
    selectStagnant = new QPushButton(SurgeryPanel::tr("&Select stagnant"), &q);
    selectStagnant->setObjectName(QStringLiteral("selectStagnant"));
    selectStagnant->setAccessibleName(SurgeryPanel::tr("Select units with an RUA below the threshold"));
    auto* line = new QHBoxLayout;
    line->addWidget(threshold);
    line->addWidget(selectStagnant, 1);
    form->addRow(SurgeryPanel::tr("&RUA below"), line);
    qobject_cast<QLabel*>(form->labelForField(line))->setBuddy(threshold);
    column->addLayout(form);

    sites = new QStandardItemModel(0, 3, &q);
    sites->setHorizontalHeaderLabels({SurgeryPanel::tr("Site"), SurgeryPanel::tr("Units"), SurgeryPanel::tr("Remark")});
    siteView = new QTreeView(&q);
    siteView->setObjectName(QStringLiteral("surgerySites"));
    siteView->setAccessibleName(SurgeryPanel::tr("Selected units per site"));
    siteView->setModel(sites);
    siteView->setRootIsDecorated(false);
    siteView->setEditTriggers(QAbstractItemView::NoEditTriggers);
    siteView->setSelectionMode(QAbstractItemView::NoSelection);
    siteView->setWordWrap(true);
    siteView->setMaximumHeight(9 * q.fontMetrics().height());
    showHintWhenEmpty(*siteView, SurgeryPanel::tr("No units selected."));
    column->addWidget(siteView);

    auto* buttons = new QHBoxLayout;
    operate = new QPushButton(icon(QStringLiteral("operate")), QString(), &q);
    operate->setObjectName(QStringLiteral("operate"));
    clearSelection = new QPushButton(SurgeryPanel::tr("&Clear selection"), &q);
    clearSelection->setObjectName(QStringLiteral("clearSelection"));
    clearSelection->setAccessibleName(SurgeryPanel::tr("Clear the selection"));
    buttons->addWidget(operate, 1);
    buttons->addWidget(clearSelection);
    column->addLayout(buttons);
    reason = new QLabel(&q);
    reason->setObjectName(QStringLiteral("blockedReason"));
    reason->setWordWrap(true);
    reason->setForegroundRole(QPalette::PlaceholderText);
    column->addWidget(reason);

    QObject::connect(method, &QComboBox::currentIndexChanged, &q,
                     [this] { about->setText(method->currentData(Qt::UserRole + 1).toString()); });
    QObject::connect(threshold, &QDoubleSpinBox::valueChanged, &q, [this] { refreshButtons(); });
    QObject::connect(selectStagnant, &QPushButton::clicked, &q,
                     [this] { Q_EMIT q.selectBelowRequested(threshold->value()); });
    QObject::connect(clearSelection, &QPushButton::clicked, &q, &SurgeryPanel::clearSelectionRequested);
    QObject::connect(operate, &QPushButton::clicked, &q, [this] { Q_EMIT q.operateRequested(q.plan()); });
}

void SurgeryPanel::Impl::buildReceipts(QVBoxLayout* column) {
    auto* heading = new QLabel(SurgeryPanel::tr("Rec&eipts"), &q);
    QFont bold = heading->font();
    bold.setWeight(QFont::DemiBold);
    heading->setFont(bold);
    column->addWidget(heading);
    receiptModel = new QStandardItemModel(0, 6, &q);
    receiptModel->setHorizontalHeaderLabels({SurgeryPanel::tr("Event"), SurgeryPanel::tr("Env step"),
                                             SurgeryPanel::tr("Site"), SurgeryPanel::tr("Units"),
                                             SurgeryPanel::tr("Reason"), SurgeryPanel::tr("Max |change|")});
    receiptView = new QTreeView(&q);
    receiptView->setObjectName(QStringLiteral("receipts"));
    receiptView->setAccessibleName(SurgeryPanel::tr("Receipts of past surgeries"));
    receiptView->setModel(receiptModel);
    receiptView->setAlternatingRowColors(true);
    receiptView->setUniformRowHeights(true);
    receiptView->setEditTriggers(QAbstractItemView::NoEditTriggers);
    receiptView->setAllColumnsShowFocus(true);
    heading->setBuddy(receiptView);
    copyOnShortcut(*receiptView);
    showHintWhenEmpty(*receiptView, SurgeryPanel::tr("No surgery yet. Each one leaves its receipt here."));
    fitReceiptColumns();
    column->addWidget(receiptView, 1);
    QObject::connect(receiptView, &QTreeView::activated, &q, [this](const QModelIndex& index) {
        const QModelIndex top = index.parent().isValid() ? index.parent() : index;
        Q_EMIT q.receiptActivated(receipts[static_cast<std::size_t>(top.row())]);
    });
}

void SurgeryPanel::Impl::fitReceiptColumns() {
    for (int i = 0; i < receiptModel->columnCount(); ++i) {
        receiptView->resizeColumnToContents(i);
    }
}

const SiteSnapshot* SurgeryPanel::Impl::site(const std::string& name) const {
    if (frame) {
        for (const SiteSnapshot& candidate : frame->sites) {
            if (candidate.name == name) {
                return &candidate;
            }
        }
    }
    return nullptr;
}

int SurgeryPanel::Impl::stagnantUnits() const {
    int units = 0;
    for (const SiteSnapshot& one : frame ? frame->sites : std::vector<SiteSnapshot>()) {
        if (const UnitDiagnostic* rua = one.acceptsComposites ? one.find("rua") : nullptr) {
            units += static_cast<int>(std::count_if(rua->values.begin(), rua->values.end(), [this](float value) {
                return static_cast<double>(value) < threshold->value();
            }));
        }
    }
    return units;
}

void SurgeryPanel::Impl::refreshSelection() {
    std::map<std::string, int> counts;
    for (const NeuronRef& unit : selection) {
        ++counts[unit.site];
    }
    sites->setRowCount(0);
    for (const auto& [name, count] : counts) {
        const SiteSnapshot* one = site(name);
        const QString remark = one == nullptr ? SurgeryPanel::tr("not a site of this run")
                               : one->acceptsComposites
                                   ? QString()
                                   : SurgeryPanel::tr("left out: %1").arg(QString::fromStdString(one->refusal));
        sites->appendRow(row({QString::fromStdString(name), QString::number(count), remark}));
        const int last = sites->rowCount() - 1;
        sites->item(last, 1)->setTextAlignment(Qt::AlignRight | Qt::AlignVCenter);
        for (int i = 0; i < 3; ++i) {
            sites->item(last, i)->setToolTip(remark);
        }
    }
    siteView->resizeColumnToContents(0);
    siteView->resizeColumnToContents(1);
}

QString SurgeryPanel::Impl::blockedReason() const {
    if (!state) {
        return SurgeryPanel::tr("Open a run first.");
    }
    if (*state != RunState::Running && *state != RunState::Paused) {
        return SurgeryPanel::tr("The run is %1. Units can be operated on while it is running or paused.")
            .arg(stateName(*state));
    }
    if (busy) {
        return SurgeryPanel::tr("Waiting for the receipt of the last operation.");
    }
    if (selection.empty()) {
        return SurgeryPanel::tr("Select units in the heatmap, or press “Select stagnant”.");
    }
    if (q.plan().empty()) {
        return SurgeryPanel::tr("None of the selected sites can be operated on.");
    }
    return {};
}

void SurgeryPanel::Impl::refreshButtons() {
    int units = 0;
    for (const SiteOperation& operation : q.plan().operations) {
        units += static_cast<int>(operation.units.size());
    }
    const QString text = units == 0   ? SurgeryPanel::tr("&Operate")
                         : units == 1 ? SurgeryPanel::tr("&Operate on 1 unit")
                                      : SurgeryPanel::tr("&Operate on %1 units").arg(units);
    operate->setText(text);
    operate->setAccessibleName(QString(text).remove(QLatin1Char('&')));
    const QString blocked = blockedReason();
    operate->setEnabled(blocked.isEmpty());
    operate->setToolTip(blocked);
    reason->setText(blocked);
    reason->setVisible(!blocked.isEmpty());
    clearSelection->setEnabled(!selection.empty());
    selectStagnant->setEnabled(frame != nullptr);
    selectStagnant->setText(frame ? SurgeryPanel::tr("&Select stagnant (%1)").arg(stagnantUnits())
                                  : SurgeryPanel::tr("&Select stagnant"));
}

void SurgeryPanel::Impl::refresh() {
    refreshSelection();
    refreshButtons();
}

SurgeryPanel::SurgeryPanel(QWidget* parent) : QWidget(parent), m_impl(std::make_unique<Impl>(*this)) {
    const QString consolidate = QStringLiteral("consolidate");
    setMethods(
        {{QStringLiteral("knife"), QStringLiteral("KNIFE"),
          tr("Keeps what the unit knows frozen and adds a fresh, trainable one beside it. No output changes.")},
         {QStringLiteral("prune"), tr("Prune frozen neurons"),
          tr("Of composites: drops frozen neurons that give next to nothing. Outputs change a little."), consolidate,
          QStringLiteral("policy = \"prune\"")},
         {QStringLiteral("lstsq"), tr("Consolidate frozen neurons"),
          tr("Of composites: keeps a quarter of the frozen neurons, fitted to what all of them do. Outputs change."),
          consolidate, QStringLiteral("policy = \"lstsq\"")}});
    m_impl->refresh();
}

SurgeryPanel::~SurgeryPanel() = default;

void SurgeryPanel::setMethods(const std::vector<SurgeryMethod>& methods) {
    const QString before = m_impl->method->currentData().toString();
    m_impl->methods = methods;
    m_impl->method->clear();
    for (const SurgeryMethod& method : methods) {
        m_impl->method->addItem(method.label, method.id);
        m_impl->method->setItemData(m_impl->method->count() - 1, method.about, Qt::UserRole + 1);
    }
    m_impl->method->setCurrentIndex(std::max(0, m_impl->method->findData(before)));
    m_impl->about->setText(m_impl->method->currentData(Qt::UserRole + 1).toString());
}

void SurgeryPanel::setFrame(std::shared_ptr<const NeuronFrame> frame) {
    m_impl->frame = std::move(frame);
    m_impl->refresh();
}

void SurgeryPanel::setSelection(const std::vector<NeuronRef>& units) {
    m_impl->selection = units;
    std::sort(m_impl->selection.begin(), m_impl->selection.end());
    m_impl->refresh();
}

void SurgeryPanel::setRunState(std::optional<RunState> state) {
    m_impl->state = state;
    m_impl->refreshButtons();
}

void SurgeryPanel::setBusy(bool busy) {
    m_impl->busy = busy;
    m_impl->refreshButtons();
}

void SurgeryPanel::setReceipts(const std::vector<SurgeryReceipt>& receipts) {
    // Receipts are only ever added, so the rows that are there stay as they are.
    const bool continues = receipts.size() >= m_impl->receipts.size() &&
                           std::equal(m_impl->receipts.begin(), m_impl->receipts.end(), receipts.begin());
    if (!continues) {
        m_impl->receiptModel->setRowCount(0);
        m_impl->receipts.clear();
    }
    for (std::size_t i = m_impl->receipts.size(); i < receipts.size(); ++i) {
        const SurgeryReceipt& receipt = receipts[i];
        std::size_t units = 0;
        for (const SiteReceipt& site : receipt.sites) {
            units += site.units.size();
        }
        const QString sites = receipt.sites.size() == 1 ? QString::fromStdString(receipt.sites.front().site)
                                                        : tr("%1 sites").arg(receipt.sites.size());
        const QList<QStandardItem*> top =
            row({QString::number(receipt.event), formatCount(static_cast<double>(receipt.clocks.envStep.value)), sites,
                 QString::number(units), reasonText(receipt), changeText(receipt.change)});
        top.last()->setToolTip(changeDetails(receipt.change));
        for (const SiteReceipt& site : receipt.sites) {
            top.first()->appendRow(
                row({QString(), QString(), QString::fromStdString(site.site), unitList(site.units),
                     QString::fromStdString(site.kind),
                     tr("%1 fresh trainable, +%2 frozen").arg(site.trainableParameters).arg(site.frozenParameters)}));
        }
        m_impl->receiptModel->appendRow(top);
    }
    m_impl->receipts = receipts;
    m_impl->fitReceiptColumns();
}

SurgeryPlan SurgeryPanel::plan() const {
    SurgeryPlan plan;
    if (m_impl->methods.empty()) {
        return plan;
    }
    const SurgeryMethod& method = m_impl->methods.at(static_cast<std::size_t>(m_impl->method->currentIndex()));
    plan.intervention = method.id.toStdString();
    plan.operation = method.operation.toStdString();
    plan.settings = method.settings.toStdString();
    plan.reason = "by_hand";
    for (const NeuronRef& unit : m_impl->selection) {
        const SiteSnapshot* site = m_impl->site(unit.site);
        if (site == nullptr || !site->acceptsComposites || unit.index < 0 || unit.index >= site->units) {
            continue;
        }
        if (plan.operations.empty() || plan.operations.back().site != unit.site) {
            plan.operations.push_back({unit.site, {}});
        }
        plan.operations.back().units.push_back(unit.index);
    }
    return plan;
}

double SurgeryPanel::threshold() const {
    return m_impl->threshold->value();
}

} // namespace knife
