// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/app/ctl/knifectl.h"

#include <QDir>
#include <QFile>
#include <QJsonDocument>
#include <QProcessEnvironment>
#include <QTest>

namespace knife::test {

namespace {

constexpr int kLongestRunMs = 120'000;

} // namespace

const char* const kSmallExperiment = R"([experiment]
name = "small"
seeds = [3]
steps = 800

[env]
name = "matrix"
table = "qtran"

[[tasks]]
name = "first"
steps = 400

[[tasks]]
name = "second"
env = { table = "monotone" }

[agent]
hidden = 16

[mixer]
method = "qmix"
embed = 8

[learning]
batch_episodes = 8
buffer_episodes = 200
parallel_envs = 4

[exploration]
anneal_steps = 300

[diagnostics]
window = 20
stagnant_below = 0.8
frame_interval = 50

[[interventions]]
method = "knife"
trigger = "task_switch"
persistence = 1

[evaluation]
interval = 200
episodes = 4
)";

QJsonDocument Outcome::json() const {
    return QJsonDocument::fromJson(out.trimmed().section('\n', -1).toUtf8());
}

bool Outcome::oneMessage() const {
    return err.startsWith("knifectl: ") && err.count('\n') == 1 && err.endsWith('\n');
}

QByteArray Outcome::describe() const {
    return QString("exit code %1\nstdout: %2\nstderr: %3").arg(exitCode).arg(out, err).toUtf8();
}

Knifectl::Knifectl() {
    for (const char* name : {"runtime", "data"}) {
        QDir(m_folder.path()).mkdir(name);
    }
    QFile::setPermissions(path("runtime"), QFile::ReadOwner | QFile::WriteOwner | QFile::ExeOwner);
}

QString Knifectl::write(const QString& name, const QByteArray& content) const {
    QFile file(path(name));
    if (!file.open(QFile::WriteOnly) || file.write(content) != content.size()) {
        qFatal("cannot write %s", qPrintable(file.fileName()));
    }
    return file.fileName();
}

std::unique_ptr<QProcess> Knifectl::launch(const QString& program, const QStringList& arguments) const {
    auto process = std::make_unique<QProcess>();
    QProcessEnvironment environment = QProcessEnvironment::systemEnvironment();
    environment.insert("XDG_RUNTIME_DIR", path("runtime"));
    environment.insert("XDG_DATA_HOME", path("data"));
    environment.insert("KNIFECTL", KNIFECTL);
    environment.remove("DISPLAY");
    environment.remove("WAYLAND_DISPLAY");
    process->setProcessEnvironment(environment);
    process->setWorkingDirectory(m_folder.path());
    process->start(program, arguments);
    if (!process->waitForStarted()) {
        qFatal("cannot start %s: %s", qPrintable(program), qPrintable(process->errorString()));
    }
    return process;
}

std::unique_ptr<QProcess> Knifectl::start(const QStringList& arguments) const {
    return launch(KNIFECTL, arguments + QStringList{"--workspace", workspace()});
}

Outcome Knifectl::wait(QProcess& process) {
    const bool ended = process.waitForFinished(kLongestRunMs) || process.state() == QProcess::NotRunning;
    if (!ended) {
        process.kill();
        process.waitForFinished();
    }
    return {ended && process.exitStatus() == QProcess::NormalExit ? process.exitCode() : -1,
            QString::fromUtf8(process.readAllStandardOutput()), QString::fromUtf8(process.readAllStandardError())};
}

Outcome Knifectl::run(const QStringList& arguments) const {
    return wait(*start(arguments));
}

Outcome Knifectl::shell(const QString& script) const {
    return wait(*launch("bash", {"-c", script}));
}

Outcome Knifectl::train(const QString& file, const QStringList& arguments) const {
    return run(QStringList{"train", file, "--json", "--quiet"} + arguments);
}

} // namespace knife::test
