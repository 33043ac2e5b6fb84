// SPDX-License-Identifier: GPL-3.0-or-later
// A writer that is killed at any moment: what was flushed, or was a second old, is there, and the next writer goes on.
// Processes that come and go beside each other: none takes the log away that another writes to.
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <functional>
#include <random>
#include <thread>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/store/layout.h"
#include "store_test.h"

using namespace knife;
using namespace knife::test;

namespace {

using Clock = std::chrono::steady_clock;

/// What the child says of its progress, through a pipe.
struct Report {
    std::int64_t handedOver = 0;
    std::int64_t flushed = 0; ///< 0: flush() has not been called
    Clock::time_point at;
};

struct Child {
    pid_t pid = -1;
    int pipe = -1;
};

using Start = std::optional<CheckpointRecord>;

/// Goes on with the run from a checkpoint (or begins one) until somebody kills it.
[[noreturn]] void trainForever(const std::filesystem::path& workspace, const RunId& run, const Start& start, int pipe) {
    Result<std::unique_ptr<RunWriter>> writer =
        run.value.empty() ? RunWriter::create(workspace, newRun()) : RunWriter::takeOver(workspace, run);
    if (writer && !run.value.empty() && !(*writer)->goOnFrom(start)) {
        _exit(3);
    }
    const std::int64_t from = start ? start->clocks.update.value : 0;
    if (!writer) {
        fprintf(stderr, "child: %s\n", writer.error().describe().c_str());
        _exit(2);
    }
    (void)(*writer)->beginSegment(clocksAt(from), "start");
    (*writer)->progress(clocksAt(from), RunState::Running, "", 0.0);
    const MetricHandle loss = (*writer)->metric("loss");
    for (std::int64_t update = from + 1;; ++update) {
        (*writer)->point(loss, clocksAt(update), static_cast<double>(update));
        Report report{update, 0, Clock::now()};
        if (update % 97 == 0) {
            report.flushed = (*writer)->flush() ? update : 0;
        }
        if (update % 500 == 0) {
            const std::string weights = "weights of " + std::to_string(update);
            (void)(*writer)->checkpoint(clocksAt(update), std::as_bytes(std::span(weights)), 2);
        }
        (void)!write(pipe, &report, sizeof report);
    }
}

Child startChild(const std::filesystem::path& workspace, const RunId& run, const Start& start) {
    int ends[2] = {};
    if (pipe(ends) != 0) {
        return {};
    }
    const pid_t pid = fork();
    if (pid == 0) {
        close(ends[0]);
        trainForever(workspace, run, start, ends[1]);
    }
    if (pid < 0) {
        qFatal("fork: %s", strerror(errno));
    }
    close(ends[1]);
    return {pid, ends[0]};
}

/// Reads reports until `enough` says so, kills the child, and reads what it still said.
std::vector<Report> killWhen(const Child& child, const std::function<bool(const std::vector<Report>&)>& enough) {
    std::vector<Report> reports;
    Report report;
    bool killed = false;
    while (read(child.pipe, &report, sizeof report) == static_cast<ssize_t>(sizeof report)) {
        reports.push_back(report);
        if (!killed && enough(reports)) {
            kill(child.pid, SIGKILL);
            killed = true;
        }
    }
    close(child.pipe);
    int status = 0;
    waitpid(child.pid, &status, 0);
    return reports;
}

/// Whether another process would find this one's lock on SQLite's shared bytes (https://www.sqlite.org/src, os.h),
/// which keeps it from taking the write-ahead log away.
bool othersSeeOurLock(const std::filesystem::path& database) {
    const pid_t pid = fork();
    if (pid == 0) {
        constexpr off_t kSharedFirst = 0x40000002;
        constexpr off_t kSharedSize = 510;
        struct flock lock {};
        lock.l_type = F_WRLCK;
        lock.l_whence = SEEK_SET;
        lock.l_start = kSharedFirst;
        lock.l_len = kSharedSize;
        const int descriptor = open(database.c_str(), O_RDWR | O_CLOEXEC);
        const bool asked = descriptor >= 0 && fcntl(descriptor, F_GETLK, &lock) == 0;
        _exit(asked && lock.l_type == F_RDLCK ? 0 : 1);
    }
    int status = -1;
    return waitpid(pid, &status, 0) == pid && status == 0;
}

/// Runs that begin and end, each with somebody of the same process who reads it. Its exit status is what failed.
[[noreturn]] void comeAndGo(const std::filesystem::path& workspace, int runs) {
    for (int i = 0; i < runs; ++i) {
        const auto writer = RunWriter::create(workspace, newRun());
        const auto reader = RunReader::open(workspace);
        if (!writer || !reader) {
            fprintf(stderr, "child: %s\n", (!writer ? writer.error() : reader.error()).describe().c_str());
            _exit(1);
        }
        if (Result<SegmentId> begun = (*writer)->beginSegment(clocksAt(0), "start"); !begun) {
            fprintf(stderr, "child: %s\n", begun.error().describe().c_str());
            _exit(1);
        }
        const MetricHandle loss = (*writer)->metric("loss");
        for (std::int64_t update = 1; update <= 300; ++update) {
            (*writer)->point(loss, clocksAt(update), static_cast<double>(update));
            if (update % 50 == 0 && (!(*writer)->flush() || !(*reader)->runs())) {
                _exit(2);
            }
        }
        if (Result<void> closed = (*writer)->close(RunState::Finished, "", clocksAt(300), ""); !closed) {
            fprintf(stderr, "child: %s\n", closed.error().describe().c_str());
            _exit(3);
        }
    }
    _exit(0);
}

} // namespace

