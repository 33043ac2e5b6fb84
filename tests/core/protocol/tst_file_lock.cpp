// SPDX-License-Identifier: GPL-3.0-or-later
#include <csignal>
#include <filesystem>
#include <optional>
#include <thread>

#include <QTemporaryDir>
#include <QTest>
#include <sys/wait.h>
#include <unistd.h>

#include "core/protocol/file_lock.h"

using namespace knife;

class TestFileLock : public QObject {
    Q_OBJECT

  private Q_SLOTS:
    void init() {
        m_folder = std::make_unique<QTemporaryDir>();
        m_file = std::filesystem::path(m_folder->path().toStdString()) / "run.lock";
    }

    void oneHolderAtATime() {
        QVERIFY(!*FileLock::isHeld(m_file));
        std::optional<FileLock> first = std::move(*FileLock::take(m_file, "the first one"));
        QVERIFY(*FileLock::isHeld(m_file));
        const Result<FileLock> second = FileLock::take(m_file, "the second one");
        QVERIFY(!second);
        QVERIFY(second.error().code == ErrorCode::Locked);
        QVERIFY(second.error().message.find("the first one") != std::string::npos);
        first.reset();
        QVERIFY(!*FileLock::isHeld(m_file));
        QVERIFY(!std::filesystem::exists(m_file));
        QVERIFY(FileLock::take(m_file, "the second one").has_value());
    }

    void patienceOutlastsAHolderWhoLeaves() {
        std::optional<FileLock> first = std::move(*FileLock::take(m_file, "the first one"));
        QVERIFY(!FileLock::take(m_file, "us", std::chrono::milliseconds(0)));
        std::jthread leaving([&first] {
            std::this_thread::sleep_for(std::chrono::milliseconds(50));
            first.reset();
        });
        QVERIFY(FileLock::take(m_file, "us", std::chrono::minutes(1)).has_value());
    }

    void aDeadHolderHoldsNothing() {
        const pid_t child = fork();
        if (child == 0) {
            const Result<FileLock> lock = FileLock::take(m_file, "the child");
            raise(SIGKILL);
            _exit(lock ? 0 : 1);
        }
        int status = 0;
        QCOMPARE(waitpid(child, &status, 0), child);
        QVERIFY(WIFSIGNALED(status));
        QVERIFY(std::filesystem::exists(m_file));
        QVERIFY(!*FileLock::isHeld(m_file));
        QVERIFY(FileLock::take(m_file, "us").has_value());
    }

    void lookingDoesNotGetInTheWay() {
        std::jthread watcher([this](const std::stop_token& stop) {
            while (!stop.stop_requested()) {
                (void)FileLock::isHeld(m_file);
            }
        });
        for (int i = 0; i < 200; ++i) {
            const Result<FileLock> lock = FileLock::take(m_file, "us");
            QVERIFY2(lock.has_value(), lock ? "" : lock.error().message.c_str());
        }
    }

    void manyContendersNeverShare() {
        std::atomic<int> inside = 0;
        std::atomic<int> taken = 0;
        std::atomic<bool> shared = false;
        {
            std::vector<std::jthread> contenders;
            for (int i = 0; i < 4; ++i) {
                contenders.emplace_back([&] {
                    for (int round = 0; round < 100; ++round) {
                        if (const Result<FileLock> lock = FileLock::take(m_file, "one of many")) {
                            shared = shared || ++inside != 1;
                            ++taken;
                            --inside;
                        }
                    }
                });
            }
        }
        QVERIFY(!shared);
        QVERIFY(taken > 100);
    }

    void aLockThatCannotBeAskedIsNotFree() {
        std::filesystem::create_symlink("elsewhere", m_file); // never followed
        const Result<bool> held = FileLock::isHeld(m_file);
        QVERIFY(!held);
        QVERIFY(held.error().code == ErrorCode::Io);
        QVERIFY(held.error().message.find(m_file.string()) != std::string::npos);
    }

    void aMissingFolderIsAnError() {
        const Result<FileLock> lock = FileLock::take(m_file / "below" / "nothing", "us");
        QVERIFY(!lock);
        QVERIFY(lock.error().code == ErrorCode::Io);
    }

  private:
    std::unique_ptr<QTemporaryDir> m_folder;
    std::filesystem::path m_file;
};

QTEST_APPLESS_MAIN(TestFileLock)
#include "tst_file_lock.moc"
