// SPDX-License-Identifier: GPL-3.0-or-later
// Drives the built knifectl as a shell does, in a folder of its own: no user's workspace, no display.
#pragma once

#include <memory>

#include <QByteArray>
#include <QJsonArray>
#include <QJsonDocument>
#include <QJsonObject>
#include <QProcess>
#include <QString>
#include <QStringList>
#include <QTemporaryDir>

namespace knife::test {

/// What a finished knifectl left behind.
struct Outcome {
    int exitCode = -1; ///< -1: it crashed, was killed, or did not end in time
    QString out;
    QString err;

    /// The last line of stdout, which --json promises to be one JSON value; invalid if it is none.
    [[nodiscard]] QJsonDocument json() const;
    [[nodiscard]] QJsonObject object() const { return json().object(); }
    /// True if stderr is one line "knifectl: …".
    [[nodiscard]] bool oneMessage() const;
    /// All of it, for the message of a failing test.
    [[nodiscard]] QByteArray describe() const;
};

class Knifectl {
  public:
    Knifectl();

    [[nodiscard]] QString path(const QString& name) const { return m_folder.filePath(name); }
    [[nodiscard]] QString workspace() const { return path("workspace"); }
    /// Writes a file below the folder and gives its path.
    QString write(const QString& name, const QByteArray& content) const;

    /// Runs to the end; `--workspace workspace()` is added.
    [[nodiscard]] Outcome run(const QStringList& arguments) const;
    /// Starts and returns; `--workspace workspace()` is added.
    [[nodiscard]] std::unique_ptr<QProcess> start(const QStringList& arguments) const;
    [[nodiscard]] static Outcome wait(QProcess& process);
    /// Runs `script` in bash; "$KNIFECTL" is the program.
    [[nodiscard]] Outcome shell(const QString& script) const;

    /// The exit code and the weights of `train FILE ARGUMENTS... --json --quiet`.
    [[nodiscard]] Outcome train(const QString& file, const QStringList& arguments = {}) const;

  private:
    [[nodiscard]] std::unique_ptr<QProcess> launch(const QString& program, const QStringList& arguments) const;

    QTemporaryDir m_folder;
};

/// A sequence of two payoff tables with KNIFE at the switch: thousands of env steps a second.
extern const char* const kSmallExperiment;

/// Fails the test unless the outcome has this exit code.
#define VERIFY_EXIT(outcome, code)                                                                                     \
    do {                                                                                                               \
        const knife::test::Outcome& verified = (outcome);                                                              \
        QVERIFY2(verified.exitCode == (code), verified.describe().constData());                                        \
    } while (false)

} // namespace knife::test
