/**
 * The floor: `Bun.serve` publishing the same bytes at 60 Hz with nothing behind them. One pose is made up at start and sent
 * for ever; only sequence and capture time change. No clip, no worker, no validation: what is left is the cost of sending.
 *
 *   bun bare-publish.ts --port 8080 --clips DIR
 */
import { parseArgs } from "node:util";
import {
  FRAME_HEADER,
  FRAME_HEADER_BYTES,
  FRAME_KIND,
  writeFrameHeader,
} from "../../../src/protocol/layouts.ts";
import { BENCH_CLIP, expectedLocals } from "../clip.ts";

const RATE_HZ = 60;
const PERIOD_MS = 1000 / RATE_HZ;
const MEDIA_TIME_S = 0.5;

interface Viewer {
  readonly topic: string;
}

const { values: options } = parseArgs({
  options: { port: { type: "string" }, clips: { type: "string" } },
});
/** Topics with viewers: publishing to nobody would be charged to the floor. */
const viewers = new Map<string, number>();
const payload = Float32Array.from(expectedLocals(MEDIA_TIME_S));
const frame = new Uint8Array(FRAME_HEADER_BYTES + BENCH_CLIP.jointCount * 64);
const header = new DataView(frame.buffer);
frame.set(new Uint8Array(payload.buffer), FRAME_HEADER_BYTES);
writeFrameHeader(header, {
  version: 1,
  kind: FRAME_KIND.pose,
  flags: 0,
  epoch: 0,
  sequence: 0,
  captureUs: 0,
  payloadBytes: payload.byteLength,
  mediaTimeS: MEDIA_TIME_S,
});
const bare = frame.subarray(FRAME_HEADER_BYTES);

const server = Bun.serve<Viewer>({
  port: Number(options.port),
  hostname: "127.0.0.1",
  async fetch(request, self) {
    const url = new URL(request.url);
    if (request.method === "POST") {
      const body = (await request.json()) as { readonly session_id: string };
      return Response.json({ status: "created", session_id: body.session_id });
    }
    if (!url.pathname.startsWith("/ws/")) return new Response("ok");
    const topic = `${url.searchParams.get("header") ?? "none"} ${url.pathname.slice("/ws/".length)}`;
    return self.upgrade(request, { data: { topic } })
      ? undefined
      : new Response("no", { status: 400 });
  },
  websocket: {
    perMessageDeflate: false,
    idleTimeout: 0,
    sendPings: false,
    backpressureLimit: 16 * 1024,
    open(socket) {
      const { topic } = socket.data;
      socket.subscribe(topic);
      viewers.set(topic, (viewers.get(topic) ?? 0) + 1);
    },
    message: () => undefined,
    close(socket) {
      const { topic } = socket.data;
      const left = (viewers.get(topic) ?? 1) - 1;
      if (left > 0) viewers.set(topic, left);
      else viewers.delete(topic);
    },
  },
});

let sequence = 0;
let deadlineMs = performance.now() + PERIOD_MS;
function tick(): void {
  header.setUint32(FRAME_HEADER.sequence, ++sequence, true);
  for (const topic of viewers.keys()) {
    header.setFloat64(
      FRAME_HEADER.captureUs,
      (performance.timeOrigin + performance.now()) * 1000,
      true,
    );
    server.publish(topic, topic.startsWith("soma ") ? frame : bare, false);
  }
  deadlineMs += PERIOD_MS;
  const leftMs = deadlineMs - performance.now();
  if (leftMs < -4 * PERIOD_MS) deadlineMs = performance.now() + PERIOD_MS;
  setTimeout(tick, Math.max(0, leftMs));
}
tick();
