"""Rival: FastAPI on uvicorn. Samples a BVH clip per session at 60 Hz and sends the local matrices to that session's clients.

Shaped as such servers are: a producer writes poses into a triple buffer, an asyncio broadcaster per session sends a view of
the newest to each socket, so that a slow client holds no other session. Written the way this stack does it best: one numpy
call computes the poses of all sessions together, steps between frames are prepared when the clip is loaded, uvloop, no
deflate, no pings, no access log. The producer lives in the same process, which spares this rival the waking of a second.

    python3 fastapi_server.py --port 8080 --clips DIR
"""

import argparse
import asyncio
import pathlib
import resource
import struct
import time

import numpy as np
import uvicorn
from fastapi import FastAPI, WebSocket, WebSocketDisconnect
from pydantic import BaseModel

RATE_HZ = 60
PERIOD_S = 1 / RATE_HZ
HEADER_BYTES = 32
FRAME_MAGIC = 0x414D4F53
SLOTS = 3


class Clip:
    """Dense tracks, joints breadth-first: quaternions and their steps to the next frame along the shorter arc."""

    def __init__(self, path: pathlib.Path):
        hierarchy, motion = path.read_text().split("MOTION")
        parents, offsets, channels, ends, open_joints = [], [], [], [], []
        words = hierarchy.split()
        columns = 0
        for at, word in enumerate(words):
            if word in ("ROOT", "JOINT", "End"):
                parents.append(open_joints[-1] if open_joints else -1)
                offsets.append([0.0, 0.0, 0.0])
                channels.append([])
                ends.append(word == "End")
            elif word == "{":
                open_joints.append(len(parents) - 1)
            elif word == "}":
                open_joints.pop()
            elif word == "OFFSET":
                offsets[open_joints[-1]] = [float(value) for value in words[at + 1 : at + 4]]
            elif word == "CHANNELS":
                names = words[at + 2 : at + 2 + int(words[at + 1])]
                channels[open_joints[-1]] = [(name, columns + i) for i, name in enumerate(names)]
                columns += len(names)
        order = [0]
        for joint in order:
            order += [child for child, parent in enumerate(parents) if parent == joint and not ends[child]]

        lines = motion.strip().split("\n")
        self.frame_count = int(lines[0].split(":")[1])
        self.frame_time_s = float(lines[1].split(":")[1])
        rows = np.array([line.split() for line in lines[2 : 2 + self.frame_count]], dtype=np.float64)
        self.joint_count = len(order)
        self.offsets = np.array([offsets[joint] for joint in order], dtype=np.float32)
        rotations = np.stack([joint_rotations(rows, channels[joint]) for joint in order], axis=1)
        following = np.roll(rotations, -1, axis=0)
        following *= np.where((rotations * following).sum(axis=2, keepdims=True) < 0, -1.0, 1.0)
        positions = np.zeros((self.frame_count, 3))
        for name, column in channels[0]:
            if name.endswith("position"):
                positions[:, "XYZ".index(name[0])] = rows[:, column]
        # Components first: each of x, y, z, w of all joints is then one contiguous run.
        self.rotations = np.ascontiguousarray(rotations.transpose(0, 2, 1), dtype=np.float32)
        self.rotation_steps = np.ascontiguousarray((following - rotations).transpose(0, 2, 1), dtype=np.float32)
        self.positions = positions.astype(np.float32)
        self.position_steps = (np.roll(positions, -1, axis=0) - positions).astype(np.float32)

    def write_locals(self, matrices: np.ndarray, times_s: np.ndarray) -> None:
        """Writes `[sessions, joints, 4, 4]` local matrices, row-major; constant elements are already there."""
        position = np.mod(times_s / self.frame_time_s, self.frame_count)
        frame = np.minimum(position.astype(np.int64), self.frame_count - 1)
        share = (position - frame).astype(np.float32)
        q = self.rotations[frame] + self.rotation_steps[frame] * share[:, None, None]
        x, y, z, w = q[:, 0], q[:, 1], q[:, 2], q[:, 3]
        s = 2 / (q * q).sum(axis=1)
        sx, sy, sz = s * x, s * y, s * z
        xx, yy, zz, xy, xz, yz = sx * x, sy * y, sz * z, sx * y, sx * z, sy * z
        wx, wy, wz = sx * w, sy * w, sz * w
        matrices[:, :, 0, 0] = 1 - (yy + zz)
        matrices[:, :, 0, 1] = xy - wz
        matrices[:, :, 0, 2] = xz + wy
        matrices[:, :, 1, 0] = xy + wz
        matrices[:, :, 1, 1] = 1 - (xx + zz)
        matrices[:, :, 1, 2] = yz - wx
        matrices[:, :, 2, 0] = xz - wy
        matrices[:, :, 2, 1] = yz + wx
        matrices[:, :, 2, 2] = 1 - (xx + yy)
        matrices[:, 0, :3, 3] = self.positions[frame] + self.position_steps[frame] * share[:, None]


def joint_rotations(rows: np.ndarray, channels: list) -> np.ndarray:
    """Quaternions `[frames, 4]` (x, y, z, w) of one joint: the intrinsic product in channel order."""
    q = np.tile([0.0, 0.0, 0.0, 1.0], (len(rows), 1))
    for name, column in channels:
        if name.endswith("rotation"):
            half = np.radians(rows[:, column]) / 2
            turn = np.zeros((len(rows), 4))
            turn[:, "XYZ".index(name[0])] = np.sin(half)
            turn[:, 3] = np.cos(half)
            q = multiply(q, turn)
    return q


