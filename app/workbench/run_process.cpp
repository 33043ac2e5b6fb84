// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/workbench/run_process.h"

#include <QCoreApplication>
#include <QDateTime>
#include <QDir>
#include <QFile>
#include <QFileInfo>
#include <QProcess>
#include <QStandardPaths>

#include "app/workbench/text.h"

namespace knife {

namespace {

constexpr int kWatchIntervalMs = 150;
constexpr qint64 kTailBytes = 4096;
constexpr qsizetype kMaxLine = 400;

/// A process that nobody has waited for yet keeps its number as a zombie; it is just as dead.
bool isAlive(qint64 pid) {
    QFile status(QStringLiteral("/proc/%1/stat").arg(pid));
    if (!status.open(QIODevice::ReadOnly)) {
        return false;
    }
    const QByteArray line = status.readAll();
    const qsizetype afterName = line.lastIndexOf(')');
    return afterName >= 0 && line.mid(afterName + 2, 1) != "Z" && line.mid(afterName + 2, 1) != "X";
}

RunLaunch launchOf(const QString& workspace, const RunId& run, QStringList arguments) {
    arguments << QStringLiteral("--workspace") << workspace;
    return {run, findKnifectl(), std::move(arguments), workspace};
}

} // namespace

QString findKnifectl() {
    const QString name = QStringLiteral("knifectl");
    const QString beside = QStandardPaths::findExecutable(name, {QCoreApplication::applicationDirPath()});
    return beside.isEmpty() ? QStandardPaths::findExecutable(name) : beside;
}

QString RunLaunch::logFile() const {
    return QStringLiteral("%1/logs/%2.log").arg(workspace, toQString(run));
}

RunLaunch trainLaunch(const QString& experimentFile, const QString& workspace, const RunId& run,
                      std::optional<std::uint64_t> seed, FirstState first) {
    QStringList arguments{QStringLiteral("train"), experimentFile, QStringLiteral("--run-id"), toQString(run)};
    if (seed) {
        arguments << QStringLiteral("--seed") << QString::number(*seed);
    }
    if (first == FirstState::Paused) {
        arguments << QStringLiteral("--start-paused");
    }
    return launchOf(workspace, run, std::move(arguments));
}

RunLaunch resumeLaunch(const QString& workspace, const RunId& run) {
    return launchOf(workspace, run, {QStringLiteral("resume"), toQString(run)});
}

QString lastLine(const QString& file) {
    QFile log(file);
    if (!log.open(QIODevice::ReadOnly)) {
        return {};
    }
    log.seek(std::max<qint64>(0, log.size() - kTailBytes));
    const QList<QByteArray> lines = log.readAll().split('\n');
    for (auto line = lines.rbegin(); line != lines.rend(); ++line) {
        if (const QString text = QString::fromUtf8(*line).trimmed(); !text.isEmpty()) {
            return text.left(kMaxLine);
        }
    }
    return {};
}

RunProcess::RunProcess(QObject* parent) : QObject(parent) {
    m_timer.setInterval(kWatchIntervalMs);
    connect(&m_timer, &QTimer::timeout, this, [this] {
        if (!isAlive(m_pid)) {
            m_timer.stop();
            Q_EMIT ended();
        }
    });
}

Result<void> RunProcess::start(const RunLaunch& launch) {
    if (launch.program.isEmpty()) {
        return fail(ErrorCode::NotFound,
                    "knifectl was found neither beside this program nor in the search path; without it no run starts.");
    }
    const QString logFile = launch.logFile();
    if (!QDir().mkpath(QFileInfo(logFile).path())) {
        return fail(ErrorCode::Io, "Cannot create the log folder " + QFileInfo(logFile).path().toStdString() + ".");
    }
    QProcess process;
    process.setProgram(launch.program);
    process.setArguments(launch.arguments);
    process.setStandardInputFile(QProcess::nullDevice());
    process.setStandardOutputFile(logFile, QIODevice::Append);
    process.setStandardErrorFile(logFile, QIODevice::Append);
    m_startedMs = QDateTime::currentMSecsSinceEpoch();
    if (!process.startDetached(&m_pid)) {
        return fail(ErrorCode::Io,
                    "Cannot start " + launch.program.toStdString() + ": " + process.errorString().toStdString() + ".");
    }
    m_launch = launch;
    m_timer.start();
    return {};
}

} // namespace knife
