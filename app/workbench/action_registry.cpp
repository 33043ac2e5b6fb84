// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/workbench/action_registry.h"

#include <algorithm>

#include <QAction>

#include "widgets/icons.h"

namespace knife {

ActionRegistry::ActionRegistry(QObject* parent) : QObject(parent) {}

QAction* ActionRegistry::add(const CommandSpec& spec) {
    auto* action = new QAction(spec.text, this);
    action->setObjectName(spec.id);
    if (!spec.icon.isEmpty()) {
        action->setIcon(icon(spec.icon));
    }
    action->setShortcuts(spec.shortcuts);
    action->setCheckable(spec.checkable);
    action->setStatusTip(spec.tip);
    action->setWhatsThis(spec.whatsThis.isEmpty() ? spec.tip : spec.whatsThis);
    m_entries.push_back({spec, action});
    describe(m_entries.back(), {});
    return action;
}

QAction* ActionRegistry::action(const QString& id) const {
    const auto found =
        std::find_if(m_entries.begin(), m_entries.end(), [&id](const Entry& entry) { return entry.spec.id == id; });
    Q_ASSERT(found != m_entries.end());
    return found->action;
}

std::vector<QAction*> ActionRegistry::actions() const {
    std::vector<QAction*> result;
    result.reserve(m_entries.size());
    for (const Entry& entry : m_entries) {
        result.push_back(entry.action);
    }
    return result;
}

void ActionRegistry::refresh(const CommandContext& context) {
    for (const Entry& entry : m_entries) {
        if (entry.spec.obstacle) {
            const QString obstacle = entry.spec.obstacle(context);
            entry.action->setEnabled(obstacle.isEmpty());
            describe(entry, obstacle);
        }
    }
}

void ActionRegistry::describe(const Entry& entry, const QString& obstacle) {
    const QString shortcut = entry.action->shortcut().toString(QKeySequence::NativeText);
    QString tip = shortcut.isEmpty() ? entry.spec.tip : QStringLiteral("%1 (%2)").arg(entry.spec.tip, shortcut);
    if (!obstacle.isEmpty()) {
        tip += QLatin1Char('\n') + obstacle;
    }
    entry.action->setToolTip(tip);
}

} // namespace knife
