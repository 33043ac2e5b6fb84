// SPDX-License-Identifier: GPL-3.0-or-later
// Menu bar and toolbar. They hold no commands of their own, only references to those of the registry.
#pragma once

#include <QList>

class QAction;
class QMainWindow;
class QMenu;
class QToolBar;

namespace knife {

class ActionRegistry;

struct MenuParts {
    QMenu* newRun = nullptr; ///< goes into the File menu and behind the New button
    QMenu* recent = nullptr; ///< recent workspaces
    QList<QAction*> panels;  ///< toggle actions of docks
};

void buildMenus(QMainWindow& window, const ActionRegistry& actions, const MenuParts& parts);
/// The main toolbar; there is room for figures at its end.
[[nodiscard]] QToolBar* buildToolBar(QMainWindow& window, const ActionRegistry& actions, QMenu* newRun);

} // namespace knife
