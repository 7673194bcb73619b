"""A Soma stream as numpy arrays: comes back after a loss, counts lost frames, and never falls behind.

    python3 soma_stream.py ws://127.0.0.1:8080/ws/demo

Needs numpy and websockets 10 or later. Copy the file; `frames()` is what to call.
"""

import asyncio
import struct
import sys
import time
from typing import AsyncIterator, NamedTuple

import numpy as np
import websockets

# magic, version, kind, flags, epoch, sequence, capture time (µs), payload bytes, media time (s)
HEADER = struct.Struct("<4sBBHIIdIf")
POSE = 1
PAUSED, DISCONTINUITY = 1, 2
FIRST_DELAY_S, LONGEST_DELAY_S = 0.25, 8.0


class Frame(NamedTuple):
    bones: np.ndarray
    """float32, bones × row × column: local matrices for column vectors, translation in [:, :3, 3]. Not to be written to."""
    sequence: int
    epoch: int
    capture_us: float
    """Unix time on the server's clock, microseconds."""
    media_time_s: float
    flags: int
    lost: int
    """Frames that this client lost so far, by gaps in their numbers."""


async def frames(url: str) -> AsyncIterator[Frame]:
    """The frames of `ws://…/ws/{session}`, for ever: a lost connection, a stopped server and a session that does not exist yet
    are waited for. Raises websockets.InvalidHandshake where the server refuses the connection itself (token, origin)."""
    address = f"{url}{'&' if '?' in url else '?'}header=soma"
    lost = 0
    delay_s = FIRST_DELAY_S
    while True:
        last = None
        try:
            # One message waits at most: whoever is slow loses frames at the server, instead of showing old ones.
            async with websockets.connect(address, max_queue=1, compression=None) as socket:
                async for message in socket:
                    if isinstance(message, str):
                        continue  # an answer to a command, or the reason for the close that follows
                    magic, _, kind, flags, epoch, sequence, capture_us, payload_bytes, media_time_s = HEADER.unpack_from(message)
                    if magic != b"SOMA" or kind != POSE or len(message) != HEADER.size + payload_bytes:
                        raise ValueError("not a pose frame with a soma header")
                    if last is not None and last[0] == epoch:
                        lost += (sequence - last[1] - 1) % 2**32
                    last = (epoch, sequence)
                    delay_s = FIRST_DELAY_S
                    bones = np.frombuffer(message, "<f4", offset=HEADER.size).reshape(-1, 4, 4)
                    yield Frame(bones, sequence, epoch, capture_us, media_time_s, flags, lost)
        except (OSError, asyncio.TimeoutError, websockets.WebSocketException) as error:
            if isinstance(error, websockets.InvalidHandshake) and not isinstance(error, websockets.InvalidMessage):
                raise
            print(f"{url}: {error or type(error).__name__}; trying again in {delay_s} s", file=sys.stderr)
        await asyncio.sleep(delay_s)
        delay_s = min(2 * delay_s, LONGEST_DELAY_S)


async def main(url: str) -> None:
    since_s, count = time.monotonic(), 0
    async for frame in frames(url):
        count += 1
        elapsed_s = time.monotonic() - since_s
        if elapsed_s < 1:
            continue
        x, y, z = frame.bones[0, :3, 3]
        print(f"{count / elapsed_s:.1f} frames/s, {frame.lost} lost, {len(frame.bones)} bones, root at ({x:.2f}, {y:.2f}, {z:.2f})")
        since_s, count = time.monotonic(), 0


if __name__ == "__main__":
    try:
        asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else "ws://127.0.0.1:8080/ws/demo"))
    except KeyboardInterrupt:
        pass
