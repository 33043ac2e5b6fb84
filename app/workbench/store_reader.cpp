// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/workbench/store_reader.h"

#include <QTimer>

#include "core/store/workspace.h"

namespace knife {

namespace {

constexpr int kPollIntervalMs = 500;

} // namespace

Result<std::unique_ptr<RunReader>> openWorkspace(const std::filesystem::path& folder) {
    Result<void> prepared = prepareWorkspace(folder);
    if (!prepared) {
        if (prepared.error().code == ErrorCode::Io) {
            if (auto reader = RunReader::open(folder)) {
                return reader;
            }
        }
        return tl::unexpected<Error>(std::move(prepared).error());
    }
    return RunReader::open(folder);
}

/// Lives on the store's thread.
class StoreReader::Worker final : public QObject {
  public:
    explicit Worker(Opener opener) : m_opener(std::move(opener)) {}

    /// Any thread: nothing that is still queued need run.
    void stop() { m_stopped = true; }

    Result<void> open(const std::filesystem::path& folder) {
        auto reader = m_opener(folder);
        if (!reader) {
            return tl::unexpected<Error>(std::move(reader).error());
        }
        m_reader = std::move(*reader);
        m_version = m_reader->dataVersion().value_or(0);
        return {};
    }

    Delivery run(const Job& job) { return m_stopped ? Delivery{} : job(m_reader.get()); }

    /// Called once, on the store's thread.
    void startPolling(std::function<void(Result<bool>)> report) {
        m_report = std::move(report);
        m_timer = std::make_unique<QTimer>();
        QObject::connect(m_timer.get(), &QTimer::timeout, this, [this] { poll(); });
        m_timer->start(kPollIntervalMs);
    }

    /// SQLite wants a connection closed by the thread that used it, and a timer stopped by its own.
    void finish() {
        m_timer.reset();
        m_reader.reset();
    }

  private:
    void poll() {
        if (!m_reader) {
            return;
        }
        Result<std::int64_t> version = m_reader->dataVersion();
        if (!version) {
            m_report(tl::unexpected<Error>(std::move(version).error()));
            return;
        }
        const bool different = *version != m_version;
        m_version = *version;
        m_report(different);
    }

    Opener m_opener;
    std::unique_ptr<RunReader> m_reader;
    std::unique_ptr<QTimer> m_timer;
    std::function<void(Result<bool>)> m_report;
    std::int64_t m_version = 0;
    std::atomic<bool> m_stopped = false;
};

StoreReader::StoreReader(Opener opener, QObject* parent)
    : QObject(parent), m_worker(std::make_unique<Worker>(std::move(opener))) {
    m_thread.setObjectName(QStringLiteral("store"));
    m_worker->moveToThread(&m_thread);
    connect(
        &m_thread, &QThread::finished, m_worker.get(), [worker = m_worker.get()] { worker->finish(); },
        Qt::DirectConnection);
    m_thread.start();

    auto failing = std::make_shared<bool>(false);
    auto report = [this, failing](Result<bool> outcome) {
        QMetaObject::invokeMethod(
            this,
            [this, failing, outcome = std::move(outcome)] {
                const bool wasFailing = std::exchange(*failing, !outcome.has_value());
                if (!outcome && !wasFailing) {
                    Q_EMIT pollFailed(outcome.error());
                } else if (outcome && *outcome) {
                    Q_EMIT changed();
                }
            },
            Qt::QueuedConnection);
    };
    QMetaObject::invokeMethod(m_worker.get(), [worker = m_worker.get(), report] { worker->startPolling(report); });
}

StoreReader::~StoreReader() {
    m_worker->stop();
    m_thread.quit();
    m_thread.wait();
}

void StoreReader::open(const std::filesystem::path& workspace) {
    for (const Wanted& question : std::as_const(m_newest)) {
        *question = false;
    }
    m_newest.clear();
    QMetaObject::invokeMethod(m_worker.get(), [this, worker = m_worker.get(), workspace] {
        auto outcome = std::make_shared<Result<void>>(worker->open(workspace));
        QMetaObject::invokeMethod(
            this,
            [this, workspace, outcome] {
                const QString name = QString::fromStdString(workspace.string());
                if (!*outcome) {
                    Q_EMIT openFailed(name, outcome->error());
                    return;
                }
                m_workspace = workspace;
                Q_EMIT opened(name);
            },
            Qt::QueuedConnection);
    });
}

void StoreReader::refresh() {
    Q_EMIT changed();
}

tl::unexpected<Error> StoreReader::noWorkspace() {
    return fail(ErrorCode::NotFound, "No workspace is open.");
}

void StoreReader::enqueue(const QString& kind, QObject* context, Job job) {
    const auto wanted = std::make_shared<std::atomic<bool>>(true);
    if (const Wanted older = m_newest.value(kind)) {
        *older = false;
    }
    m_newest.insert(kind, wanted);
    auto deliverHere = [this, kind, wanted, context = QPointer(context)](const Delivery& deliver) {
        if (!*wanted) {
            return;
        }
        m_newest.remove(kind);
        if (context) {
            deliver();
        }
    };
    QMetaObject::invokeMethod(
        m_worker.get(), [this, worker = m_worker.get(), wanted, job = std::move(job), deliverHere] {
            if (!*wanted) {
                return;
            }
            if (Delivery deliver = worker->run(job)) {
                QMetaObject::invokeMethod(
                    this, [deliverHere, deliver = std::move(deliver)] { deliverHere(deliver); }, Qt::QueuedConnection);
            }
        });
}

} // namespace knife
