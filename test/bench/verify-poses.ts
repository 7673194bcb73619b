/**
 * Proof that a contender does the work it is measured for: its frames must hold the poses of the clip at the time they
 * name, and that time must pass at the right pace. The expected poses are the clip generator's own (clip.ts).
 */
import { BENCH_CLIP, expectedLocals } from "./clip.ts";
import { barePublish } from "./contenders.ts";
import { RATE_HZ } from "./load.ts";
import type { Server } from "./server.ts";
import { openViewer, type SeenFrame } from "./viewer.ts";

const FRAMES = 90;
const TIMEOUT_MS = 10_000;
/** float32 of 97 cm rounds by 4e-6; the media time is a float32 at up to 20 cm/s: 3e-6. A wrong frame is off by 1e-2 or more. */
const TOLERANCE = 5e-5;
/** How far media time may run from capture time over the frames looked at: one stalled tick either way. */
const PACE_TOLERANCE_S = 3 / RATE_HZ;

const PERIOD_S = BENCH_CLIP.frameCount / BENCH_CLIP.frameRateHz;
const LAST_FRAME_S = (BENCH_CLIP.frameCount - 1) / BENCH_CLIP.frameRateHz;

/** Largest difference between the frame and the clip, or undefined in the blend from the last frame to the first. */
export function poseError({ header, pose }: SeenFrame): number | undefined {
  if (pose.length !== BENCH_CLIP.jointCount * 16)
    throw new Error(`a frame has ${pose.length} floats`);
  if (header.mediaTimeS < 0 || header.mediaTimeS > LAST_FRAME_S) return undefined;
  return expectedLocals(header.mediaTimeS).reduce(
    (most, value, i) => Math.max(most, Math.abs(value - (pose[i] ?? Number.NaN))),
    0,
  );
}

/** Seconds by which the media time of the frames ran away from their capture times. */
function paceErrorS(frames: readonly SeenFrame[]): number {
  let media = 0;
  let capture = 0;
  for (const [i, frame] of frames.entries()) {
    const before = frames[i - 1];
    if (before === undefined) continue;
    media += (frame.header.mediaTimeS - before.header.mediaTimeS + PERIOD_S) % PERIOD_S;
    capture += (frame.header.captureUs - before.header.captureUs) / 1e6;
  }
  return Math.abs(media - capture);
}

/** Looks at frames of session `s1`; answers what was checked, in words, or throws. */
export async function verifyPoses(server: Server): Promise<string> {
  const { name } = server.contender;
  using viewer = await openViewer(server, "s1");
  const frames: SeenFrame[] = [];
  await viewer.waitFor(
    (frame) => frames.push({ ...frame, pose: frame.pose.slice() }) >= FRAMES,
    TIMEOUT_MS,
  );
  const errors = frames.map(poseError).filter((error) => error !== undefined);
  const worst = Math.max(...errors);
  if (errors.length < FRAMES / 2 || !(worst <= TOLERANCE)) {
    throw new Error(
      `${name} sends wrong poses: off by ${worst} in ${errors.length} frames, at most ${TOLERANCE} is right`,
    );
  }
  const pace = paceErrorS(frames);
  if (name !== barePublish.name && pace > PACE_TOLERANCE_S) {
    throw new Error(
      `${name} plays at the wrong pace: off by ${pace.toFixed(3)} s in ${FRAMES} frames`,
    );
  }
  return `${errors.length} poses checked, off by at most ${worst.toExponential(1)}`;
}
