// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/workbench/dialogs.h"

#include <algorithm>
#include <limits>

#include <QCoreApplication>
#include <QFileDialog>
#include <QInputDialog>
#include <QMessageBox>

namespace knife {

namespace {

QString text(const char* source) {
    return QCoreApplication::translate("Dialogs", source);
}

QFileDialog* fileDialog(QWidget* parent, const QString& title, const QString& folder, const TextChosen& chosen) {
    auto* dialog = new QFileDialog(parent, title, folder);
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    QObject::connect(dialog, &QFileDialog::fileSelected, parent, chosen);
    return dialog;
}

} // namespace

void askExperimentFile(QWidget* parent, const QString& folder, const TextChosen& chosen) {
    QFileDialog* dialog = fileDialog(parent, text("Start a Run of an Experiment"), folder, chosen);
    dialog->setFileMode(QFileDialog::ExistingFile);
    dialog->setNameFilters({text("Experiments (*.toml)"), text("All files (*)")});
    dialog->open();
}

void askWorkspace(QWidget* parent, const QString& folder, const TextChosen& chosen) {
    QFileDialog* dialog = fileDialog(parent, text("Open Workspace"), folder, chosen);
    dialog->setFileMode(QFileDialog::Directory);
    dialog->setOption(QFileDialog::ShowDirsOnly);
    dialog->open();
}

void askExportFile(QWidget* parent, const QString& name, const TextChosen& chosen) {
    QFileDialog* dialog = fileDialog(parent, text("Export Plot"), {}, chosen);
    dialog->setAcceptMode(QFileDialog::AcceptSave);
    dialog->setFileMode(QFileDialog::AnyFile);
    dialog->setNameFilters({text("PDF, for papers (*.pdf)"), text("PNG image (*.png)")});
    dialog->setDefaultSuffix(QStringLiteral("pdf"));
    dialog->selectFile(name);
    dialog->open();
}

void askEnvStep(QWidget* parent, std::int64_t current, std::int64_t total,
                const std::function<void(std::int64_t)>& chosen) {
    constexpr std::int64_t kLimit = std::numeric_limits<int>::max();
    const auto first = static_cast<int>(std::min(current + 1, kLimit));
    const auto last = static_cast<int>(std::clamp<std::int64_t>(total, first, kLimit));
    auto* dialog = new QInputDialog(parent);
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    dialog->setWindowTitle(text("Run To"));
    dialog->setLabelText(text("Train until this environment step, then pause:"));
    dialog->setInputMode(QInputDialog::IntInput);
    dialog->setIntRange(first, last);
    dialog->setIntStep(std::max(1, (last - first) / 20));
    dialog->setIntValue(
        static_cast<int>(std::min<std::int64_t>(last, current + std::max<std::int64_t>(1, total / 10))));
    QObject::connect(dialog, &QInputDialog::intValueSelected, parent, [chosen](int step) { chosen(step); });
    dialog->open();
}

void showAbout(QWidget* parent) {
    auto* box = new QMessageBox(parent);
    box->setAttribute(Qt::WA_DeleteOnClose);
    box->setWindowTitle(text("About KNIFE Workbench"));
    box->setIconPixmap(parent->windowIcon().pixmap(64));
    box->setText(text("<h3>KNIFE Workbench %1</h3>"
                      "<p>An instrument for one question: why do value-factorization agents stop learning, and what "
                      "brings them back?</p>")
                     .arg(QCoreApplication::applicationVersion()));
    box->setInformativeText(
        text("Free software under the GNU General Public License, version 3 or later. Uses Qt %1 and QCustomPlot; runs "
             "are trained by knifectl with LibTorch. Nothing is sent over a network.")
            .arg(QLatin1String(qVersion())));
    box->open();
}

} // namespace knife
