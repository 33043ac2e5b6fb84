// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/env/agent_scene.h"

#include <QHelpEvent>
#include <QKeyEvent>
#include <QMouseEvent>
#include <QPainter>
#include <QToolTip>

namespace knife {

AgentScene::AgentScene(QWidget* parent) : QWidget(parent) {
    setMouseTracking(true);
    setFocusPolicy(Qt::StrongFocus);
}

QSize AgentScene::sizeHint() const {
    const int side = 24 * fontMetrics().height();
    return {side, side};
}

QSize AgentScene::minimumSizeHint() const {
    const int side = 10 * fontMetrics().height();
    return {side, side};
}

void AgentScene::figuresChanged() {
    m_hover = m_mouse ? figureAt(*m_mouse) : -1;
    if (m_selected >= agents()) {
        select(-1);
    }
    describeAll();
    update();
}

void AgentScene::describeAll() {
    const bool tells = m_selected >= 0 && isThere(m_selected);
    setAccessibleDescription(tells ? summary() + QLatin1Char('\n') + describe(m_selected) : summary());
}

void AgentScene::select(int agent) {
    if (agent == m_selected) {
        return;
    }
    m_selected = agent;
    describeAll();
    update();
    Q_EMIT agentSelected(agent);
}

void AgentScene::selectNext(int direction) {
    const int count = agents();
    // Without a selection, the first or the last.
    int agent = m_selected >= 0 ? m_selected : direction > 0 ? -1 : count;
    for (int tried = 0; tried < count; ++tried) {
        agent = (agent + direction + count) % count;
        if (isThere(agent)) {
            select(agent);
            return;
        }
    }
}

void AgentScene::paintEvent(QPaintEvent* /*event*/) {
    QPainter painter(this);
    paintScene(painter);
    if (hasFocus()) {
        painter.setRenderHint(QPainter::Antialiasing, false);
        painter.setPen(QPen(palette().color(QPalette::Highlight), 2));
        painter.setBrush(Qt::NoBrush);
        painter.drawRect(rect().adjusted(1, 1, -1, -1));
    }
}

void AgentScene::mouseMoveEvent(QMouseEvent* event) {
    m_mouse = event->position();
    if (const int figure = figureAt(*m_mouse); figure != m_hover) {
        m_hover = figure;
        update();
    }
}

void AgentScene::mousePressEvent(QMouseEvent* event) {
    const int figure = figureAt(event->position());
    select(figure < agents() ? figure : -1);
    QWidget::mousePressEvent(event);
}

void AgentScene::keyPressEvent(QKeyEvent* event) {
    switch (event->key()) {
    case Qt::Key_Escape:
        select(-1);
        break;
    case Qt::Key_Right:
    case Qt::Key_Down:
        selectNext(1);
        break;
    case Qt::Key_Left:
    case Qt::Key_Up:
        selectNext(-1);
        break;
    default:
        QWidget::keyPressEvent(event);
    }
}

void AgentScene::leaveEvent(QEvent* event) {
    m_mouse.reset();
    m_hover = -1;
    update();
    QWidget::leaveEvent(event);
}

void AgentScene::focusInEvent(QFocusEvent* event) {
    update();
    QWidget::focusInEvent(event);
}

void AgentScene::focusOutEvent(QFocusEvent* event) {
    update();
    QWidget::focusOutEvent(event);
}

bool AgentScene::event(QEvent* event) {
    if (event->type() != QEvent::ToolTip) {
        return QWidget::event(event);
    }
    auto* help = static_cast<QHelpEvent*>(event);
    const int figure = figureAt(help->pos());
    QString text = figure >= 0 ? describe(figure) : QString();
    if (figure >= 0 && figure < agents() && figure != m_selected) {
        text += QLatin1Char('\n') + tr("Click to see what it observes and what its actions are worth to it.");
    }
    QToolTip::showText(help->globalPos(), text, this);
    return true;
}

} // namespace knife