def multiply(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    ax, ay, az, aw = a.T
    bx, by, bz, bw = b.T
    return np.stack(
        [
            aw * bx + ax * bw + ay * bz - az * by,
            aw * by - ax * bz + ay * bw + az * bx,
            aw * bz + ax * by - ay * bx + az * bw,
            aw * bw - ax * bx - ay * by - az * bz,
        ],
        axis=1,
    )


class Session:
    """A place in its stage's arrays, and the clients that watch it."""

    def __init__(self, stage: "Stage", row: int):
        self.stage = stage
        self.row = row
        self.clients: dict[WebSocket, bool] = {}
        self.fresh = asyncio.Event()
        self.broadcaster: asyncio.Task | None = None


class Stage:
    """All sessions of one clip: their times, and a triple buffer of header + pose for each."""

    def __init__(self, clip: Clip):
        self.clip = clip
        self.sessions: list[Session] = []
        self.times_s = np.zeros(0)
        self.sequence = 0
        self.slot = 0
        self.allocate(0)

    def allocate(self, capacity: int) -> None:
        floats = HEADER_BYTES // 4 + self.clip.joint_count * 16
        self.frames = np.zeros((SLOTS, capacity, floats), dtype=np.float32)
        shape = (SLOTS, capacity, self.clip.joint_count, 4, 4)
        self.matrices = self.frames[:, :, HEADER_BYTES // 4 :].reshape(shape) if capacity else None
        if capacity:
            assert np.shares_memory(self.matrices, self.frames)
            self.matrices[:, :, :, 3, 3] = 1
            self.matrices[:, :, :, :3, 3] = self.clip.offsets
        bytes_view = self.frames.view(np.uint8)
        self.views = [[memoryview(bytes_view[slot, row]) for row in range(capacity)] for slot in range(SLOTS)]

    def add(self) -> Session:
        session = Session(self, len(self.sessions))
        self.sessions.append(session)
        self.times_s = np.append(self.times_s, 0.0)
        if len(self.sessions) > self.frames.shape[1]:
            self.allocate(max(16, 2 * self.frames.shape[1]))
        return session

    def produce(self) -> list[Session]:
        """Advances every session by one tick, computes the poses of those somebody watches, and says which these are."""
        clip = self.clip
        self.times_s = np.mod(self.times_s + PERIOD_S, clip.frame_count * clip.frame_time_s)
        self.sequence += 1
        watched = [session for session in self.sessions if session.clients]
        if not watched:
            return watched
        self.slot = (self.slot + 1) % SLOTS
        matrices, times_s = self.matrices[self.slot], self.times_s
        if len(watched) == len(self.sessions):
            clip.write_locals(matrices[: len(watched)], times_s)
        else:
            for session in watched:
                row = slice(session.row, session.row + 1)
                clip.write_locals(matrices[row], times_s[row])
        capture_us = time.time() * 1e6
        payload_bytes = clip.joint_count * 64
        views = self.views[self.slot]
        for session in watched:
            # magic; version 1, kind 1 (pose), no flags; epoch; sequence; capture; payload; media time
            header = (FRAME_MAGIC, 1, 1, 0, 0, self.sequence, capture_us, payload_bytes, times_s[session.row])
            struct.pack_into("<IBBHIIdIf", views[session.row], 0, *header)
        return watched


class CreateSession(BaseModel):
    session_id: str
    animation_file: str


app = FastAPI()
stages: dict[str, Stage] = {}
sessions: dict[str, Session] = {}
clips_dir = pathlib.Path(".")


async def broadcast(session: Session) -> None:
    """Sends each new frame to the session's clients; one task per session, so that a slow client holds only its own session."""
    while True:
        await session.fresh.wait()
        session.fresh.clear()
        view = session.stage.views[session.stage.slot][session.row]
        payload = view[HEADER_BYTES:]
        for client, header in list(session.clients.items()):
            try:
                await client.send_bytes(view if header else payload)
            except Exception:  # whatever a closing socket raises: it is gone
                session.clients.pop(client, None)


async def run() -> None:
    deadline_s = time.monotonic()
    while True:
        for stage in list(stages.values()):
            for session in stage.produce():
                session.fresh.set()
        deadline_s += PERIOD_S
        left_s = deadline_s - time.monotonic()
        if left_s < -4 * PERIOD_S:
            deadline_s = time.monotonic()
        await asyncio.sleep(max(0.0, left_s))


@app.on_event("startup")
async def start() -> None:
    app.state.runner = asyncio.create_task(run())


@app.get("/healthz")
async def healthz() -> dict:
    return {"status": "ok"}


@app.post("/sessions")
async def create_session(body: CreateSession) -> dict:
    if body.animation_file not in stages:
        stages[body.animation_file] = Stage(Clip(clips_dir / body.animation_file))
    session = sessions[body.session_id] = stages[body.animation_file].add()
    session.broadcaster = asyncio.create_task(broadcast(session))
    return {"status": "created", "session_id": body.session_id}


@app.websocket("/ws/{session_id}")
async def watch(websocket: WebSocket, session_id: str) -> None:
    session = sessions.get(session_id)
    if session is None:
        await websocket.close(4000)
        return
    await websocket.accept()
    session.clients[websocket] = websocket.query_params.get("header") == "soma"
    try:
        while True:
            await websocket.receive()
    except (WebSocketDisconnect, RuntimeError):
        session.clients.pop(websocket, None)


def main() -> None:
    global clips_dir
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--clips", type=pathlib.Path, required=True)
    options = parser.parse_args()
    clips_dir = options.clips
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=options.port,
        loop="uvloop",
        ws="websockets",
        ws_per_message_deflate=False,
        ws_ping_interval=None,
        log_level="warning",
        access_log=False,
    )


if __name__ == "__main__":
    main()
