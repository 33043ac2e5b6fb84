// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/protocol/mailboxes.h"

#include <algorithm>

#include <fmt/format.h>

namespace knife {
namespace {

Notice lostNotices(std::size_t count) {
    return {
        Notice::Level::Warning, {}, fmt::format("{} notices were lost: they came faster than they were read", count)};
}

} // namespace

bool Outbox::push(Kind kind, Frame frame) {
    if (kind == Kind::Notice && count(kind) >= kMaxWaitingNotices) {
        ++m_lost;
        return true;
    }
    if (kind == Kind::Result && count(kind) >= kMaxUnreadResults) {
        return false;
    }
    if (kind == Kind::State && count(kind) >= kMaxWaitingStates) {
        dropOldest(Kind::State);
    }
    ++m_counts[static_cast<std::size_t>(kind)];
    m_items.push_back({kind, std::move(frame)});
    return true;
}

std::vector<Frame> Outbox::take() {
    std::vector<Frame> frames;
    frames.reserve(m_items.size() + 1);
    for (Item& item : m_items) {
        frames.push_back(std::move(item.frame));
    }
    if (m_lost > 0) {
        frames.push_back(frameOf(lostNotices(m_lost)));
    }
    *this = Outbox();
    return frames;
}

void Outbox::dropOldest(Kind kind) {
    const auto oldest =
        std::find_if(m_items.begin(), m_items.end(), [kind](const Item& item) { return item.kind == kind; });
    if (oldest != m_items.end()) {
        m_items.erase(oldest);
        --m_counts[static_cast<std::size_t>(kind)];
    }
}

Inbox::Content Inbox::take() {
    const std::lock_guard lock(m_mutex);
    m_announced = false;
    m_notices = 0;
    m_states = 0;
    return std::exchange(m_content, Content());
}

void Inbox::addState(StateChanged state) {
    if (m_states < kMaxWaitingStates) {
        ++m_states;
        m_content.items.emplace_back(std::move(state));
        return;
    }
    const auto newest = std::find_if(m_content.items.rbegin(), m_content.items.rend(),
                                     [](const Item& item) { return std::holds_alternative<StateChanged>(item); });
    *newest = std::move(state);
}

} // namespace knife
