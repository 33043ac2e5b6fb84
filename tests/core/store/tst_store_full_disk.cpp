// SPDX-License-Identifier: GPL-3.0-or-later
// A disk that fills up under a writer: one error that says so, and everything that was confirmed can be read.
#include <csignal>
#include <functional>

#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/store/layout.h"
#include "store_test.h"

using namespace knife;
using namespace knife::test;

namespace {

constexpr std::int64_t kNoLimitMet = -1;

/// Writes until the disk refuses, and returns how many points were confirmed; negative when something went wrong.
std::int64_t writeUntilFull(const std::filesystem::path& workspace) {
    const auto writer = RunWriter::create(workspace, newRun());
    if (!writer) {
        return -2;
    }
    std::int64_t confirmed = 0;
    for (std::int64_t update = 1; update < 1'000'000; ++update) {
        (*writer)->point((*writer)->metric("loss"), clocksAt(update), std::sin(static_cast<double>(update)));
        if (update % 500 != 0) {
            continue;
        }
        if (const Result<void> flushed = (*writer)->flush()) {
            confirmed = update;
            continue;
        }
        const std::optional<Error> failure = (*writer)->failure();
        if (!failure || failure->code != ErrorCode::DiskFull) {
            fprintf(stderr, "failure: %s\n", failure ? failure->describe().c_str() : "none");
            return -3;
        }
        // From now on the writer takes everything and does nothing; the first error stays.
        (*writer)->point((*writer)->metric("loss"), clocksAt(update), 1.0);
        (*writer)->event(clocksAt(update), "late", "late");
        const std::vector<std::byte> weights(1000);
        const bool refused = !(*writer)->flush() && !(*writer)->checkpoint(clocksAt(update), weights, 1) &&
                             !(*writer)->close(RunState::Failed, "", clocksAt(update), "");
        return refused && (*writer)->failure()->message == failure->message ? confirmed : -4;
    }
    return kNoLimitMet;
}

/// Runs `work` in a process of its own, whose number comes back through a pipe.
std::int64_t inChild(const std::function<std::int64_t()>& work) {
    int ends[2] = {};
    if (pipe(ends) != 0) {
        return -10;
    }
    const pid_t pid = fork();
    if (pid == 0) {
        const std::int64_t outcome = work();
        (void)!write(ends[1], &outcome, sizeof outcome);
        _exit(0);
    }
    close(ends[1]);
    std::int64_t outcome = -11;
    (void)!read(ends[0], &outcome, sizeof outcome);
    close(ends[0]);
    int status = 0;
    waitpid(pid, &status, 0);
    return outcome;
}

/// No file may grow beyond this: for a program the same as a full disk, and possible without being root.
void limitFileSize(rlim_t bytes) {
    signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{bytes, bytes};
    setrlimit(RLIMIT_FSIZE, &limit);
}

/// A file system of its own, with room for little.
class SmallDisk {
  public:
    explicit SmallDisk(const std::filesystem::path& folder, const char* options) : m_folder(folder) {
        std::filesystem::create_directories(folder);
        m_mounted = mount("none", folder.c_str(), "tmpfs", 0, options) == 0;
    }
    SmallDisk(const SmallDisk&) = delete;
    SmallDisk& operator=(const SmallDisk&) = delete;
    ~SmallDisk() {
        if (m_mounted) {
            umount2(m_folder.c_str(), MNT_DETACH);
        }
    }
    [[nodiscard]] bool mounted() const { return m_mounted; }

  private:
    std::filesystem::path m_folder;
    bool m_mounted;
};

void verifySound(const std::filesystem::path& workspace, std::int64_t confirmed) {
    const Result<WorkspaceHealth> health = inspectWorkspace(workspace);
    KNIFE_VERIFY(health);
    QVERIFY2(health->problems.empty(), health->problems.empty() ? "" : health->problems.front().c_str());
    const auto reader = *RunReader::open(workspace);
    const RunRecord record = reader->runs()->front();
    QVERIFY(record.state == RunState::Interrupted);
    const Result<Series> series = reader->series(record.id, "loss");
    KNIFE_VERIFY(series);
    QVERIFY(static_cast<std::int64_t>(series->size()) >= confirmed);
    for (std::size_t i = 0; i < series->size(); ++i) {
        QCOMPARE(series->value[i], std::sin(static_cast<double>(i + 1)));
    }
    // No temporary blob is left.
    for (const auto& [file, content] : contentOf(blobFolder(workspace))) {
        QVERIFY2(!file.ends_with(".tmp"), file.c_str());
    }
}

} // namespace

class TestStoreFullDisk : public QObject {
    Q_OBJECT

  private Q_SLOTS:
    void init() { m_workspace = std::make_unique<TemporaryWorkspace>(); }

    void filesThatMayNotGrow() {
        KNIFE_VERIFY(prepareWorkspace(path()));
        const std::int64_t confirmed = inChild([this] {
            limitFileSize(600'000);
            return writeUntilFull(path());
        });
        QVERIFY2(confirmed > 0, qPrintable(QString::number(confirmed)));
        verifySound(path(), confirmed);
    }

    void aCheckpointThatDoesNotFitLeavesTheRunGoing() {
        KNIFE_VERIFY(prepareWorkspace(path()));
        const std::int64_t outcome = inChild([this]() -> std::int64_t {
            limitFileSize(600'000);
            const auto writer = *RunWriter::create(path(), newRun());
            std::vector<std::byte> weights(2'000'000);
            for (std::size_t i = 0; i < weights.size(); ++i) { // nothing that zstd could shrink
                weights[i] = static_cast<std::byte>((i * i * 2654435761U + i) >> 13U);
            }
            const Result<void> stored = writer->checkpoint(clocksAt(1), weights, 1);
            if (stored || stored.error().code != ErrorCode::DiskFull || writer->failure()) {
                return -1;
            }
            writer->point(writer->metric("loss"), clocksAt(1), std::sin(1.0));
            return writer->flush() ? 1 : -2;
        });
        QCOMPARE(outcome, 1);
        verifySound(path(), 1);
    }

    void noRoomForAWorkspace() {
        const std::int64_t outcome = inChild([this]() -> std::int64_t {
            limitFileSize(10'000);
            const Result<void> prepared = prepareWorkspace(path());
            return prepared ? -1 : prepared.error().code == ErrorCode::DiskFull ? 1 : -2;
        });
        QCOMPARE(outcome, 1);
        QVERIFY(!std::filesystem::exists(databaseFile(path())));
        KNIFE_VERIFY(prepareWorkspace(path())); // with room again
    }

    void aSmallFileSystem() {
        const SmallDisk disk(path(), "size=1m");
        if (!disk.mounted()) {
            QSKIP("mounting a file system needs more rights than this process has");
        }
        KNIFE_VERIFY(prepareWorkspace(path()));
        const std::int64_t confirmed = inChild([this] { return writeUntilFull(path()); });
        QVERIFY2(confirmed > 0, qPrintable(QString::number(confirmed)));
        verifySound(path(), confirmed);

        // Nothing can be begun on it either, and the error says why.
        std::ofstream(path() / "blobs" / "filler") << std::string(std::size_t{1} << 20U, 'x');
        const auto next = RunWriter::create(path(), newRun());
        QVERIFY(!next);
        QVERIFY2(next.error().code == ErrorCode::DiskFull, next.error().describe().c_str());
    }

  private:
    [[nodiscard]] const std::filesystem::path& path() const { return m_workspace->path(); }
    std::unique_ptr<TemporaryWorkspace> m_workspace;
};

QTEST_APPLESS_MAIN(TestStoreFullDisk)
#include "tst_store_full_disk.moc"
