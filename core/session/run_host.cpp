// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/session/run_host.h"

#include <unistd.h>

#include <atomic>
#include <csignal>
#include <utility>

#include <spdlog/spdlog.h>

#include "core/protocol/channel.h"

namespace knife {

namespace {

constexpr int kInterruptedExitCode = 130;

// A signal handler can reach nothing but statics; it is installed only while one session is hosted.
std::atomic<Session*> s_session{nullptr};
std::atomic<int> s_signals{0};
static_assert(std::atomic<Session*>::is_always_lock_free);

void onSignal(int) {
    if (s_signals.fetch_add(1) > 0) {
        _exit(kInterruptedExitCode);
    }
    if (Session* session = s_session.load()) {
        session->interrupt();
    }
}

class SignalGuard {
  public:
    explicit SignalGuard(Session& session) {
        s_session = &session;
        struct sigaction action = {};
        action.sa_handler = &onSignal;
        sigaction(SIGINT, &action, &m_int);
        sigaction(SIGTERM, &action, &m_term);
        sigaction(SIGHUP, &action, &m_hup); // a terminal that closes is no reason to lose work
        std::signal(SIGPIPE, SIG_IGN);      // a closed pipe or peer is an error of that write, not of the run
    }
    SignalGuard(const SignalGuard&) = delete;
    SignalGuard& operator=(const SignalGuard&) = delete;
    ~SignalGuard() {
        sigaction(SIGINT, &m_int, nullptr);
        sigaction(SIGTERM, &m_term, nullptr);
        sigaction(SIGHUP, &m_hup, nullptr);
        s_session = nullptr;
        s_signals = 0;
    }

  private:
    struct sigaction m_int = {};
    struct sigaction m_term = {};
    struct sigaction m_hup = {};
};

spdlog::level::level_enum levelOf(Notice::Level level) {
    switch (level) {
    case Notice::Level::Info:
        return spdlog::level::info;
    case Notice::Level::Warning:
        return spdlog::level::warn;
    case Notice::Level::Error:
        break;
    }
    return spdlog::level::debug; // the program itself prints the error that ends a run
}

// Carries a session's events to the control server and to the terminal.
class ChannelObserver final : public SessionObserver {
  public:
    explicit ChannelObserver(const ProgressCallback& progress) : m_progress(progress) {}

    void open(Session& session, const std::string& program) {
        auto server = ControlServer::listen(session.id(), Hello{kProtocolVersion, program, session.id()},
                                            {.command = [&session](Command c) { session.submit(std::move(c)); },
                                             .snapshotWanted =
                                                 [this] {
                                                     m_wanted.store(true);
                                                 }});
        if (server) {
            m_server = std::move(*server);
        } else {
            spdlog::warn("nobody can attach to this run: {}", server.error().describe());
        }
    }

    void stateChanged(const StateChanged& change) override {
        spdlog::info("state={} env_step={} update={} reason=\"{}\"", toString(change.state),
                     change.clocks.envStep.value, change.clocks.update.value, change.reason);
        if (m_server) {
            m_server->publishState(change);
        }
    }
    void notice(const Notice& notice) override {
        spdlog::log(levelOf(notice.level), "env_step={} {}", notice.clocks.envStep.value, notice.text);
        if (m_server) {
            m_server->publishNotice(notice);
        }
    }
    void commandDone(const CommandResult& result) override {
        if (m_server) {
            m_server->reply(result);
        }
    }
    bool wantsSnapshot() const override { return m_wanted.load(std::memory_order_relaxed); }
    void snapshot(const Snapshot& snapshot) override {
        m_wanted.store(false); // before publishing: a request that comes now is a new one
        m_server->publishSnapshot(snapshot);
    }
    void progressed(const Clocks& clocks, double envStepsPerS) override {
        if (m_progress) {
            m_progress(clocks, envStepsPerS);
        }
    }

  private:
    const ProgressCallback& m_progress;
    std::unique_ptr<ControlServer> m_server;
    std::atomic<bool> m_wanted{false};
};

} // namespace

RunOutcome hostSession(Session& session, const std::string& program, const ProgressCallback& progress) {
    const SignalGuard signals(session);
    ChannelObserver observer(progress);
    observer.open(session, program);
    return session.run(observer);
}

} // namespace knife
