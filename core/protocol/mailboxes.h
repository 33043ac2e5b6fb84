// SPDX-License-Identifier: GPL-3.0-or-later
// What waits to be said on the control channel, in both of its places, with bounds. Private to the protocol.
#pragma once

#include <array>
#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "core/protocol/local_socket.h"
#include "core/protocol/messages.h"

namespace knife {

inline constexpr std::size_t kMaxWaitingNotices =
    1024; ///< per peer, and between the publishers and the server's thread
inline constexpr std::size_t kMaxWaitingStates = 64;
inline constexpr std::size_t kMaxUnreadResults = 1024;

/// What waits to be written to one peer.
class Outbox {
  public:
    enum class Kind { Greeting, State, Notice, Result, Snapshot };

    /// False: the peer leaves so much unread that it must go.
    [[nodiscard]] bool push(Kind kind, Frame frame);
    void lose(std::size_t notices) { m_lost += notices; }
    [[nodiscard]] bool empty() const { return m_items.empty() && m_lost == 0; }
    [[nodiscard]] bool holds(Kind kind) const { return count(kind) > 0; }
    [[nodiscard]] std::vector<Frame> take();

  private:
    struct Item {
        Kind kind;
        Frame frame;
    };
    [[nodiscard]] std::size_t count(Kind kind) const { return m_counts[static_cast<std::size_t>(kind)]; }
    void dropOldest(Kind kind);

    std::deque<Item> m_items;
    std::array<std::size_t, 5> m_counts{};
    std::size_t m_lost = 0;
};

/// What the run process has published and the server's thread has not taken yet. Bounded like an Outbox.
class Inbox {
  public:
    using Item = std::variant<StateChanged, Notice, CommandResult>;
    struct Content {
        std::deque<Item> items;
        std::optional<Snapshot> snapshot;
        std::size_t lost = 0;
    };

    /// True: nobody has been told yet that there is something to take.
    template <typename Published>
    [[nodiscard]] bool add(Published published) {
        const std::lock_guard lock(m_mutex);
        if constexpr (std::is_same_v<Published, Snapshot>) {
            m_content.snapshot = std::move(published);
        } else if constexpr (std::is_same_v<Published, Notice>) {
            if (m_notices >= kMaxWaitingNotices) {
                ++m_content.lost;
            } else {
                ++m_notices;
                m_content.items.emplace_back(std::move(published));
            }
        } else if constexpr (std::is_same_v<Published, StateChanged>) {
            addState(std::move(published));
        } else {
            m_content.items.emplace_back(std::move(published)); // results: no more than there are commands
        }
        return !std::exchange(m_announced, true);
    }
    [[nodiscard]] Content take();

  private:
    /// States that nobody has taken yet may be passed over, but never the newest one.
    void addState(StateChanged state);

    std::mutex m_mutex;
    Content m_content;
    std::size_t m_notices = 0;
    std::size_t m_states = 0;
    bool m_announced = false;
};

} // namespace knife
