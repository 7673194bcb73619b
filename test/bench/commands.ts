/**
 * Command to effect: how many frames pass after a seek is sent until one shows the new moment, playing and paused. A frame
 * counts when its capture time lies after the sending; the one that shows the effect counts too, so 1 is the best there is.
 * The pose of that frame must be the clip's at its media time: a header alone proves nothing.
 */
import type { Bench } from "./bench.ts";
import { BENCH_CLIP } from "./clip.ts";
import { soma } from "./contenders.ts";
import { RATE_HZ } from "./load.ts";
import { appendCsv, print, printGoal, quantile } from "./report.ts";
import { type Server, startServer } from "./server.ts";
import { poseError } from "./verify-poses.ts";
import { openViewer, type SeenFrame, unixUs, type Viewer } from "./viewer.ts";

const COMMANDS = 500;
const TIMEOUT_MS = 2_000;
const GOAL_FRAMES_P99 = 2;
/** As in verify-poses.ts: float32 of 97 cm and of the media time. */
const POSE_TOLERANCE = 5e-5;
const CLIP_S = BENCH_CLIP.frameCount / BENCH_CLIP.frameRateHz;
/** Media time this near to the target shows the seek: a few frames may have played since. */
const NEAR_S = 6 / RATE_HZ;

interface Effect {
  readonly frames: number;
  /** From the sending of the command to the receipt of the frame. */
  readonly delayMs: number;
}

async function command(server: Server, name: string, body: unknown): Promise<void> {
  const response = await server.request("POST", `/sessions/s1/${name}`, body);
  if (!response.ok)
    throw new Error(`${name} was refused: ${response.status} ${await response.text()}`);
  await response.arrayBuffer();
}

/** Shortest way between two moments of the looping clip, seconds. */
function distanceS(a: number, b: number): number {
  const gap = Math.abs(a - b) % CLIP_S;
  return Math.min(gap, CLIP_S - gap);
}

async function seek(server: Server, viewer: Viewer, targetS: number): Promise<Effect> {
  let waited = 0;
  let effect: SeenFrame | undefined;
  const sentUs = unixUs();
  const seen = viewer.waitFor((frame) => {
    if (distanceS(frame.header.mediaTimeS, targetS) > NEAR_S) {
      if (frame.header.captureUs > sentUs) waited++;
      return false;
    }
    effect = { ...frame, pose: frame.pose.slice() };
    return true;
  }, TIMEOUT_MS);
  const [shown] = await Promise.all([seen, command(server, "seek", { time: targetS })]);
  const error = effect === undefined ? undefined : poseError(effect);
  if (error !== undefined && !(error <= POSE_TOLERANCE))
    throw new Error(`the frame after a seek is off by ${error}`);
  return { frames: waited + 1, delayMs: (shown.receivedUs - sentUs) / 1000 };
}

async function seekOften(
  server: Server,
  viewer: Viewer,
  count: number,
): Promise<readonly Effect[]> {
  const effects: Effect[] = [];
  let targetS = 0.2;
  for (let i = 0; i < count; i++) {
    // Spread over the phase of the tick, and always at least 0.4 s away from where the clip is by now.
    await Bun.sleep((i * 7) % 17);
    targetS = (targetS + 0.8) % (CLIP_S - 1 / BENCH_CLIP.frameRateHz);
    effects.push(await seek(server, viewer, targetS));
  }
  return effects;
}

function report(bench: Bench, state: string, effects: readonly Effect[]): void {
  const frames = effects.map((effect) => effect.frames);
  const delays = effects.map((effect) => effect.delayMs);
  const p99 = quantile(frames, 0.99);
  print(
    `seek while ${state}, ${effects.length} times: frames p50 ${quantile(frames, 0.5)}, p99 ${p99}, most ` +
      `${Math.max(...frames)}; delay p50 ${quantile(delays, 0.5).toFixed(2)} ms, p99 ${quantile(delays, 0.99).toFixed(2)} ms`,
  );
  printGoal(
    `frames to effect while ${state}, p99`,
    String(p99),
    `≤ ${GOAL_FRAMES_P99}`,
    p99 <= GOAL_FRAMES_P99,
  );
  if (!bench.recorded) return;
  appendCsv("commands", {
    ...bench.machine,
    state,
    commands: effects.length,
    frames_p50: quantile(frames, 0.5),
    frames_p99: p99,
    delay_p50_ms: Number(quantile(delays, 0.5).toFixed(3)),
    delay_p99_ms: Number(quantile(delays, 0.99).toFixed(3)),
  });
}

export async function runCommands(bench: Bench): Promise<void> {
  await using server = await startServer(soma, bench.clipsDir);
  await server.createSessions(1, 1);
  using viewer = await openViewer(server, "s1");
  const count = bench.quick ? COMMANDS / 5 : COMMANDS;
  report(bench, "playing", await seekOften(server, viewer, count));
  await command(server, "pause", {});
  report(bench, "paused", await seekOften(server, viewer, count));
}
