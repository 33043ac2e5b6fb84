// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/env/matrix_widget.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <QComboBox>
#include <QGridLayout>
#include <QHBoxLayout>
#include <QLabel>
#include <QVBoxLayout>

#include "widgets/env/matrix_table.h"
#include "widgets/format.h"
#include "widgets/neurons/colour_bar.h"

namespace knife {

namespace {

std::size_t jointActions(const MatrixView& game) {
    std::size_t count = game.shape.empty() ? 0 : 1;
    for (const int actions : game.shape) {
        count *= static_cast<std::size_t>(std::max(actions, 0));
    }
    return count;
}

std::vector<int> actionsOf(const MatrixView& game, int flat) {
    std::vector<int> actions(game.shape.size(), 0);
    for (std::size_t agent = game.shape.size(); agent-- > 0;) {
        actions[agent] = flat % game.shape[agent];
        flat /= game.shape[agent];
    }
    return actions;
}

int argmax(const std::vector<float>& values) {
    return static_cast<int>(std::max_element(values.begin(), values.end()) - values.begin());
}

QString tuple(const std::vector<int>& actions) {
    QStringList texts;
    for (const int action : actions) {
        texts.append(QString::number(action));
    }
    return QLatin1Char('(') + texts.join(QStringLiteral(", ")) + QLatin1Char(')');
}

ColourScale sharedScale(const MatrixView& game) {
    double lowest = std::numeric_limits<double>::infinity();
    double highest = -std::numeric_limits<double>::infinity();
    for (const std::vector<float>* table : {&game.payoff, &game.learnedQTot}) {
        for (const float value : *table) {
            if (std::isfinite(value)) {
                lowest = std::min(lowest, static_cast<double>(value));
                highest = std::max(highest, static_cast<double>(value));
            }
        }
    }
    if (!(lowest <= highest)) {
        return {};
    }
    if (lowest < 0.0 && highest > 0.0) {
        const double reach = std::max(-lowest, highest);
        return {ColourScale::Kind::AroundZero, -reach, reach};
    }
    return {ColourScale::Kind::Linear, std::min(lowest, 0.0), highest > lowest ? highest : lowest + 1.0};
}

} // namespace

std::vector<int> optimalJointActions(const MatrixView& game) {
    std::vector<int> best;
    if (game.payoff.empty()) {
        return best;
    }
    const float highest = *std::max_element(game.payoff.begin(), game.payoff.end());
    for (std::size_t i = 0; i < game.payoff.size(); ++i) {
        if (game.payoff[i] == highest) {
            best.push_back(static_cast<int>(i));
        }
    }
    return best;
}

std::vector<int> greedyJointAction(const MatrixView& game) {
    const bool utilitiesKnown =
        game.learnedQ.size() == game.shape.size() && !game.shape.empty() &&
        std::none_of(game.learnedQ.begin(), game.learnedQ.end(), [](const std::vector<float>& q) { return q.empty(); });
    if (utilitiesKnown) {
        std::vector<int> actions;
        for (const std::vector<float>& utilities : game.learnedQ) {
            actions.push_back(argmax(utilities));
        }
        return actions;
    }
    if (game.learnedQTot.empty() || game.learnedQTot.size() != jointActions(game)) {
        return {};
    }
    return actionsOf(game, argmax(game.learnedQTot));
}

int flatIndex(const MatrixView& game, const std::vector<int>& actions) {
    if (actions.size() != game.shape.size() || actions.empty()) {
        return -1;
    }
    int flat = 0;
    for (std::size_t agent = 0; agent < actions.size(); ++agent) {
        if (actions[agent] < 0 || actions[agent] >= game.shape[agent]) {
            return -1;
        }
        flat = flat * game.shape[agent] + actions[agent];
    }
    return flat;
}

class MatrixWidget::Impl {
  public:
    explicit Impl(MatrixWidget& widget);

    void rebuildFixed();
    void refresh();
    [[nodiscard]] MatrixSlice slice(const std::vector<float>& table, const std::vector<int>& outlined) const;
    [[nodiscard]] std::vector<int> jointAction(int row, int column) const;
    [[nodiscard]] QString verdict() const;

