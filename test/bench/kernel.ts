/**
 * Nanoseconds per pose of 65 joints, as an engine calls it: sampling, and sampling with global matrices, in C and in TypeScript, in turn,
 * of a block as the clip loader builds it; the best of several rounds, since a shared machine only ever adds to a time. `bun test/bench/kernel.ts [joints]`.
 */

import { buildClipBlock } from "../../src/engines/animation/clips/clip-block.ts";
import {
  type ClipTrack,
  DEFAULT_CLIP_LIMITS,
} from "../../src/engines/animation/clips/description.ts";
import type { FkKernels } from "../../src/native/fk-kernels.ts";
import { nativeFk } from "../../src/native/fk-native.ts";
import { portableFk } from "../../src/native/fk-portable.ts";
import { native, nativeStatus } from "../../src/native/library.ts";
import { captureClip, type TestTrack } from "../native/clip-maker.ts";

const ROUNDS = 15;
const POSES = 4_000;

export interface KernelFigures {
  readonly form: string;
  readonly sampleNs: number;
  readonly sampleAndGlobalNs: number;
  /** One pose in float16, column-major: the dearest variant. */
  readonly convertNs: number;
}

/** Measures each form that this machine has. The clip is 300 frames long and read in random order. */
export function measureKernels(joints = 65): KernelFigures[] {
  const library = native();
  const kernels = library ? [nativeFk(library), portableFk] : [portableFk];
  const block = captureBlock(joints, 300);
  const works = kernels.map((form) => ({ form: form.form, ...worksOf(form, block) }));
  const best = works.map(() => ({ sample: Infinity, both: Infinity, convert: Infinity }));
  for (let round = 0; round < ROUNDS; round++) {
    for (const [index, work] of works.entries()) {
      const figures = best[index];
      if (!figures) continue;
      figures.sample = Math.min(figures.sample, time(work.sample));
      figures.both = Math.min(figures.both, time(work.both));
      figures.convert = Math.min(figures.convert, time(work.convert));
    }
  }
  return works.map(({ form }, index) => ({
    form,
    sampleNs: best[index]?.sample ?? Number.NaN,
    sampleAndGlobalNs: best[index]?.both ?? Number.NaN,
    convertNs: best[index]?.convert ?? Number.NaN,
  }));
}

/** A capture as the loader hands it over: uniform keys, all rotations and one translation move. */
function captureBlock(joints: number, frames: number): SharedArrayBuffer {
  const clip = captureClip(joints, frames);
  const track = ({ kind, values, startS = 0, stepS = 1, wraps = false }: TestTrack): ClipTrack => {
    const numbers = Float32Array.from(values.flat());
    if (kind === "constant") return { kind, value: numbers };
    const times = { kind: "uniform", startS, stepS, keyCount: values.length, wraps } as const;
    return { kind, times, values: numbers };
  };
  const described = clip.joints.map((joint, index) => ({
    name: `joint ${index}`,
    parent: joint.parent,
    restTranslation: [0, 0, 0] as const,
    restRotation: [0, 0, 0, 1] as const,
    restScale: [1, 1, 1] as const,
    translation: track(joint.translation),
    rotation: track(joint.rotation),
    scale: track(joint.scale),
  }));
  return buildClipBlock({ ...clip, joints: described, durationS: clip.wrapS }, DEFAULT_CLIP_LIMITS);
}

function worksOf(form: FkKernels, block: SharedArrayBuffer) {
  const clip = form.openClip(block);
  const local = new DataView(new SharedArrayBuffer(clip.jointCount * 64));
  const global = new DataView(new SharedArrayBuffer(clip.jointCount * 64));
  const half = new DataView(new ArrayBuffer(clip.jointCount * 32));
  const timeS = (index: number): number => ((index * 7919) % POSES) * (clip.wrapS / POSES);
  return {
    sample: (index: number) => clip.sample(local, 0, timeS(index)),
    both: (index: number) => {
      clip.sample(local, 0, timeS(index));
      form.globalMatrices(global, local, clip.parents);
    },
    convert: () => form.convertPose(half, local, clip.jointCount, "f16", "column"),
  };
}

function time(work: (index: number) => void): number {
  const startedNs = Bun.nanoseconds();
  for (let index = 0; index < POSES; index++) work(index);
  return (Bun.nanoseconds() - startedNs) / POSES;
}

if (import.meta.main) {
  const joints = Number(process.argv[2] ?? 65);
  const { how, simd } = nativeStatus();
  console.log(`${joints} joints, native library: ${how}, ${simd}`);
  for (const { form, sampleNs, sampleAndGlobalNs, convertNs } of measureKernels(joints)) {
    const figures = [sampleNs, sampleAndGlobalNs, convertNs].map((ns) => ns.toFixed(0).padStart(7));
    console.log(
      `${form.padEnd(9)} sample ${figures[0]} ns   sample + global ${figures[1]} ns   to float16 ${figures[2]} ns`,
    );
  }
}
