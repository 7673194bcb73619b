/**
 * One WebSocket viewer in TypeScript, for what the load client cannot do: look into the poses and send commands.
 * Frames are handed to `onFrame` as they come; nothing is queued.
 */
import {
  FRAME_HEADER_BYTES,
  type FrameHeader,
  readFrameHeader,
} from "../../src/protocol/layouts.ts";
import type { Server } from "./server.ts";

export interface SeenFrame {
  readonly header: FrameHeader;
  /** Local matrices, row-major, as received. */
  readonly pose: Float32Array;
  /** Unix time of receipt, microseconds. */
  readonly receivedUs: number;
}

export interface Viewer extends Disposable {
  onFrame: (frame: SeenFrame) => void;
  /** Resolves with the first frame that `wanted` accepts; rejects after `timeoutMs`. */
  waitFor(wanted: (frame: SeenFrame) => boolean, timeoutMs: number): Promise<SeenFrame>;
}

/** Unix time in microseconds, on the clock that servers stamp frames with. */
export function unixUs(): number {
  return (performance.timeOrigin + performance.now()) * 1000;
}

export async function openViewer(server: Server, sessionId: string): Promise<Viewer> {
  const socket = new WebSocket(`ws://127.0.0.1:${server.port}/ws/${sessionId}?header=soma`);
  socket.binaryType = "arraybuffer";
  const viewer: Viewer = {
    onFrame: () => undefined,
    waitFor(wanted, timeoutMs) {
      const { promise, resolve, reject } = Promise.withResolvers<SeenFrame>();
      const timer = setTimeout(
        () => reject(new Error(`no such frame within ${timeoutMs} ms`)),
        timeoutMs,
      );
      viewer.onFrame = (frame) => {
        if (!wanted(frame)) return;
        viewer.onFrame = () => undefined;
        clearTimeout(timer);
        resolve(frame);
      };
      return promise;
    },
    [Symbol.dispose]: () => socket.close(),
  };
  socket.addEventListener("message", ({ data }: MessageEvent<unknown>) => {
    if (!(data instanceof ArrayBuffer)) return;
    const header = readFrameHeader(new DataView(data));
    if (header === undefined) return; // whoever waits for a frame will say that none came
    viewer.onFrame({
      header,
      pose: new Float32Array(data, FRAME_HEADER_BYTES),
      receivedUs: unixUs(),
    });
  });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  socket.addEventListener("open", () => resolve());
  socket.addEventListener("close", ({ code }) =>
    reject(new Error(`${server.contender.name} closed the socket: ${code}`)),
  );
  await promise;
  return viewer;
}
