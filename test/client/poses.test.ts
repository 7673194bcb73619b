/** Blending and buffering of poses, against three.js as the oracle, and the binding to its bones. */
import { describe, expect, test } from "bun:test";
import * as THREE from "three";
import { blendPoses } from "../../src/client/affine-blend.ts";
import type { Frame } from "../../src/client/frame.ts";
import { PoseBuffer } from "../../src/client/pose-buffer.ts";
import { bindSkeleton, type PoseSource } from "../../src/client/three.ts";
import type { Skeleton } from "../../src/client/wire.ts";

let seed = 12_345;
function random(): number {
  seed = (seed * 48_271) % 2_147_483_647;
  return seed / 2_147_483_647;
}
const between = (low: number, high: number): number => low + (high - low) * random();

function randomParts(mirror = false) {
  const position = new THREE.Vector3(between(-9, 9), between(-9, 9), between(-9, 9));
  const quaternion = new THREE.Quaternion(
    between(-1, 1),
    between(-1, 1),
    between(-1, 1),
    between(-1, 1),
  ).normalize();
  const scale = new THREE.Vector3(
    between(0.2, 3) * (mirror ? -1 : 1),
    between(0.2, 3),
    between(0.2, 3),
  );
  return { position, quaternion, scale };
}

type Parts = ReturnType<typeof randomParts>;

const matrixOf = ({ position, quaternion, scale }: Parts): THREE.Matrix4 =>
  new THREE.Matrix4().compose(position, quaternion, scale);

/** three.js's own blend of the parts, which were never matrices on the way. */
function oracle(a: Parts, b: Parts, share: number): THREE.Matrix4 {
  const sign = a.quaternion.dot(b.quaternion) < 0 ? -1 : 1;
  const mixed = (key: "x" | "y" | "z" | "w"): number =>
    a.quaternion[key] * (1 - share) + b.quaternion[key] * share * sign;
  return matrixOf({
    position: a.position.clone().lerp(b.position, share),
    scale: a.scale.clone().lerp(b.scale, share),
    quaternion: new THREE.Quaternion(mixed("x"), mixed("y"), mixed("z"), mixed("w")).normalize(),
  });
}

function worstDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  return Array.from(a, (value, index) => Math.abs(value - (b[index] ?? Number.NaN))).reduce(
    (x, y) => Math.max(x, y),
    0,
  );
}

describe("blending", () => {
  test.each(["row", "column"] as const)(
    "%s-major: agrees with blended translation, rotation and scale",
    (order) => {
      let worst = 0;
      for (let run = 0; run < 2_000; run++) {
        const mirror = run % 5 === 0;
        const [a, b, share] = [randomParts(mirror), randomParts(mirror), random()];
        const flat = (m: THREE.Matrix4): Float64Array =>
          Float64Array.from((order === "row" ? m.clone().transpose() : m).elements);
        const out = new Float64Array(16);
        blendPoses(out, flat(matrixOf(a)), flat(matrixOf(b)), share, order);
        worst = Math.max(worst, worstDifference(out, flat(oracle(a, b, share))));
      }
      // float64 throughout; the worst cases are nearly opposite rotations, where normalising divides by little.
      expect(worst).toBeLessThan(1e-9);
    },
  );

  test("both ends are exact to rounding, sheared and flat matrices included", () => {
    const sheared = new THREE.Matrix4()
      .makeShear(0.5, 0, 0.2, 0, 0, 0.1)
      .scale(new THREE.Vector3(1, 2, 0.5));
    const flat = new THREE.Matrix4().makeScale(1, 0, 1);
    const plain = matrixOf(randomParts());
    for (const [m, n] of [
      [sheared, plain],
      [plain, flat],
      [flat, sheared],
    ] as const) {
      const [a, b] = [Float64Array.from(m.elements), Float64Array.from(n.elements)];
      const out = new Float64Array(16);
      blendPoses(out, a, b, 0, "column");
      expect(worstDifference(out, a)).toBeLessThan(1e-12);
      blendPoses(out, a, b, 1, "column");
      expect(worstDifference(out, b)).toBeLessThan(1e-12);
    }
  });

  test("a quarter turn keeps a limb's length, which blending the numbers would not", () => {
    const [a, b] = [new THREE.Matrix4(), new THREE.Matrix4().makeRotationY(Math.PI / 2)];
    const out = new Float32Array(16);
    blendPoses(out, Float32Array.from(a.elements), Float32Array.from(b.elements), 0.5, "column");
    const x = new THREE.Vector3().setFromMatrixColumn(new THREE.Matrix4().fromArray(out), 0);
    expect(x.length()).toBeCloseTo(1, 6);
    // 45°, since halfway between two unit quaternions nlerp and slerp agree.
    expect(Math.atan2(-x.z, x.x)).toBeCloseTo(Math.PI / 4, 6);
  });
});