    MatrixWidget& q;
    MatrixView game;
    QLabel* title = nullptr;
    MatrixTable* payoff = nullptr;
    MatrixTable* learned = nullptr;
    QLabel* payoffTitle = nullptr;
    QLabel* learnedTitle = nullptr;
    QWidget* fixedRow = nullptr;
    std::vector<QComboBox*> fixed; ///< one per agent from the third on
    QLabel* summary = nullptr;
    ColourBar* bar = nullptr;
};

MatrixWidget::Impl::Impl(MatrixWidget& widget) : q(widget) {
    auto* column = new QVBoxLayout(&q);
    title = new QLabel(&q);
    title->setObjectName(QStringLiteral("gameTitle"));
    QFont bold = title->font();
    bold.setWeight(QFont::DemiBold);
    title->setFont(bold);
    column->addWidget(title);

    auto* grid = new QGridLayout;
    payoffTitle = new QLabel(MatrixWidget::tr("Payoff, optimum framed"), &q);
    learnedTitle = new QLabel(MatrixWidget::tr("Learned Q_tot, greedy action framed"), &q);
    payoff = new MatrixTable(&q);
    payoff->setObjectName(QStringLiteral("payoffTable"));
    payoff->setAccessibleName(MatrixWidget::tr("Payoff of each joint action"));
    learned = new MatrixTable(&q);
    learned->setObjectName(QStringLiteral("learnedTable"));
    learned->setAccessibleName(MatrixWidget::tr("Learned Q_tot of each joint action"));
    grid->addWidget(payoffTitle, 0, 0);
    grid->addWidget(learnedTitle, 0, 1);
    grid->addWidget(payoff, 1, 0);
    grid->addWidget(learned, 1, 1);
    grid->setColumnStretch(0, 1);
    grid->setColumnStretch(1, 1);
    grid->setRowStretch(1, 1);
    column->addLayout(grid, 1);

    fixedRow = new QWidget(&q);
    auto* fixedLayout = new QHBoxLayout(fixedRow);
    fixedLayout->setContentsMargins(0, 0, 0, 0);
    column->addWidget(fixedRow);
    summary = new QLabel(&q);
    summary->setObjectName(QStringLiteral("gameSummary"));
    summary->setWordWrap(true);
    column->addWidget(summary);
    bar = new ColourBar(&q);
    bar->setObjectName(QStringLiteral("payoffScale"));
    column->addWidget(bar);
    fixedRow->hide();
}

void MatrixWidget::Impl::rebuildFixed() {
    qDeleteAll(fixedRow->findChildren<QWidget*>(Qt::FindDirectChildrenOnly));
    delete fixedRow->layout();
    fixed.clear();
    auto* layout = new QHBoxLayout(fixedRow);
    layout->setContentsMargins(0, 0, 0, 0);
    for (std::size_t agent = 2; agent < game.shape.size(); ++agent) {
        auto* box = new QComboBox(fixedRow);
        box->setObjectName(QStringLiteral("fixedAction%1").arg(agent + 1));
        box->setAccessibleName(MatrixWidget::tr("Action of agent %1").arg(agent + 1));
        for (int action = 0; action < game.shape[agent]; ++action) {
            box->addItem(QString::number(action));
        }
        auto* label = new QLabel(MatrixWidget::tr("Agent %1 plays").arg(agent + 1), fixedRow);
        label->setBuddy(box);
        layout->addWidget(label);
        layout->addWidget(box);
        QObject::connect(box, &QComboBox::currentIndexChanged, &q, [this] { refresh(); });
        fixed.push_back(box);
    }
    layout->addStretch(1);
    fixedRow->setVisible(!fixed.empty());
}

std::vector<int> MatrixWidget::Impl::jointAction(int row, int column) const {
    std::vector<int> actions = {row};
    if (game.shape.size() > 1) {
        actions.push_back(column);
    }
    for (const QComboBox* box : fixed) {
        actions.push_back(std::max(0, box->currentIndex()));
    }
    return actions;
}

MatrixSlice MatrixWidget::Impl::slice(const std::vector<float>& table, const std::vector<int>& outlined) const {
    MatrixSlice result;
    result.rows = game.shape.empty() ? 0 : game.shape[0];
    result.columns = game.shape.size() > 1 ? game.shape[1] : (game.shape.empty() ? 0 : 1);
    const bool complete = table.size() == jointActions(game);
    const int last = flatIndex(game, game.lastActions);
    for (int row = 0; row < result.rows; ++row) {
        for (int column = 0; column < result.columns; ++column) {
            const int flat = flatIndex(game, jointAction(row, column));
            const int place = row * result.columns + column;
            if (complete) {
                result.values.push_back(table[static_cast<std::size_t>(flat)]);
            }
            if (std::find(outlined.begin(), outlined.end(), flat) != outlined.end()) {
                result.outlined.push_back(place);
            }
            result.last = flat == last ? place : result.last;
        }
    }
    return result;
}

QString MatrixWidget::Impl::verdict() const {
    const std::vector<int> optima = optimalJointActions(game);
    const std::vector<int> greedy = greedyJointAction(game);
    const int flat = flatIndex(game, greedy);
    if (optima.empty()) {
        return {};
    }
    const float best = game.payoff[static_cast<std::size_t>(optima.front())];
    const QString optimum = MatrixWidget::tr("optimum %1 pays %2")
                                .arg(tuple(actionsOf(game, optima.front())), formatValue(static_cast<double>(best)));
    if (flat < 0 || static_cast<std::size_t>(flat) >= game.payoff.size()) {
        return MatrixWidget::tr("Nothing learned yet; %1.").arg(optimum);
    }
    const float reached = game.payoff[static_cast<std::size_t>(flat)];
    const QString text = MatrixWidget::tr("Greedy %1 pays %2; %3")
                             .arg(tuple(greedy), formatValue(static_cast<double>(reached)), optimum);
    return reached == best
               ? MatrixWidget::tr("%1: solved.").arg(text)
               : MatrixWidget::tr("%1: regret %2.").arg(text, formatValue(static_cast<double>(best - reached)));
}

void MatrixWidget::Impl::refresh() {
    const std::vector<int> greedy = greedyJointAction(game);
    const int flat = flatIndex(game, greedy);
    MatrixSlice pay = slice(game.payoff, optimalJointActions(game));
    MatrixSlice learnt = slice(game.learnedQTot, flat >= 0 ? std::vector<int>{flat} : std::vector<int>());
    if (!game.learnedQ.empty() && game.learnedQ.size() == game.shape.size()) {
        learnt.rowUtilities = game.learnedQ[0];
        learnt.columnUtilities = game.shape.size() > 1 ? game.learnedQ[1] : std::vector<float>();
    }
    const ColourScale scale = sharedScale(game);
    const int headerLines = learnt.columnUtilities.empty() ? 1 : 2;
    payoff->setHeaderLines(headerLines);
    learned->setHeaderLines(headerLines);
    payoff->setScale(scale);
    learned->setScale(scale);
    payoff->setSlice(pay, MatrixWidget::tr("optimum"));
    learned->setSlice(learnt, MatrixWidget::tr("greedy"));
    bar->setScale(scale, MatrixWidget::tr("payoff and Q_tot"));
    title->setText(game.shape.size() > 1
                       ? MatrixWidget::tr("%1, rows: agent 1, columns: agent 2").arg(QString::fromStdString(game.title))
                       : QString::fromStdString(game.title));
    summary->setText(verdict() +
                     (game.lastActions.empty()
                          ? QString()
                          : MatrixWidget::tr(" Last played %1, corner mark.").arg(tuple(game.lastActions))));
    q.setAccessibleDescription(summary->text());
}

MatrixWidget::MatrixWidget(QWidget* parent) : QWidget(parent), m_impl(std::make_unique<Impl>(*this)) {}

MatrixWidget::~MatrixWidget() = default;

void MatrixWidget::setGame(const MatrixView& game) {
    if (game == m_impl->game) {
        return;
    }
    const bool otherShape = game.shape != m_impl->game.shape;
    m_impl->game = game;
    if (otherShape) {
        m_impl->rebuildFixed();
    }
    m_impl->refresh();
}

} // namespace knife
