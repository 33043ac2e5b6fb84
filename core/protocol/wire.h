// SPDX-License-Identifier: GPL-3.0-or-later
// Wire format of the control channel: a four-byte little-endian length, then one protobuf message (control.proto).
// No sockets here: the run process and the window each bring their own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/protocol/messages.h"
#include "core/types/episode_recording.h"
#include "core/types/error.h"

namespace knife {

/// Larger frames are a protocol error: the biggest honest message is a snapshot of some 10^5 units.
inline constexpr std::uint32_t kMaxFrameBytes = 64U << 20U;

/// Of a recorded episode, each of them a picture.
inline constexpr int kMaxMoments = 1 << 16;

/// One framed message, ready to be written.
[[nodiscard]] std::string encode(const Message& message);

/// Turns a byte stream back into messages. Not thread-safe.
class FrameDecoder {
  public:
    /// Appends bytes that came in, in any portions.
    void feed(std::span<const char> bytes);
    /// The next complete message; nullopt: more bytes are needed. After an error (ErrorCode::Protocol) the stream is
    /// unusable and the connection must be closed.
    [[nodiscard]] Result<std::optional<Message>> next();

  private:
    std::string m_buffer;
    std::size_t m_read = 0;
};

/// A neuron frame and a receipt as bytes for the store, and back (ErrorCode::Corrupt).
[[nodiscard]] std::string serialise(const NeuronFrame& frame);
[[nodiscard]] Result<NeuronFrame> parseNeuronFrame(std::string_view bytes);
[[nodiscard]] std::string serialise(const SurgeryReceipt& receipt);
[[nodiscard]] Result<SurgeryReceipt> parseReceipt(std::string_view bytes);
/// A recorded episode likewise; ErrorCode::Unsupported where it would be more than can be read back.
[[nodiscard]] Result<std::string> serialise(const EpisodeRecording& recording);
[[nodiscard]] Result<EpisodeRecording> parseEpisode(std::string_view bytes);

} // namespace knife
