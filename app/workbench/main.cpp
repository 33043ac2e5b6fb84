// SPDX-License-Identifier: GPL-3.0-or-later
// knife-workbench: the window.
#include <cstdio>

#include <QCoreApplication>
#include <QSettings>
#include <QTimer>

#include "app/workbench/command_line.h"
#include "app/workbench/main_window.h"
#include "app/workbench/stall_watch.h"
#include "app/workbench/workbench.h"

namespace {

void nameProgram() {
    QCoreApplication::setOrganizationName(QStringLiteral("knife-workbench"));
    QCoreApplication::setApplicationName(QStringLiteral("knife-workbench"));
    QCoreApplication::setApplicationVersion(QStringLiteral(KNIFE_VERSION));
}

void print(std::FILE* stream, const QString& text) {
    std::fputs(text.toLocal8Bit().constData(), stream);
}

/// Help and errors of usage need no display.
int answerWithoutWindow(const knife::ParsedCommandLine& line) {
    if (line.kind == knife::ParsedCommandLine::Kind::Wrong) {
        print(stderr, QStringLiteral("knife-workbench: %1\n").arg(line.text));
        return 2;
    }
    print(stdout, line.text);
    return 0;
}

int runWindow(int argc, char** argv, const knife::LaunchOptions& options) {
    QGuiApplication::setHighDpiScaleFactorRoundingPolicy(Qt::HighDpiScaleFactorRoundingPolicy::PassThrough);
    knife::WatchedApplication application(argc, argv);
    QGuiApplication::setDesktopFileName(QStringLiteral("io.github.knife_workbench.KnifeWorkbench"));
    if (options.timing) {
        application.startWatching();
    }
    QSettings settings(knife::preferencesPath(), QSettings::IniFormat);
    knife::Workbench workbench;
    knife::MainWindow window(workbench, settings, options);
    QObject::connect(&window, &knife::MainWindow::firstPainted, &window, [&] {
        if (options.timing) {
            print(stderr, QStringLiteral("first paint after %1 ms\n").arg(knife::msSinceProcessStart(), 0, 'f', 0));
        }
        window.open();
    });
    if (!options.screenshot.isEmpty()) {
        QTimer::singleShot(static_cast<int>(1000.0 * options.afterS), &window, [&] {
            application.stopWatching(); // taking the picture is not work of the window
            QCoreApplication::exit(window.grab().save(options.screenshot) ? 0 : 1);
        });
    }
    window.show();
    const int code = QApplication::exec();
    if (options.timing) {
        print(stderr, QStringLiteral("longest stall %1 ms: %2\n")
                          .arg(application.longestStallMs(), 0, 'f', 1)
                          .arg(application.longestStall()));
    }
    return code;
}

} // namespace

int main(int argc, char** argv) {
    nameProgram();
    QStringList arguments;
    for (int i = 0; i < argc; ++i) {
        arguments << QString::fromLocal8Bit(argv[i]);
    }
    const knife::ParsedCommandLine line = [&] {
        const QCoreApplication early(argc, argv); // the parser wants one, and this one needs no display
        return knife::parseCommandLine(arguments);
    }();
    return line.kind == knife::ParsedCommandLine::Kind::Run ? runWindow(argc, argv, line.options)
                                                            : answerWithoutWindow(line);
}
