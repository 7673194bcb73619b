/**
 * Reads the messages of a Soma stream that was opened with `?header=soma`: header, matrices, lost frames. C++17, this file only;
 * bring your own WebSocket. Nothing is allocated, and nothing is copied but what is asked for.
 *
 *     if (auto frame = soma::readFrame(message.data(), message.size())) {
 *         losses.accept(frame->header);
 *         for (std::size_t i = 0; i < frame->boneCount; ++i) use(frame->bone(i));
 *     }
 */
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>

namespace soma {

constexpr std::size_t headerBytes = 32;
constexpr std::size_t boneBytes = 64;
constexpr std::uint32_t magic = 0x414d4f53;  // "SOMA"
constexpr std::uint8_t kindPose = 1;
constexpr std::uint16_t flagPaused = 1;
constexpr std::uint16_t flagDiscontinuity = 2;

struct FrameHeader {
    std::uint8_t version;
    std::uint8_t kind;
    std::uint16_t flags;
    std::uint32_t epoch;     // rises when the engine restarted or the layout changed
    std::uint32_t sequence;  // rises by one per produced frame, wraps
    double captureUs;        // Unix time on the server's clock, microseconds
    std::uint32_t payloadBytes;
    float mediaTimeS;  // position in the clip, seconds
};

/** 16 floats in the stream's order: rows by default, translation at 3, 7, 11; with `?order=column` columns, at 12, 13, 14. */
using Matrix = std::array<float, 16>;

/** A frame inside a message. Valid as long as the message's bytes are. */
struct Frame {
    FrameHeader header;
    const std::uint8_t* matrices;
    std::size_t boneCount;

    Matrix bone(std::size_t index) const {
        Matrix matrix;
        std::memcpy(matrix.data(), matrices + index * boneBytes, boneBytes);
        return matrix;
    }
};

/** The number at `at`. The stream is little-endian, and so is every machine that this is meant for. */
template <typename Number>
Number read(const std::uint8_t* at) {
    Number value;
    std::memcpy(&value, at, sizeof value);
    return value;
}

/** Empty where the message is no whole float32 pose frame with a soma header. `data` needs no alignment. */
inline std::optional<Frame> readFrame(const void* data, std::size_t bytes) {
    const auto* at = static_cast<const std::uint8_t*>(data);
    if (bytes < headerBytes || read<std::uint32_t>(at) != magic) return std::nullopt;
    const FrameHeader header{
        at[4],
        at[5],
        read<std::uint16_t>(at + 6),
        read<std::uint32_t>(at + 8),
        read<std::uint32_t>(at + 12),
        read<double>(at + 16),
        read<std::uint32_t>(at + 24),
        read<float>(at + 28),
    };
    if (header.kind != kindPose || header.payloadBytes != bytes - headerBytes) return std::nullopt;
    if (header.payloadBytes % boneBytes != 0) return std::nullopt;
    return Frame{header, at + headerBytes, header.payloadBytes / boneBytes};
}

/** Counts the frames that did not arrive, by gaps in their numbers. One per connection. */
class LossCounter {
public:
    void accept(const FrameHeader& header) {
        if (started_ && header.epoch == epoch_) lost_ += header.sequence - sequence_ - 1;
        started_ = true;
        epoch_ = header.epoch;
        sequence_ = header.sequence;
        ++received_;
    }
    std::uint64_t received() const { return received_; }
    std::uint64_t lost() const { return lost_; }

private:
    bool started_ = false;
    std::uint32_t epoch_ = 0;
    std::uint32_t sequence_ = 0;
    std::uint64_t received_ = 0;
    std::uint64_t lost_ = 0;
};

}  // namespace soma
