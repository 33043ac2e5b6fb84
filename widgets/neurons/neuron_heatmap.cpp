// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/neurons/neuron_heatmap.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <set>

#include <QApplication>
#include <QCheckBox>
#include <QClipboard>
#include <QComboBox>
#include <QEvent>
#include <QHBoxLayout>
#include <QLabel>
#include <QMenu>
#include <QScrollArea>
#include <QStackedWidget>
#include <QToolButton>
#include <QVBoxLayout>

#include "widgets/empty_state.h"
#include "widgets/format.h"
#include "widgets/icons.h"
#include "widgets/neurons/colour_bar.h"
#include "widgets/neurons/heatmap_canvas.h"
#include "widgets/neurons/heatmap_scale.h"
#include "widgets/neurons/mark_legend.h"

namespace knife {

namespace {

const QString kRua = QStringLiteral("rua");

} // namespace

class NeuronHeatmap::Impl {
  public:
    explicit Impl(NeuronHeatmap& view);

    void buildControls(QVBoxLayout* column);
    void buildLegend(QVBoxLayout* column);
    void refreshDiagnostics();
    void refreshScale();
    void refreshLegend();
    void refreshStatus();
    void setDiagnostic(const QString& name);
    void selectWhere(const std::function<bool(const SiteSnapshot&, int)>& wanted);
    void showMenu(QPoint position);
    void copyTable() const;
    [[nodiscard]] NeuronRef refOf(CellRef cell) const;

    NeuronHeatmap& q;
    std::shared_ptr<const NeuronFrame> frame;
    QString diagnostic = kRua;
    std::map<QString, bool> logarithmic = {{kRua, true}}; ///< per diagnostic
    std::map<QString, ColourScale> locked;
    QString described;

