// SPDX-License-Identifier: GPL-3.0-or-later
// The experiments that come with the program, one submenu per study.
#pragma once

#include <vector>

#include <QMenu>
#include <QString>
#include <QStringList>

namespace knife {

struct ExperimentFile {
    QString study; ///< name of its folder
    QString name;  ///< of the file, without suffix
    QString path;
    bool operator==(const ExperimentFile&) const = default;
};

/// Folders that may hold experiments: the installed ones, and those of the source tree when run from a build.
[[nodiscard]] QStringList experimentFolders();
/// The *.toml files one level below a folder, by study and name.
[[nodiscard]] std::vector<ExperimentFile> listExperiments(const QString& folder);

class ExperimentMenu final : public QMenu {
    Q_OBJECT

  public:
    /// Filled each time it is about to be shown; `last` (for a file of the user's own) comes after a separator.
    ExperimentMenu(const QString& title, QAction* last, QWidget* parent = nullptr);

  Q_SIGNALS:
    void experimentChosen(const QString& path);

  private:
    void fill();

    QAction* m_last;
    QList<QMenu*> m_studies;
};

} // namespace knife