describe("the buffer", () => {
  interface Sent {
    readonly sequence: number;
    readonly captureMs: number;
    readonly transitMs: number;
    readonly value: number;
    readonly mediaTimeS?: number;
    readonly paused?: boolean;
  }
  /** One bone whose x is `value`; the server's clock is ten hours ahead. */
  const frameOf = ({
    sequence,
    captureMs,
    transitMs,
    value,
    mediaTimeS,
    paused = false,
  }: Sent): Frame<"f32"> => {
    const pose = Float32Array.from(new THREE.Matrix4().elements);
    pose[3] = value;
    return {
      pose,
      sequence,
      captureUs: captureMs * 1000 + 36e9,
      mediaTimeS: mediaTimeS ?? captureMs / 1000,
      paused,
      discontinuity: false,
      epoch: 1,
      receivedMs: captureMs + transitMs,
    };
  };
  const x = (pose: ArrayLike<number> | undefined): number => pose?.[3] ?? Number.NaN;
  const newBuffer = (delayMs?: number) => new PoseBuffer<"f32">({ order: "row", delayMs });

  test("through jitter, a steady motion stays steady: shown x is time less one delay", () => {
    const buffer = newBuffer();
    const frames = Array.from({ length: 240 }, (_, sequence) => {
      const captureMs = (sequence * 1000) / 60;
      // 20 ms at best and up to 12 ms more.
      return frameOf({
        sequence,
        captureMs,
        transitMs: 20 + (sequence % 7 === 0 ? 0 : 12 * random()),
        value: captureMs,
      });
    }).toSorted((a, b) => a.receivedMs - b.receivedMs);
    let worst = 0;
    let shown = 0;
    // A display at 144 Hz.
    for (let nowMs = 0; nowMs < 3_900; nowMs += 1000 / 144) {
      while (frames[0] && frames[0].receivedMs <= nowMs)
        buffer.push(frames.shift() as Frame<"f32">);
      const pose = buffer.sample(nowMs);
      if (!pose || nowMs < 1_000) continue;
      shown++;
      // Fastest transit 20 ms, then two periods of 16.7 ms.
      worst = Math.max(worst, Math.abs(x(pose) - (nowMs - 20 - 2000 / 60)));
    }
    expect(shown).toBeGreaterThan(400);
    // float32 holds 3900 to 2.4e-4; the period is the median of float64 stamps.
    expect(worst).toBeLessThan(1e-3);
  });

  test("holds the newest when frames are late, never goes back, and shows the end of a pause exactly", () => {
    const buffer = newBuffer(30);
    for (let sequence = 0; sequence < 10; sequence++) {
      buffer.push(frameOf({ sequence, captureMs: sequence * 10, transitMs: 5, value: sequence }));
    }
    expect(x(buffer.sample(95))).toBeCloseTo(6, 5);
    expect(x(buffer.sample(90))).toBeCloseTo(6, 5);
    expect(x(buffer.sample(1_000))).toBe(9);
    // After a pause of ten seconds nothing is shown between the two poses.
    buffer.push(frameOf({ sequence: 10, captureMs: 10_000, transitMs: 5, value: 100 }));
    expect(x(buffer.sample(10_010))).toBe(9);
    expect(x(buffer.sample(10_035))).toBe(100);
  });

  test.each([
    ["a seek", [0, 10, 20, 900, 910]],
    ["the seam of a loop", [970, 980, 990, 0, 10]],
    ["a turn", [0, 10, 20, 15, 5]],
  ])("%s is a cut, not a flight through the room", (_, mediaMs) => {
    const buffer = newBuffer(20);
    mediaMs.forEach((ms, sequence) =>
      buffer.push(
        frameOf({
          sequence,
          captureMs: sequence * 10,
          transitMs: 0,
          value: ms,
          mediaTimeS: ms / 1000,
        }),
      ),
    );
    // Half-way between the third frame (20 ms) and the fourth.
    expect(x(buffer.sample(25 + 20))).toBe(mediaMs[2] ?? Number.NaN);
    expect(x(buffer.sample(30 + 20))).toBeCloseTo(mediaMs[3] ?? Number.NaN, 3);
  });

  test("starts anew when time runs back or the skeleton changes", () => {
    const buffer = newBuffer(10);
    expect(buffer.sample(0)).toBeUndefined();
    buffer.push(frameOf({ sequence: 1, captureMs: 5_000, transitMs: 0, value: 1 }));
    buffer.push(frameOf({ sequence: 1, captureMs: 100, transitMs: 5_000, value: 2 }));
    expect(x(buffer.sample(6_000))).toBe(2);
    buffer.push({
      ...frameOf({ sequence: 2, captureMs: 110, transitMs: 5_000, value: 0 }),
      pose: new Float32Array(32),
    });
    expect(buffer.sample(6_010)?.length).toBe(32);
  });
});

