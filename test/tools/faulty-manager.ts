/** A session manager with the faulty engine in the shared pool, where plug-ins never are, to see what it does to others. */
import { resolve } from "node:path";
import { z } from "zod";
import type { EngineSpec } from "../../src/engines/contract.ts";
import { LIMITS } from "../../src/protocol/limits.ts";
import { type ManagerSettings, SessionManager } from "../../src/sessions/manager.ts";
import type { FrameSink, Sent } from "../../src/sessions/stream.ts";

const options = z.object({
  fps: z.number().default(60),
  onOpen: z.string().optional(),
  place: z.enum(["pool", "dedicated"]).default("pool"),
});

const faultySpec: EngineSpec = {
  name: "faulty",
  options,
  commands: {
    set: {
      summary: "",
      schema: z.object({ value: z.number() }),
      example: {},
      answer: () => ({ status: "set" }),
    },
    add: {
      summary: "",
      schema: z.object({ value: z.number() }),
      example: {},
      answer: () => ({ status: "added" }),
    },
    misbehave: {
      summary: "",
      schema: z.object({ how: z.string() }),
      example: {},
      answer: () => ({ status: "armed" }),
    },
  },
  openCommands: true,
  ports: { value: { kind: "frames", variants: ["f32"], defaultVariant: "f32" } },
  async prepare(parsed) {
    const { place, onOpen } = options.parse(parsed);
    return { options: parsed, place, ...(onOpen?.startsWith("load") ? { assetKey: onOpen } : {}) };
  },
};

export function faultyManager(settings: Partial<ManagerSettings> = {}): SessionManager {
  return new SessionManager([faultySpec], {
    plugins: {
      engines: { faulty: resolve(import.meta.dir, "../fixtures/faulty-engine.ts") },
      animators: {},
    },
    logLevel: "silent",
    poolWorkers: 1,
    maxSessions: 100,
    maxClients: 1_000,
    idleTimeoutMs: 0,
    clipCacheBytes: 2 ** 20,
    tickMs: LIMITS.tickMs,
    openMs: 2_000,
    loadMs: 500,
    ...settings,
  });
}

export const STREAM = { port: "value", variant: "f32", header: "soma" } as const;

/** A client that keeps what it is sent, and can be told not to take any more. */
export class TestSink implements FrameSink {
  readonly sequences: number[] = [];
  readonly values: number[] = [];
  readonly arrivedMs: number[] = [];
  closed: { code: number; reason: string } | undefined;
  /** What `send` answers. */
  answer: Sent = "sent";

  send(frame: Uint8Array): Sent {
    if (this.answer === "dropped") return "dropped";
    const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
    this.sequences.push(view.getUint32(12, true));
    this.values.push(view.getFloat32(32 + 4, true));
    this.arrivedMs.push(performance.now());
    return this.answer;
  }

  close(code: number, reason: string): void {
    this.closed = { code, reason };
  }
}

/** Waits until `condition` holds; throws after `timeoutMs`. */
export async function until(condition: () => boolean, timeoutMs = 5_000): Promise<void> {
  const deadlineMs = performance.now() + timeoutMs;
  while (!condition()) {
    if (performance.now() > deadlineMs)
      throw new Error(`not within ${timeoutMs} ms: ${condition.toString()}`);
    await Bun.sleep(2);
  }
}

/** What a promise is rejected with. `expect().rejects` holds back messages of workers, so it cannot be used on their answers. */
export async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error("it did not fail");
}
