// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/workbench/menus.h"

#include <QActionGroup>
#include <QCoreApplication>
#include <QMainWindow>
#include <QMenuBar>
#include <QToolBar>
#include <QToolButton>

#include "app/workbench/action_registry.h"
#include "app/workbench/commands.h"
#include "widgets/icons.h"

namespace knife {

namespace {

QString text(const char* source) {
    return QCoreApplication::translate("Menus", source);
}

/// An empty id is a separator.
void addAll(QMenu* menu, const ActionRegistry& actions, std::initializer_list<const char*> ids) {
    for (const char* id : ids) {
        if (*id == '\0') {
            menu->addSeparator();
        } else {
            menu->addAction(actions.action(QLatin1String(id)));
        }
    }
}

void addViewMenu(QMainWindow& window, const ActionRegistry& actions, const MenuParts& parts) {
    QMenu* view = window.menuBar()->addMenu(text("&View"));
    QMenu* panels = view->addMenu(text("&Panels"));
    panels->addActions(parts.panels);
    QMenu* theme = view->addMenu(text("&Theme"));
    addAll(theme, actions, {command::kThemeSystem, command::kThemeLight, command::kThemeDark});
    auto* group = new QActionGroup(theme);
    for (QAction* action : theme->actions()) {
        group->addAction(action);
    }
    addAll(view, actions, {"", command::kNewest, command::kFindRun, "", command::kRestoreLayout, command::kFullScreen});
}

} // namespace

void buildMenus(QMainWindow& window, const ActionRegistry& actions, const MenuParts& parts) {
    QMenu* file = window.menuBar()->addMenu(text("&File"));
    file->addMenu(parts.newRun);
    addAll(file, actions, {"", command::kOpenWorkspace});
    file->addMenu(parts.recent);
    addAll(file, actions, {"", command::kQuit});

    addAll(window.menuBar()->addMenu(text("&Run")), actions,
           {command::kStart, command::kPause, command::kStep, command::kRunTo, "", command::kEvaluate,
            command::kCheckpoint, "", command::kStop});
    addAll(window.menuBar()->addMenu(text("&Neurons")), actions,
           {command::kOperate, command::kUndo, "", command::kSelectStagnant, command::kClearSelection});
    addViewMenu(window, actions, parts);
    addAll(window.menuBar()->addMenu(text("&Help")), actions, {command::kWhatsThis, "", command::kAbout});
}

QToolBar* buildToolBar(QMainWindow& window, const ActionRegistry& actions, QMenu* newRun) {
    auto* toolbar = window.addToolBar(text("Main toolbar"));
    toolbar->setObjectName(QStringLiteral("toolbar.main"));
    toolbar->setToolButtonStyle(Qt::ToolButtonTextBesideIcon);
    const int side = toolbar->fontMetrics().height();
    toolbar->setIconSize({side, side});

    auto* create = new QToolButton(toolbar);
    create->setObjectName(QStringLiteral("newRunButton"));
    create->setText(text("New"));
    create->setIcon(icon(QStringLiteral("new")));
    create->setToolTip(text("Start a run of an experiment"));
    create->setAccessibleName(text("New run"));
    create->setToolButtonStyle(Qt::ToolButtonTextBesideIcon);
    create->setPopupMode(QToolButton::InstantPopup);
    create->setMenu(newRun);
    toolbar->addWidget(create);
    const auto add = [&](std::initializer_list<const char*> ids, Qt::ToolButtonStyle style) {
        for (const char* id : ids) {
            QAction* action = actions.action(QLatin1String(id));
            toolbar->addAction(action);
            if (auto* button = qobject_cast<QToolButton*>(toolbar->widgetForAction(action))) {
                button->setToolButtonStyle(style);
                button->setAccessibleName(QString(action->text()).remove('&').remove(QChar(0x2026)));
            }
        }
    };
    add({command::kOpenWorkspace}, Qt::ToolButtonIconOnly);
    toolbar->addSeparator();
    add({command::kStart, command::kPause}, Qt::ToolButtonTextBesideIcon);
    add({command::kStep, command::kRunTo}, Qt::ToolButtonIconOnly);
    add({command::kStop}, Qt::ToolButtonTextBesideIcon);
    toolbar->addSeparator();
    add({command::kEvaluate, command::kCheckpoint}, Qt::ToolButtonIconOnly);
    toolbar->addSeparator();
    add({command::kOperate}, Qt::ToolButtonTextBesideIcon);
    add({command::kUndo}, Qt::ToolButtonIconOnly);
    return toolbar;
}

} // namespace knife
