// SPDX-License-Identifier: GPL-3.0-or-later
// Every command of the program as one QAction, with the rule that says when it can be used. Menus, toolbars and context
// menus only refer to them.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include <QKeySequence>
#include <QObject>
#include <QString>

#include "core/types/run_state.h"

class QAction;

namespace knife {

/// What the rules look at.
struct CommandContext {
    std::optional<RunState> state; ///< of the run in focus; nothing: no run is in focus
    bool attached = false;         ///< its process hears us
    bool operable = false;         ///< units are selected that can be operated on
    bool operating = false;        ///< a surgery has been asked for and not answered yet
    bool undoable = false;         ///< the newest surgery has not been followed by an update
    bool operator==(const CommandContext&) const = default;
};

/// Why a command cannot be used now, as a sentence for its tooltip; empty: it can.
using Obstacle = std::function<QString(const CommandContext&)>;

struct CommandSpec {
    QString id;   ///< "run.pause": stable, for tests and settings
    QString text; ///< with mnemonic
    QString icon; ///< name for icon(), or empty
    QList<QKeySequence> shortcuts;
    QString tip;       ///< one line: status bar and tooltip
    QString whatsThis; ///< a few sentences; empty: the tip
    bool checkable = false;
    Obstacle obstacle; ///< none: always enabled
};

class ActionRegistry final : public QObject {
    Q_OBJECT

  public:
    explicit ActionRegistry(QObject* parent = nullptr);

    /// The id must be new. The action has the id as its object name and belongs to the registry.
    QAction* add(const CommandSpec& spec);
    /// The id must be known.
    [[nodiscard]] QAction* action(const QString& id) const;
    /// In the order in which they were added.
    [[nodiscard]] std::vector<QAction*> actions() const;

    /// Applies all rules; an action that cannot be used says why in its tooltip.
    void refresh(const CommandContext& context);

  private:
    struct Entry {
        CommandSpec spec;
        QAction* action = nullptr;
    };
    static void describe(const Entry& entry, const QString& obstacle);

    std::vector<Entry> m_entries;
};

} // namespace knife
