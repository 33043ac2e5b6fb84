// SPDX-License-Identifier: GPL-3.0-or-later
// The window's way to the store: every query runs on a thread of its own, only values come back. GUI thread only.
#pragma once

#include <atomic>
#include <filesystem>
#include <functional>
#include <memory>
#include <utility>

#include <QHash>
#include <QObject>
#include <QPointer>
#include <QString>
#include <QThread>

#include "core/store/run_reader.h"

namespace knife {

/// Prepares the workspace (creating or migrating it as needed) and opens a reader. One that cannot be written to is
/// opened as it stands.
[[nodiscard]] Result<std::unique_ptr<RunReader>> openWorkspace(const std::filesystem::path& folder);

class StoreReader final : public QObject {
    Q_OBJECT

  public:
    using Opener = std::function<Result<std::unique_ptr<RunReader>>(const std::filesystem::path&)>;

    explicit StoreReader(Opener opener = openWorkspace, QObject* parent = nullptr);
    /// Drops what is queued and waits for the query under way.
    ~StoreReader() override;

    /// Never blocks; opened() or openFailed() follows. Unanswered questions to the workspace before are void. When the
    /// new one cannot be opened, the old one stays.
    void open(const std::filesystem::path& workspace);
    [[nodiscard]] const std::filesystem::path& workspace() const { return m_workspace; }

    /// Runs `query` on the store's thread and calls `then` with its result on this one, unless `context` is gone by
    /// then or a newer question of the same kind has been asked. Questions are answered in the order they were asked.
    template <typename T>
    void ask(const QString& kind, std::function<Result<T>(RunReader&)> query, QObject* context,
             std::function<void(Result<T>)> then) {
        enqueue(kind, context, [query = std::move(query), then = std::move(then)](RunReader* reader) -> Delivery {
            auto answer = std::make_shared<Result<T>>(reader != nullptr ? query(*reader) : noWorkspace());
            return [answer, then] {
                then(std::move(*answer));
            };
        });
    }

    /// Says changed() without waiting for the next poll: for changes that leave no trace in the file, such as the death
    /// of a writer.
    void refresh();

  Q_SIGNALS:
    void opened(const QString& workspace);
    void openFailed(const QString& workspace, const knife::Error& error);
    /// Something in the workspace has changed; noticed at most half a second late.
    void changed();
    /// Polling fails; said once until it works again.
    void pollFailed(const knife::Error& error);

  private:
    using Delivery = std::function<void()>;
    using Job = std::function<Delivery(RunReader*)>;
    /// False once nobody waits for the answer any more; read by both threads.
    using Wanted = std::shared_ptr<std::atomic<bool>>;
    class Worker;

    static tl::unexpected<Error> noWorkspace();
    void enqueue(const QString& kind, QObject* context, Job job);

    std::filesystem::path m_workspace;
    std::unique_ptr<Worker> m_worker;
    QThread m_thread;
    QHash<QString, Wanted> m_newest; ///< of each kind, the question that is to be answered
};

} // namespace knife
