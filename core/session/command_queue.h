// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>

#include "core/protocol/messages.h"

namespace knife {

/// Commands from any thread, taken out on the training thread.
class CommandQueue {
  public:
    void push(Command command) {
        {
            const std::scoped_lock lock(m_mutex);
            m_commands.push_back(std::move(command));
        }
        m_arrived.notify_one();
    }

    std::optional<Command> pop() {
        const std::scoped_lock lock(m_mutex);
        if (m_commands.empty()) {
            return std::nullopt;
        }
        Command command = std::move(m_commands.front());
        m_commands.pop_front();
        return command;
    }

    /// Returns when a command is there, or after `time`.
    void waitFor(std::chrono::milliseconds time) {
        std::unique_lock lock(m_mutex);
        m_arrived.wait_for(lock, time, [this] { return !m_commands.empty(); });
    }

  private:
    std::mutex m_mutex;
    std::condition_variable m_arrived;
    std::deque<Command> m_commands;
};

} // namespace knife
