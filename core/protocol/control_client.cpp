// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/protocol/channel.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

#include <boost/asio.hpp>
#include <fmt/format.h>

#include "core/protocol/local_socket.h"
#include "core/protocol/wire.h"

namespace knife {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using std::chrono::milliseconds;

constexpr auto kClientPatience = milliseconds(5000);

class Client final : public ControlClient {
  public:
    Client() : m_socket(m_io) {}

    [[nodiscard]] Result<void> open(const RunId& run) {
        const std::filesystem::path path = socketPath(run);
        error_code error;
        m_socket.connect(asio::local::stream_protocol::endpoint(path.string()), error);
        if (error == asio::error::access_denied) {
            return fail(ErrorCode::Io, fmt::format("cannot connect to {}: {}", path.string(), error.message()));
        }
        if (error) {
            return fail(ErrorCode::NotFound,
                        fmt::format("no process serves run {} ({}: {})", run.value, path.string(), error.message()));
        }
        if (!isSameUser(m_socket)) {
            return fail(ErrorCode::Protocol, fmt::format("{} belongs to another user", path.string()));
        }
        return exchangeHellos(run);
    }

    [[nodiscard]] const Hello& peer() const override { return m_peer; }

    [[nodiscard]] Result<void> send(const Message& message) override {
        const std::string frame = encode(message);
        std::optional<error_code> outcome;
        asio::async_write(m_socket, asio::buffer(frame),
                          [&outcome](const error_code& error, std::size_t) { outcome = error; });
        waitFor(outcome, kClientPatience);
        if (*outcome) {
            return fail(ErrorCode::Protocol, fmt::format("the run process is gone: {}", outcome->message()));
        }
        return {};
    }

    [[nodiscard]] Result<std::optional<Message>> receive(int timeoutMs) override {
        const auto deadline = std::chrono::steady_clock::now() + milliseconds(timeoutMs);
        while (true) {
            Result<std::optional<Message>> message = m_decoder.next();
            if (!message || *message) {
                return message;
            }
            const auto left = deadline - std::chrono::steady_clock::now();
            std::optional<error_code> outcome;
            std::size_t bytes = 0;
            m_socket.async_read_some(asio::buffer(m_incoming), [&](const error_code& error, std::size_t count) {
                outcome = error;
                bytes = count;
            });
            waitFor(outcome, std::max<std::chrono::nanoseconds>(left, milliseconds(0)));
            if (*outcome == asio::error::operation_aborted) {
                return std::optional<Message>();
            }
            if (*outcome) {
                return fail(ErrorCode::Protocol, fmt::format("the run process is gone: {}", outcome->message()));
            }
            m_decoder.feed({m_incoming.data(), bytes});
        }
    }

  private:
    [[nodiscard]] Result<void> exchangeHellos(const RunId& run) {
        if (Result<void> sent = send(Hello{kProtocolVersion, "control client", run}); !sent) {
            return sent;
        }
        Result<std::optional<Message>> answer = receive(static_cast<int>(kClientPatience.count()));
        if (!answer) {
            return tl::unexpected(answer.error());
        }
        const auto* hello = *answer ? std::get_if<Hello>(&**answer) : nullptr;
        if (hello == nullptr) {
            return fail(ErrorCode::Protocol, fmt::format("the process behind run {} does not answer", run.value));
        }
        if (hello->version != kProtocolVersion) {
            return fail(ErrorCode::Protocol,
                        fmt::format("run {} speaks version {} of the control protocol, this program speaks version {}",
                                    run.value, hello->version, kProtocolVersion));
        }
        m_peer = *hello;
        return {};
    }

    /// Runs until the operation is over; one that is still going on at the end of `patience` is cancelled.
    void waitFor(const std::optional<error_code>& outcome, std::chrono::nanoseconds patience) {
        m_io.restart();
        m_io.run_for(patience);
        if (!outcome) {
            error_code ignored;
            m_socket.cancel(ignored);
            m_io.restart();
            m_io.run();
        }
    }

    asio::io_context m_io;
    LocalSocket m_socket;
    std::array<char, kReadBytes> m_incoming{};
    FrameDecoder m_decoder;
    Hello m_peer;
};

} // namespace

Result<std::unique_ptr<ControlClient>> ControlClient::connect(const RunId& run) {
    auto client = std::make_unique<Client>();
    if (Result<void> opened = client->open(run); !opened) {
        return tl::unexpected(std::move(opened).error());
    }
    return client;
}

} // namespace knife
