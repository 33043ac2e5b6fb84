// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/workbench/run_controller.h"

#include <utility>

#include <QFileInfo>

#include "app/workbench/store_reader.h"
#include "app/workbench/text.h"
#include "core/store/workspace.h"

namespace knife {

namespace {

MessageBar::Message errorMessage(const QString& text, const QString& details = {}) {
    return {MessageBar::Message::Severity::Error, text, details, {}, {}};
}

} // namespace

RunController::RunController(StoreReader& store, RunList& list, QObject* parent)
    : QObject(parent), m_store(store), m_list(list) {
    connect(&list, &RunList::updated, this, &RunController::onListUpdated);
    connect(&list, &RunList::runEnded, this, &RunController::onRunEnded);
    connect(&store, &StoreReader::opened, this, &RunController::clearFocus);

    connect(&m_connection, &RunConnection::helloReceived, this, [this](const Hello& hello) {
        Q_EMIT said(tr("attached to %1 (%2)").arg(title(), toQString(hello.program)));
        Q_EMIT stateChanged();
    });
    connect(&m_connection, &RunConnection::stateChanged, this, [this](const StateChanged& change) {
        m_told = change.state;
        m_store.refresh();
        Q_EMIT stateChanged();
    });
    connect(&m_connection, &RunConnection::snapshotReceived, this,
            [this](const std::shared_ptr<const Snapshot>& snapshot) {
                m_snapshot = snapshot;
                Q_EMIT snapshotChanged();
            });
    connect(&m_connection, &RunConnection::noticeReceived, this, &RunController::noticed);
    connect(&m_connection, &RunConnection::commandAnswered, this, &RunController::onAnswer);
    connect(&m_connection, &RunConnection::disconnected, this, [this](const QString& reason) {
        m_snapshot.reset();
        if (m_told && !isEnded(*m_told)) {
            m_told.reset(); // it died without a word; the store will know
        }
        Q_EMIT said(tr("no longer attached to %1: %2").arg(title(), reason));
        m_store.refresh();
        Q_EMIT stateChanged();
    });
}

RunController::~RunController() = default;

void RunController::setFocus(const RunId& run) {
    if (m_focus == run) {
        return;
    }
    letGo();
    m_focus = run;
    m_history = std::make_unique<RunHistory>(m_store, run, ReadDepth::Everything);
    connect(m_history.get(), &RunHistory::runChanged, this, &RunController::stateChanged);
    updateAttachment();
    Q_EMIT focusChanged();
    Q_EMIT stateChanged();
}

void RunController::clearFocus() {
    letGo();
    m_focus.reset();
    m_history.reset();
    Q_EMIT focusChanged();
    Q_EMIT stateChanged();
}

void RunController::letGo() {
    m_connection.detach();
    m_snapshot.reset();
    m_told.reset();
}

std::optional<RunState> RunController::state() const {
    if (!m_focus) {
        return std::nullopt;
    }
    if (m_told) {
        return m_told;
    }
    if (m_launches.contains(*m_focus)) {
        return RunState::Starting;
    }
    const RunRecord* stored = record();
    return stored != nullptr ? std::optional(stored->state) : std::nullopt;
}

QString RunController::title() const {
    const RunRecord* stored = record();
    return stored != nullptr ? runTitle(*stored) : m_focus ? tr("run %1").arg(toQString(*m_focus)) : QString();
}

void RunController::startExperiment(const QString& file, FirstState first) {
    const QString workspace = QString::fromStdString(m_store.workspace().string());
    if (workspace.isEmpty()) {
        Q_EMIT troubled(errorMessage(tr("Open a workspace first: there is no place to store a run.")));
        return;
    }
    launch(trainLaunch(QFileInfo(file).absoluteFilePath(), workspace, makeRunId(), {}, first));
}

void RunController::resume(const RunId& run) {
    if (m_launches.contains(run)) {
        return; // on its way already
    }
    const RunRecord* stored = m_list.find(run);
    if (stored == nullptr) {
        return;
    }
    // The list may not have heard yet what the process of the run in focus has told.
    if (!isEnded(m_focus == run ? state().value_or(stored->state) : stored->state)) {
        return;
    }
    if (stored->state == RunState::Finished && stored->clocks.envStep.value >= stored->totalEnvSteps) {
        Q_EMIT troubled({MessageBar::Message::Severity::Information,
                         tr("%1 has used up its budget of environment steps.").arg(runTitle(*stored)),
                         {},
                         {},
                         {}});
        return;
    }
    launch(resumeLaunch(QString::fromStdString(m_store.workspace().string()), run));
}

void RunController::proceed() {
    if (state() == RunState::Paused) {
        send(ContinueCommand{}, tr("continue"));
    } else if (m_focus) {
        resume(*m_focus);
    }
}

CommandId RunController::send(CommandBody body, const QString& what) {
    const CommandId id = m_connection.send(std::move(body));
    m_sent[id] = what;
    return id;
}

void RunController::launch(const RunLaunch& what) {
    auto process = std::make_unique<RunProcess>();
    if (Result<void> started = process->start(what); !started) {
        Q_EMIT troubled(errorMessage(toQString(started.error().describe())));
        return;
    }
    connect(process.get(), &RunProcess::ended, this, [this, run = what.run] { onLaunchEnded(run); });
    m_launches[what.run] = std::move(process);
    if (m_focus == what.run) {
        m_told.reset(); // by the process before this one
    }
    Q_EMIT said(tr("started: %1 %2").arg(what.program, what.arguments.join(QLatin1Char(' '))));
    setFocus(what.run);
    updateAttachment();
    Q_EMIT stateChanged();
}

void RunController::onLaunchEnded(const RunId& run) {
    const auto found = m_launches.find(run);
    if (found == m_launches.end()) {
        return;
    }
    const RunLaunch launch = found->second->launch();
    const qint64 startedMs = found->second->startedMs();
    found->second.release()->deleteLater(); // it is the sender
    m_launches.erase(found);
    m_store.ask<RunRecord>(
        QStringLiteral("launch/%1").arg(toQString(run)), [run](RunReader& reader) { return reader.run(run); }, this,
        [this, launch, startedMs](const Result<RunRecord>& stored) {
            // A process that was refused has written nothing: what is stored tells of the one before it.
            const bool wentWell = stored && stored->updatedMs >= startedMs &&
                                  (stored->state == RunState::Finished ||
                                   (stored->state == RunState::Interrupted && !stored->failure.empty()));
            if (!wentWell) {
                const QString line = lastLine(launch.logFile());
                Q_EMIT troubled(errorMessage(line.isEmpty() ? tr("The run process ended without a word.") : line,
                                             tr("The log of the run process is %1").arg(launch.logFile())));
            }
            if (!stored && m_focus == launch.run) {
                clearFocus();
            }
            m_store.refresh();
        });
    updateAttachment();
    Q_EMIT stateChanged();
}

void RunController::onListUpdated() {
    for (auto launch = m_launches.begin(); launch != m_launches.end();) {
        const RunRecord* stored = m_list.find(launch->first);
        // The list may still show the process before this one.
        const bool isSeen = stored != nullptr && isLive(stored->state) && stored->pid == launch->second->pid();
        launch = isSeen ? m_launches.erase(launch) : std::next(launch);
    }
    if (const RunRecord* stored = record(); stored != nullptr && isEnded(stored->state) && !isAttached()) {
        m_told.reset();
    }
    updateAttachment();
    Q_EMIT stateChanged();
}

void RunController::onRunEnded(const RunRecord& run) {
    const QString name = runTitle(run);
    if (run.state == RunState::Failed) {
        Q_EMIT troubled(errorMessage(tr("%1 failed: %2").arg(name, toQString(run.failure))));
    } else if (run.state == RunState::Interrupted && run.failure.empty()) {
        Q_EMIT troubled(
            {MessageBar::Message::Severity::Warning,
             tr("%1 was interrupted: its process is gone. Everything up to its last checkpoint is kept.").arg(name),
             {},
             tr("Resume"),
             QStringLiteral("resume/") + toQString(run.id)});
    } else {
        Q_EMIT said(run.failure.empty() ? tr("%1 finished").arg(name) : tr("%1: %2").arg(name, toQString(run.failure)));
    }
}

void RunController::onAnswer(const CommandResult& result) {
    const QString what = m_sent[result.id];
    m_sent.erase(result.id);
    if (result.error) {
        Q_EMIT troubled({MessageBar::Message::Severity::Warning,
                         tr("%1: %2").arg(what, toQString(result.error->message)),
                         {},
                         {},
                         {}});
    } else {
        Q_EMIT said(result.text.empty() ? tr("%1: done").arg(what) : tr("%1: %2").arg(what, toQString(result.text)));
    }
    Q_EMIT commandDone(result);
}

void RunController::updateAttachment() {
    if (!m_focus) {
        return;
    }
    const RunRecord* stored = record();
    const bool wanted = m_launches.contains(*m_focus) || (stored != nullptr && isLive(stored->state));
    if (wanted) {
        m_connection.attach(*m_focus);
    } else if (m_connection.link() == RunConnection::Link::Connecting) {
        m_connection.detach(); // an attached run may be younger than the last reading
    }
}

const RunRecord* RunController::record() const {
    return m_focus ? m_list.find(*m_focus) : nullptr;
}

} // namespace knife
