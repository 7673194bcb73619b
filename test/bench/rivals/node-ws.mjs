/**
 * Rival: node + `ws` 8. Samples a BVH clip per session at 60 Hz and sends the local matrices to the clients of that session.
 * Written the way this stack does it best: plain JavaScript on typed arrays, one timer for all sessions, no deflate, whole
 * frames skipped for a socket that still has unsent bytes. Depends on `ws` and node alone.
 *
 *   node node-ws.mjs --port 8080 --clips DIR
 */
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { WebSocketServer } from "ws";

const RATE_HZ = 60;
const PERIOD_MS = 1000 / RATE_HZ;
const HEADER_BYTES = 32;
const FRAME_MAGIC = 0x414d4f53;
const BACKLOG_BYTES = 16 * 1024;

/** Parses BVH into dense tracks, joints breadth-first: quaternions and their steps to the next frame, root positions likewise. */
function loadClip(path) {
  const [hierarchy, motion] = readFileSync(path, "utf8").split("MOTION");
  const joints = []; // depth-first, as the file lists them
  const open = [];
  let channelCount = 0;
  const words = hierarchy.split(/\s+/);
  for (let i = 0; i < words.length; i++) {
    if (words[i] === "ROOT" || words[i] === "JOINT") {
      joints.push({ parent: open.at(-1) ?? -1, offset: [0, 0, 0], channels: [], end: false });
    } else if (words[i] === "End") {
      joints.push({ parent: open.at(-1), offset: [0, 0, 0], channels: [], end: true });
    } else if (words[i] === "{") {
      open.push(joints.length - 1);
    } else if (words[i] === "}") {
      open.pop();
    } else if (words[i] === "OFFSET") {
      joints[open.at(-1)].offset = words.slice(i + 1, i + 4).map(Number);
    } else if (words[i] === "CHANNELS") {
      const names = words.slice(i + 2, i + 2 + Number(words[i + 1]));
      joints[open.at(-1)].channels = names.map((name) => ({ name, column: channelCount++ }));
    }
  }
  const order = [0];
  for (const at of order)
    joints.forEach((joint, index) => joint.parent === at && !joint.end && order.push(index));

  const lines = motion.trim().split("\n");
  const frameCount = Number(lines[0].split(":")[1]);
  const frameTimeS = Number(lines[1].split(":")[1]);
  const rows = lines.slice(2, 2 + frameCount).map((line) => line.trim().split(/\s+/).map(Number));
  const jointCount = order.length;
  const rotations = new Float64Array(frameCount * jointCount * 4);
  const rootPositions = new Float64Array(frameCount * 3);
  rows.forEach((row, frame) => {
    order.forEach((index, slot) => {
      let q = [0, 0, 0, 1];
      for (const { name, column } of joints[index].channels) {
        const axis = "XYZ".indexOf(name[0]);
        if (name.endsWith("position")) {
          if (slot === 0) rootPositions[frame * 3 + axis] = row[column];
          continue;
        }
        const half = (row[column] * Math.PI) / 360;
        const turn = [0, 0, 0, Math.cos(half)];
        turn[axis] = Math.sin(half);
        q = multiply(q, turn);
      }
      rotations.set(q, (frame * jointCount + slot) * 4);
    });
  });
  const offsets = order.map((index) => joints[index].offset);
  return {
    jointCount,
    frameCount,
    frameTimeS,
    offsets,
    rotations,
    rootPositions,
    steps: stepsOf(rotations, frameCount, jointCount),
  };
}

function multiply([ax, ay, az, aw], [bx, by, bz, bw]) {
  return [
    aw * bx + ax * bw + ay * bz - az * by,
    aw * by - ax * bz + ay * bw + az * bx,
    aw * bz + ax * by - ay * bx + az * bw,
    aw * bw - ax * bx - ay * by - az * bz,
  ];
}

/** Difference of each quaternion to the next frame's, along the shorter arc, so that the tick is one multiply-add each. */
function stepsOf(rotations, frameCount, jointCount) {
  const steps = new Float64Array(rotations.length);
  const stride = jointCount * 4;
  for (let frame = 0; frame < frameCount; frame++) {
    for (let at = 0; at < stride; at += 4) {
      const from = frame * stride + at;
      const to = ((frame + 1) % frameCount) * stride + at;
      let dot = 0;
      for (let i = 0; i < 4; i++) dot += rotations[from + i] * rotations[to + i];
      for (let i = 0; i < 4; i++)
        steps[from + i] = Math.sign(dot || 1) * rotations[to + i] - rotations[from + i];
    }
  }
  return steps;
}