describe("three.js bones", () => {
  function skeletonOf(parents: readonly number[]): {
    skeleton: Skeleton;
    locals: readonly THREE.Matrix4[];
  } {
    const parts = parents.map(() => randomParts());
    const skeleton: Skeleton = {
      type: "SKELETON_DEF",
      bone_names: parents.map((_, index) => `bone ${index}`),
      parents,
      bind_pose: {
        positions: parts.map(({ position }) => position.toArray()),
        rotations: parts.map(({ quaternion }) => quaternion.toArray()),
        scales: parts.map(({ scale }) => scale.toArray()),
      },
      animator: "test",
    };
    return { skeleton, locals: parts.map(matrixOf) };
  }

  interface TestSource extends PoseSource {
    pose: Float32Array | undefined;
    change(skeleton: Skeleton): void;
  }

  function sourceOf(skeleton: Skeleton, order: "row" | "column"): TestSource {
    const listeners = new Set<(skeleton: Skeleton) => void>();
    return {
      skeleton,
      form: { space: "local", order },
      pose: undefined,
      latest() {
        return this.pose;
      },
      sample() {
        return this.pose;
      },
      onSkeleton(listener) {
        listeners.add(listener);
        return () => void listeners.delete(listener);
      },
      change(next) {
        for (const listener of listeners) listener(next);
      },
    };
  }

  /** World matrices by plain multiplication, parents first. */
  function worlds(
    parents: readonly number[],
    locals: readonly THREE.Matrix4[],
  ): readonly THREE.Matrix4[] {
    const made: THREE.Matrix4[] = [];
    locals.forEach((local, index) => {
      const parent = made[parents[index] ?? -1];
      made.push(parent ? parent.clone().multiply(local) : local.clone());
    });
    return made;
  }

  const PARENTS = [-1, 0, 0, 1, 3, -1];

  test.each(["row", "column"] as const)(
    "stand in the bind pose, then where %s-major frames put them",
    (order) => {
      const { skeleton, locals } = skeletonOf(PARENTS);
      const source = sourceOf(skeleton, order);
      const { root, bones, update } = bindSkeleton(source, THREE);
      const check = (expected: readonly THREE.Matrix4[], scale: number): void => {
        root.updateMatrixWorld();
        worlds(PARENTS, expected).forEach((world, index) => {
          const difference = worstDifference(
            bones[index]?.matrixWorld.elements ?? [],
            world.elements,
          );
          expect(difference).toBeLessThan(scale);
        });
      };
      // float64 both ways; products of four matrices with elements up to 30.
      check(locals, 1e-9);
      expect(update()).toBe(false);
      const moved = PARENTS.map(() => matrixOf(randomParts()));
      source.pose = Float32Array.from(
        moved.flatMap((local) => (order === "row" ? local.clone().transpose() : local).elements),
      );
      expect(update()).toBe(true);
      // float32 elements, each off by up to 3e-8 of itself, and at most four of them multiplied.
      check(moved, 2e-5);
      expect(new THREE.SkeletonHelper(root).bones.length).toBe(PARENTS.length);
    },
  );

  test("a new skeleton replaces the bones under the same root; dispose() stops that", () => {
    const source = sourceOf(skeletonOf(PARENTS).skeleton, "row");
    const binding = bindSkeleton(source, THREE);
    source.change(skeletonOf([-1, 0]).skeleton);
    expect(binding.bones.length).toBe(2);
    expect(binding.root.children).toEqual([binding.bones[0] as THREE.Bone]);
    expect(binding.skeleton.bones.length).toBe(2);
    source.pose = new Float32Array(PARENTS.length * 16);
    expect(binding.update()).toBe(false);
    binding.dispose();
    source.change(skeletonOf([-1]).skeleton);
    expect(binding.bones.length).toBe(2);
  });

  test("global matrices are refused with what to ask for instead", () => {
    const { skeleton } = skeletonOf([-1]);
    const source = {
      ...sourceOf(skeleton, "row"),
      form: { space: "global" as const, order: "row" as const },
    };
    expect(() => bindSkeleton(source, THREE)).toThrow('{space: "local"}');
  });
});
