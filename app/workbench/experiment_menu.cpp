// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/workbench/experiment_menu.h"

#include <QCoreApplication>
#include <QDir>
#include <QDirIterator>
#include <QStandardPaths>

#include <map>

namespace knife {

namespace {

QString readable(QString name) {
    name.replace('_', ' ');
    if (!name.isEmpty()) {
        name[0] = name[0].toUpper();
    }
    return name;
}

} // namespace

QStringList experimentFolders() {
    const QString program = QCoreApplication::applicationDirPath();
    QStringList folders;
    for (const QString& candidate :
         {program + QStringLiteral("/../share/knife-workbench/experiments"),
          program + QStringLiteral("/../../../experiments"),
          QStandardPaths::locate(QStandardPaths::GenericDataLocation, QStringLiteral("knife-workbench/experiments"),
                                 QStandardPaths::LocateDirectory)}) {
        const QString clean = QDir(candidate).canonicalPath();
        if (!candidate.isEmpty() && !clean.isEmpty() && !folders.contains(clean)) {
            folders << clean;
        }
    }
    return folders;
}

std::vector<ExperimentFile> listExperiments(const QString& folder) {
    std::vector<ExperimentFile> files;
    for (const QFileInfo& study : QDir(folder).entryInfoList(QDir::Dirs | QDir::NoDotAndDotDot, QDir::Name)) {
        for (const QFileInfo& file :
             QDir(study.filePath()).entryInfoList({QStringLiteral("*.toml")}, QDir::Files, QDir::Name)) {
            files.push_back({study.fileName(), file.completeBaseName(), file.absoluteFilePath()});
        }
    }
    return files;
}

ExperimentMenu::ExperimentMenu(const QString& title, QAction* last, QWidget* parent)
    : QMenu(title, parent), m_last(last) {
    connect(this, &QMenu::aboutToShow, this, &ExperimentMenu::fill);
    addAction(last); // so that its shortcut works before the menu was ever shown
}

void ExperimentMenu::fill() {
    clear();
    qDeleteAll(std::exchange(m_studies, {}));
    std::map<QString, QMenu*> studies;
    for (const QString& folder : experimentFolders()) {
        for (const ExperimentFile& file : listExperiments(folder)) {
            QMenu*& study = studies[file.study];
            if (study == nullptr) {
                study = addMenu(readable(file.study));
                study->setToolTipsVisible(true);
                m_studies << study;
            }
            QAction* action = study->addAction(readable(file.name));
            action->setToolTip(file.path);
            connect(action, &QAction::triggered, this, [this, path = file.path] { Q_EMIT experimentChosen(path); });
        }
    }
    if (!studies.empty()) {
        addSeparator();
    }
    addAction(m_last);
}

} // namespace knife
