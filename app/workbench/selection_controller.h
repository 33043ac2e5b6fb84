// SPDX-License-Identifier: GPL-3.0-or-later
// Which runs are looked at: the list on the left, the run in focus and the curves agree through this.
#pragma once

#include <optional>

#include <QObject>
#include <QString>
#include <QTimer>

namespace knife {

class CurveController;
class RunController;
class RunList;
class RunPanel;
class StoreReader;
struct Error;

class SelectionController final : public QObject {
    Q_OBJECT

  public:
    struct Parts {
        StoreReader& store;
        RunList& list;
        RunController& runs;
        CurveController& curves;
        RunPanel& panel;
    };

    /// All outlive the controller. `first` is the run that is shown when a workspace has been opened: an id, the unique
    /// beginning of one, or "last"; empty: the newest live run, else the newest.
    SelectionController(Parts parts, const QString& first, QObject* parent = nullptr);

  Q_SIGNALS:
    void troubled(const knife::Error& error);
    /// Runs were found training when the workspace was opened.
    void foundLive(int runs);

  private:
    void onListUpdated(bool first);
    void chooseFirst();
    void showInList();
    void showCurves();

    Parts m_parts;
    QString m_first;
    QTimer m_delay; ///< walking through the list with the arrow keys must not read every run
};

} // namespace knife