class TestStoreCrash : public QObject {
    Q_OBJECT

  private Q_SLOTS:
    void nothingStoredIsLostByKilling() {
        const TemporaryWorkspace workspace;
        KNIFE_VERIFY(prepareWorkspace(workspace.path()));
        std::mt19937 random(7);
        RunId run;
        Start start;
        for (int round = 0; round < 20; ++round) {
            const Child child = startChild(workspace.path(), run, start);
            const std::size_t count = 1 + random() % 3000;
            const std::vector<Report> reports =
                killWhen(child, [count](const std::vector<Report>& heard) { return heard.size() >= count; });
            QVERIFY(!reports.empty());
            std::int64_t flushed = start ? start->clocks.update.value : 0;
            for (const Report& report : reports) {
                flushed = std::max(flushed, report.flushed);
            }

            const auto reader = *RunReader::open(workspace.path());
            const RunRecord record = reader->runs()->front();
            run = record.id;
            QVERIFY(record.state == RunState::Interrupted);
            const Result<WorkspaceHealth> health = inspectWorkspace(workspace.path());
            KNIFE_VERIFY(health);
            QVERIFY2(health->problems.empty(), health->problems.empty() ? "" : health->problems.front().c_str());
            const Result<Series> series = reader->series(run, "loss");
            KNIFE_VERIFY(series);
            QVERIFY(static_cast<std::int64_t>(series->size()) >= flushed);
            for (std::size_t i = 0; i < series->size(); ++i) {
                QCOMPARE(series->value[i], static_cast<double>(i + 1));
            }
            // The next writer begins at the newest checkpoint, or anew.
            start.reset();
            const Result<std::vector<CheckpointRecord>> checkpoints = reader->checkpoints(run);
            KNIFE_VERIFY(checkpoints);
            for (const CheckpointRecord& checkpoint : *checkpoints) {
                KNIFE_VERIFY(reader->checkpointContent(checkpoint));
                start = checkpoint;
            }
        }
        QVERIFY2(start, "no round came as far as a checkpoint");
    }