/** Writes the local matrices of the clip at `timeS` into `out`, row-major. */
function writePose(out, clip, timeS) {
  const { jointCount, frameCount, rotations, steps, offsets, rootPositions } = clip;
  const position = (timeS / clip.frameTimeS) % frameCount;
  const frame = Math.floor(position);
  const share = position - frame;
  for (
    let joint = 0, from = frame * jointCount * 4, at = 0;
    joint < jointCount;
    joint++, from += 4, at += 16
  ) {
    const x = rotations[from] + share * steps[from];
    const y = rotations[from + 1] + share * steps[from + 1];
    const z = rotations[from + 2] + share * steps[from + 2];
    const w = rotations[from + 3] + share * steps[from + 3];
    const s = 2 / (x * x + y * y + z * z + w * w);
    const offset = offsets[joint];
    out[at] = 1 - s * (y * y + z * z);
    out[at + 1] = s * (x * y - z * w);
    out[at + 2] = s * (x * z + y * w);
    out[at + 3] = offset[0];
    out[at + 4] = s * (x * y + z * w);
    out[at + 5] = 1 - s * (x * x + z * z);
    out[at + 6] = s * (y * z - x * w);
    out[at + 7] = offset[1];
    out[at + 8] = s * (x * z - y * w);
    out[at + 9] = s * (y * z + x * w);
    out[at + 10] = 1 - s * (x * x + y * y);
    out[at + 11] = offset[2];
    out[at + 12] = 0;
    out[at + 13] = 0;
    out[at + 14] = 0;
    out[at + 15] = 1;
  }
  const next = ((frame + 1) % frameCount) * 3;
  for (let axis = 0; axis < 3; axis++) {
    const now = rootPositions[frame * 3 + axis];
    out[4 * axis + 3] = now + share * (rootPositions[next + axis] - now);
  }
}

const { values: options } = parseArgs({
  options: { port: { type: "string" }, clips: { type: "string" } },
});
const clips = new Map();
const sessions = new Map();

function createSession({ session_id: id, animation_file: file }) {
  if (!clips.has(file)) clips.set(file, loadClip(join(options.clips, file)));
  sessions.set(id, { clip: clips.get(file), timeS: 0, sequence: 0, clients: new Set() });
}

function tickSession(session) {
  const { clip } = session;
  session.timeS = (session.timeS + 1 / RATE_HZ) % (clip.frameCount * clip.frameTimeS);
  session.sequence++;
  if (session.clients.size === 0) return;
  // A fresh buffer each tick: `ws` keeps a reference, not a copy, while a socket cannot take the bytes.
  const frame = Buffer.allocUnsafeSlow(HEADER_BYTES + clip.jointCount * 64);
  writePose(new Float32Array(frame.buffer, HEADER_BYTES), clip, session.timeS);
  frame.writeUInt32LE(FRAME_MAGIC, 0);
  frame.writeUInt32LE(0x00000101, 4); // version 1, kind 1 (pose), no flags
  frame.writeUInt32LE(0, 8);
  frame.writeUInt32LE(session.sequence, 12);
  frame.writeDoubleLE((performance.timeOrigin + performance.now()) * 1000, 16);
  frame.writeUInt32LE(clip.jointCount * 64, 24);
  frame.writeFloatLE(session.timeS, 28);
  const payload = frame.subarray(HEADER_BYTES);
  for (const client of session.clients) {
    if (client.socket.bufferedAmount < BACKLOG_BYTES)
      client.socket.send(client.header ? frame : payload);
  }
}

let deadlineMs = performance.now() + PERIOD_MS;
function tick() {
  for (const session of sessions.values()) tickSession(session);
  deadlineMs += PERIOD_MS;
  const leftMs = deadlineMs - performance.now();
  if (leftMs < -4 * PERIOD_MS) deadlineMs = performance.now() + PERIOD_MS;
  setTimeout(tick, Math.max(0, leftMs));
}

const server = createServer((request, response) => {
  if (request.method !== "POST") return response.end("ok");
  const chunks = [];
  request.on("data", (chunk) => chunks.push(chunk));
  request.on("end", () => {
    const body = JSON.parse(Buffer.concat(chunks).toString("utf8"));
    createSession(body);
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ status: "created", session_id: body.session_id }));
  });
});

const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false });
server.on("upgrade", (request, socket, head) => {
  const url = new URL(request.url, "http://localhost");
  const session = sessions.get(url.pathname.slice("/ws/".length));
  if (session === undefined) return socket.destroy();
  sockets.handleUpgrade(request, socket, head, (ws) => {
    const client = { socket: ws, header: url.searchParams.get("header") === "soma" };
    session.clients.add(client);
    ws.on("close", () => session.clients.delete(client));
    ws.on("error", () => ws.terminate());
  });
});
server.listen({ port: Number(options.port), host: "127.0.0.1", backlog: 2048 }, tick);