    QStackedWidget* stack = nullptr;
    QLabel* empty = nullptr;
    QComboBox* chooser = nullptr;
    QCheckBox* logBox = nullptr;
    QToolButton* lock = nullptr;
    QLabel* source = nullptr;
    ColourBar* bar = nullptr;
    MarkLegend* marks = nullptr;
    QScrollArea* scroll = nullptr;
    HeatmapCanvas* canvas = nullptr;
    QLabel* status = nullptr;
    QLabel* count = nullptr;
};

NeuronHeatmap::Impl::Impl(NeuronHeatmap& view) : q(view) {
    stack = new QStackedWidget(&q);
    auto* outer = new QVBoxLayout(&q);
    outer->setContentsMargins(0, 0, 0, 0);
    outer->addWidget(stack);
    empty = makeEmptyState(
        NeuronHeatmap::tr("No neurons to show yet. They appear with the first finished window of a run."), stack);
    stack->addWidget(empty);
    auto* page = new QWidget(stack);
    auto* column = new QVBoxLayout(page);
    stack->addWidget(page);
    buildControls(column);
    buildLegend(column);

    canvas = new HeatmapCanvas;
    canvas->setObjectName(QStringLiteral("heatmapCanvas"));
    canvas->setAccessibleName(NeuronHeatmap::tr("Units of all sites"));
    canvas->setContextMenuPolicy(Qt::CustomContextMenu);
    scroll = new QScrollArea(page);
    scroll->setObjectName(QStringLiteral("heatmapScroll"));
    scroll->setAccessibleName(NeuronHeatmap::tr("Neuron heatmap"));
    scroll->setFocusPolicy(Qt::NoFocus);
    scroll->setWidgetResizable(true);
    scroll->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    scroll->setWidget(canvas);
    scroll->viewport()->installEventFilter(&q);
    column->addWidget(scroll, 1);

    auto* bottom = new QHBoxLayout;
    status = new QLabel(page);
    status->setObjectName(QStringLiteral("cellStatus"));
    status->setTextInteractionFlags(Qt::TextSelectableByMouse);
    status->setSizePolicy(QSizePolicy::Ignored, QSizePolicy::Fixed);
    count = new QLabel(page);
    count->setObjectName(QStringLiteral("selectionCount"));
    bottom->addWidget(status, 1);
    bottom->addWidget(count);
    column->addLayout(bottom);

    QObject::connect(canvas, &HeatmapCanvas::cellActivated, &q,
                     [this](CellRef cell) { Q_EMIT q.unitActivated(refOf(cell)); });
    QObject::connect(canvas, &HeatmapCanvas::selectionEdited, &q, [this] {
        refreshStatus();
        Q_EMIT q.selectionChanged(q.selection());
    });
    QObject::connect(canvas, &HeatmapCanvas::cellDescribed, &q, [this](const QString& text) {
        described = text;
        canvas->setAccessibleDescription(text);
        refreshStatus();
    });
    QObject::connect(canvas, &HeatmapCanvas::cursorMovedTo, &q, [this](const QRect& area) {
        scroll->ensureVisible(area.center().x(), area.center().y(), area.width(), 2 * area.height());
    });
    QObject::connect(canvas, &QWidget::customContextMenuRequested, &q, [this](QPoint position) { showMenu(position); });
    refreshLegend();
    refreshStatus();
}

void NeuronHeatmap::Impl::buildControls(QVBoxLayout* column) {
    auto* row = new QHBoxLayout;
    auto* label = new QLabel(NeuronHeatmap::tr("&Colour by"), &q);
    chooser = new QComboBox(&q);
    chooser->setObjectName(QStringLiteral("diagnosticChooser"));
    chooser->setAccessibleName(NeuronHeatmap::tr("Diagnostic that colours the units"));
    chooser->setSizeAdjustPolicy(QComboBox::AdjustToContents);
    label->setBuddy(chooser);
    logBox = new QCheckBox(NeuronHeatmap::tr("&Log scale"), &q);
    logBox->setObjectName(QStringLiteral("logScale"));
    logBox->setAccessibleName(NeuronHeatmap::tr("Logarithmic colour scale"));
    lock = new QToolButton(&q);
    lock->setObjectName(QStringLiteral("lockRange"));
    lock->setAccessibleName(NeuronHeatmap::tr("Lock the colour range"));
    lock->setToolTip(NeuronHeatmap::tr("Keep the colour range as it is while the data change"));
    lock->setText(NeuronHeatmap::tr("Lock range"));
    lock->setIcon(icon(QStringLiteral("unlock")));
    lock->setToolButtonStyle(Qt::ToolButtonTextBesideIcon);
    lock->setCheckable(true);
    lock->setAutoRaise(true);
    source = new QLabel(&q);
    source->setObjectName(QStringLiteral("frameSource"));
    source->setForegroundRole(QPalette::PlaceholderText);
    row->addWidget(label);
    row->addWidget(chooser);
    row->addWidget(logBox);
    row->addWidget(lock);
    row->addStretch(1);
    row->addWidget(source);
    column->addLayout(row);

    QObject::connect(chooser, &QComboBox::activated, &q, [this](int index) {
        setDiagnostic(chooser->itemData(index).toString());
        Q_EMIT q.diagnosticChanged(diagnostic);
    });
    QObject::connect(logBox, &QCheckBox::clicked, &q, [this](bool on) {
        logarithmic[diagnostic] = on;
        locked.erase(diagnostic);
        refreshScale();
    });
    QObject::connect(lock, &QToolButton::clicked, &q, [this](bool on) {
        if (on) {
            locked[diagnostic] = bar->scale();
        } else {
            locked.erase(diagnostic);
        }
        refreshScale();
    });
}

void NeuronHeatmap::Impl::buildLegend(QVBoxLayout* column) {
    auto* row = new QHBoxLayout;
    bar = new ColourBar(&q);
    bar->setObjectName(QStringLiteral("colourBar"));
    row->addWidget(bar, 1);
    marks = new MarkLegend(&q);
    row->addWidget(marks, 0, Qt::AlignTop);
    column->addLayout(row);
}

void NeuronHeatmap::Impl::refreshLegend() {
    const NeuronFrame usual;
    const NeuronFrame& thresholds = frame ? *frame : usual;
    marks->setThresholds(static_cast<double>(thresholds.staleBelow), static_cast<double>(thresholds.volatileAbove));
}

void NeuronHeatmap::Impl::refreshDiagnostics() {
    QStringList names;
    if (frame) {
        for (const SiteSnapshot& site : frame->sites) {
            for (const UnitDiagnostic& one : site.diagnostics) {
                const QString name = QString::fromStdString(one.name);
                if (!names.contains(name)) {
                    names.append(name);
                }
            }
        }
    }
    if (!names.contains(diagnostic)) {
        names.prepend(diagnostic);
    }
    QStringList shown;
    for (int i = 0; i < chooser->count(); ++i) {
        shown.append(chooser->itemData(i).toString());
    }
    if (shown != names) {
        chooser->clear();
        for (const QString& name : names) {
            chooser->addItem(displayName(name), name);
        }
    }
    chooser->setCurrentIndex(chooser->findData(diagnostic));
}

void NeuronHeatmap::Impl::refreshScale() {
    const auto held = locked.find(diagnostic);
    const bool isLocked = held != locked.end();
    logBox->setChecked(logarithmic[diagnostic]);
    lock->setChecked(isLocked);
    lock->setIcon(icon(isLocked ? QStringLiteral("lock") : QStringLiteral("unlock")));
    if (!frame) {
        return;
    }
    const ColourScale scale =
        isLocked ? held->second
                 : fitScale(*frame, diagnostic, logarithmic[diagnostic] ? ScaleWish::Logarithmic : ScaleWish::Linear);
    logBox->setEnabled(scale.kind != ColourScale::Kind::AroundZero);
    canvas->setScale(scale);
    bar->setScale(scale, displayName(diagnostic));
    bar->setThresholds(diagnostic == kRua ? std::vector<double>{frame->staleBelow, frame->volatileAbove}
                                          : std::vector<double>());
}

void NeuronHeatmap::Impl::refreshStatus() {
    status->setText(described.isEmpty()
                        ? NeuronHeatmap::tr("Click a unit to inspect it; drag, Ctrl or Shift to select more.")
                        : described);
    const auto selected = static_cast<int>(canvas->selection().size());
    count->setText(selected == 0   ? QString()
                   : selected == 1 ? NeuronHeatmap::tr("1 unit selected")
                                   : NeuronHeatmap::tr("%1 units selected").arg(selected));
}

void NeuronHeatmap::Impl::setDiagnostic(const QString& name) {
    diagnostic = name;
    refreshDiagnostics();
    canvas->setDiagnostic(name);
    refreshScale();
}

NeuronRef NeuronHeatmap::Impl::refOf(CellRef cell) const {
    return {frame->sites[static_cast<std::size_t>(cell.site)].name, cell.unit};
}

void NeuronHeatmap::Impl::selectWhere(const std::function<bool(const SiteSnapshot&, int)>& wanted) {
    if (!frame) {
        return;
    }
    std::set<CellRef> cells;
    for (std::size_t site = 0; site < frame->sites.size(); ++site) {
        for (int unit = 0; unit < frame->sites[site].units; ++unit) {
            if (wanted(frame->sites[site], unit)) {
                cells.insert({static_cast<int>(site), unit});
            }
        }
    }
    canvas->setSelection(std::move(cells));
    refreshStatus();
    Q_EMIT q.selectionChanged(q.selection());
}

void NeuronHeatmap::Impl::copyTable() const {
    QString text = QStringLiteral("site\tunit\t%1\n").arg(diagnostic);
    for (const SiteSnapshot& site : frame->sites) {
        const UnitDiagnostic* found = site.find(diagnostic.toStdString());
        for (std::size_t unit = 0; found != nullptr && unit < found->values.size(); ++unit) {
            text += QStringLiteral("%1\t%2\t%3\n")
                        .arg(QString::fromStdString(site.name))
                        .arg(unit)
                        .arg(found->values[unit]);
        }
    }
    QApplication::clipboard()->setText(text);
}

void NeuronHeatmap::Impl::showMenu(QPoint position) {
    if (!frame) {
        return;
    }
    QMenu menu(&q);
    const auto add = [&](const QString& text, auto call) {
        QObject::connect(menu.addAction(text), &QAction::triggered, &q, call);
    };
    add(NeuronHeatmap::tr("Select stagnant units"), [this] { q.selectBelow(frame->staleBelow); });
    add(NeuronHeatmap::tr("Select composites"), [this] {
        selectWhere([](const SiteSnapshot& site, int unit) {
            return std::any_of(site.composites.begin(), site.composites.end(),
                               [unit](const CompositeInfo& info) { return info.unit == unit; });
        });
    });
    if (const auto cell = canvas->layoutOfCells().at(position)) {
        const std::string name = refOf(*cell).site;
        add(NeuronHeatmap::tr("Select all of %1").arg(QString::fromStdString(name)),
            [this, name] { selectWhere([&name](const SiteSnapshot& site, int) { return site.name == name; }); });
    }
    add(NeuronHeatmap::tr("Clear selection"), [this] { selectWhere([](const SiteSnapshot&, int) { return false; }); });
    menu.addSeparator();
    add(NeuronHeatmap::tr("Copy values as table"), [this] { copyTable(); });
    menu.exec(canvas->mapToGlobal(position));
}

NeuronHeatmap::NeuronHeatmap(QWidget* parent) : QWidget(parent), m_impl(std::make_unique<Impl>(*this)) {
    m_impl->setDiagnostic(kRua);
}

NeuronHeatmap::~NeuronHeatmap() = default;

void NeuronHeatmap::setFrame(std::shared_ptr<const NeuronFrame> frame) {
    const std::vector<NeuronRef> selected = selection();
    m_impl->frame = frame && !frame->sites.empty() ? std::move(frame) : nullptr;
    m_impl->canvas->setFrame(m_impl->frame);
    m_impl->stack->setCurrentIndex(m_impl->frame ? 1 : 0);
    m_impl->refreshDiagnostics();
    m_impl->refreshScale();
    m_impl->refreshLegend();
    setSelection(selected);
}

void NeuronHeatmap::setEmptyText(const QString& text) {
    m_impl->empty->setText(text);
}

void NeuronHeatmap::setSource(const QString& text) {
    m_impl->source->setText(text);
}

void NeuronHeatmap::setDiagnostic(const QString& name) {
    m_impl->setDiagnostic(name);
}

QString NeuronHeatmap::diagnostic() const {
    return m_impl->diagnostic;
}

std::vector<NeuronRef> NeuronHeatmap::selection() const {
    std::vector<NeuronRef> units;
    for (const CellRef& cell : m_impl->canvas->selection()) {
        units.push_back(m_impl->refOf(cell));
    }
    std::sort(units.begin(), units.end());
    return units;
}

void NeuronHeatmap::setSelection(const std::vector<NeuronRef>& units) {
    std::set<CellRef> cells;
    const NeuronFrame nothing;
    const std::vector<SiteSnapshot>& sites = m_impl->frame ? m_impl->frame->sites : nothing.sites;
    for (const NeuronRef& unit : units) {
        const auto site = std::find_if(sites.begin(), sites.end(),
                                       [&](const SiteSnapshot& candidate) { return candidate.name == unit.site; });
        if (site != sites.end() && unit.index >= 0 && unit.index < site->units) {
            cells.insert({static_cast<int>(site - sites.begin()), unit.index});
        }
    }
    m_impl->canvas->setSelection(std::move(cells));
    m_impl->refreshStatus();
}

void NeuronHeatmap::selectBelow(double threshold) {
    m_impl->selectWhere([threshold](const SiteSnapshot& site, int unit) {
        const UnitDiagnostic* rua = site.acceptsComposites ? site.find("rua") : nullptr;
        return rua != nullptr && static_cast<std::size_t>(unit) < rua->values.size() &&
               rua->values[static_cast<std::size_t>(unit)] < threshold;
    });
}

bool NeuronHeatmap::eventFilter(QObject* watched, QEvent* event) {
    if (event->type() == QEvent::Resize && watched == m_impl->scroll->viewport()) {
        m_impl->canvas->setRoom(m_impl->scroll->viewport()->size());
    }
    return QWidget::eventFilter(watched, event);
}

} // namespace knife