    void anotherConnectionLeavesTheLocksOfTheFirst() {
        const TemporaryWorkspace workspace;
        KNIFE_VERIFY(prepareWorkspace(workspace.path()));
        const std::filesystem::path file = databaseFile(workspace.path());
        QVERIFY(!othersSeeOurLock(file));
        const auto writer = RunWriter::create(workspace.path(), newRun());
        KNIFE_VERIFY(writer);
        QVERIFY(othersSeeOurLock(file));
        {
            const auto reader = RunReader::open(workspace.path());
            KNIFE_VERIFY(reader);
            KNIFE_VERIFY((*reader)->runs());
            QVERIFY(othersSeeOurLock(file));
        }
        QVERIFY(othersSeeOurLock(file));
        KNIFE_VERIFY(inspectWorkspace(workspace.path()));
        KNIFE_VERIFY(prepareWorkspace(workspace.path()));
        QVERIFY(othersSeeOurLock(file));
    }

    void processesThatComeAndGoLeaveAllThatOthersWrote() {
        constexpr int kProcesses = 4;
        constexpr int kRuns = 12;
        const TemporaryWorkspace workspace;
        KNIFE_VERIFY(prepareWorkspace(workspace.path()));
        std::vector<pid_t> children;
        for (int i = 0; i < kProcesses; ++i) {
            children.push_back(fork());
            if (children.back() == 0) {
                comeAndGo(workspace.path(), kRuns);
            }
        }
        int failed = 0;
        for (const pid_t child : children) {
            int status = -1;
            failed += waitpid(child, &status, 0) != child || status != 0 ? 1 : 0;
        }
        QCOMPARE(failed, 0);
        const Result<WorkspaceHealth> health = inspectWorkspace(workspace.path());
        KNIFE_VERIFY(health);
        QVERIFY2(health->problems.empty(), health->problems.empty() ? "" : health->problems.front().c_str());
        const auto reader = *RunReader::open(workspace.path());
        const Result<std::vector<RunRecord>> runs = reader->runs();
        KNIFE_VERIFY(runs);
        QCOMPARE(runs->size(), std::size_t{kProcesses * kRuns});
        for (const RunRecord& run : *runs) {
            QVERIFY(run.state == RunState::Finished);
            const Result<Series> series = reader->series(run.id, "loss");
            KNIFE_VERIFY(series);
            QCOMPARE(series->size(), std::size_t{300});
        }
    }

    void aPointThatIsASecondOldIsStored() {
        const TemporaryWorkspace workspace;
        KNIFE_VERIFY(prepareWorkspace(workspace.path()));
        int pipeEnds[2] = {};
        QCOMPARE(pipe(pipeEnds), 0);
        const pid_t pid = fork();
        if (pid == 0) {
            const auto writer = RunWriter::create(workspace.path(), newRun());
            for (std::int64_t update = 1; writer; ++update) {
                (*writer)->point((*writer)->metric("loss"), clocksAt(update), static_cast<double>(update));
                const Report report{update, 0, Clock::now()};
                (void)!write(pipeEnds[1], &report, sizeof report);
                std::this_thread::sleep_for(std::chrono::milliseconds(5));
            }
            _exit(2);
        }
        QVERIFY(pid > 0);
        close(pipeEnds[1]);
        const std::vector<Report> reports = killWhen({pid, pipeEnds[0]}, [](const std::vector<Report>& heard) {
            return heard.back().at - heard.front().at > std::chrono::milliseconds(2300);
        });
        const auto died = Clock::now();
        const auto reader = *RunReader::open(workspace.path());
        const std::size_t stored = reader->series(reader->runs()->front().id, "loss")->size();
        const auto old = std::count_if(reports.begin(), reports.end(), [died](const Report& report) {
            return report.at < died - std::chrono::milliseconds(1000);
        });
        QVERIFY(old > 50);
        QVERIFY2(stored >= static_cast<std::size_t>(old),
                 qPrintable(QString("%1 stored, %2 were a second old").arg(stored).arg(old)));
    }
};

QTEST_APPLESS_MAIN(TestStoreCrash)
#include "tst_store_crash.moc"
