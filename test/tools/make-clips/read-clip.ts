/**
 * Reads a clip file back with three.js, a reader that shares no code with the writers here, into names and world positions.
 * For the checks and the contact sheet; knows nothing of how clips are made.
 */
import { extname } from "node:path";
import type { AnimationClip, Object3D } from "three";
import { AnimationMixer, Bone, Quaternion, Vector3 } from "three";
import { BVHLoader } from "three/addons/loaders/BVHLoader.js";
import { GLTFLoader } from "three/addons/loaders/GLTFLoader.js";
import type { Quat, Vec3 } from "./math.ts";

/** A clip as the world sees it. Lengths in centimetres whatever the file's unit; joints in file order, end sites left out. */
export interface ReadClip {
  readonly names: readonly string[];
  /** -1 for the root. */
  readonly parents: readonly number[];
  readonly rateHz: number;
  readonly durationS: number;
  readonly frameCount: number;
  /** x, y, z of joint j in frame f at `3 * (f * names.length + j)`. */
  readonly positionsCm: Float64Array;
  /** x, y, z, w of the rotation of joint j against its parent in frame f at `4 * (f * names.length + j)`. */
  readonly localRotations: Float64Array;
  /** The same in the world. */
  readonly worldRotations: Float64Array;
}

async function load(
  path: string,
): Promise<{ root: Object3D; clip: AnimationClip; unitCm: number }> {
  if (extname(path) === ".bvh") {
    const { skeleton, clip } = new BVHLoader().parse(await Bun.file(path).text());
    const [root] = skeleton.bones;
    if (root === undefined) throw new Error(`${path} has no joints`);
    return { root, clip, unitCm: 1 };
  }
  const gltf = await new GLTFLoader().parseAsync(await Bun.file(path).arrayBuffer(), "");
  const [clip] = gltf.animations;
  if (clip === undefined) throw new Error(`${path} has no animation`);
  return { root: gltf.scene, clip, unitCm: 100 };
}

/** Reads a .bvh or .glb file. */
export async function readClip(path: string): Promise<ReadClip> {
  const { root, clip, unitCm } = await load(path);
  const bones: Bone[] = [];
  root.traverse((node) => {
    if (node instanceof Bone && node.name !== "ENDSITE") bones.push(node);
  });
  const times = clip.tracks[0]?.times;
  if (times === undefined || times.length < 2) throw new Error(`${path} has no frames`);
  const durationS = times[times.length - 1] ?? 0;
  const frameCount = times.length;
  const positionsCm = new Float64Array(frameCount * bones.length * 3);
  const localRotations = new Float64Array(frameCount * bones.length * 4);
  const worldRotations = new Float64Array(frameCount * bones.length * 4);
  const mixer = new AnimationMixer(root);
  mixer.clipAction(clip).play();
  const point = new Vector3();
  const rotation = new Quaternion();
  for (let frame = 0; frame < frameCount; frame += 1) {
    // The last frame is the first again; the mixer would wrap to 0 there.
    mixer.setTime(Math.min(times[frame] ?? 0, durationS - 1e-6));
    root.updateMatrixWorld(true);
    for (const [index, bone] of bones.entries()) {
      point.setFromMatrixPosition(bone.matrixWorld).multiplyScalar(unitCm);
      positionsCm.set([point.x, point.y, point.z], 3 * (frame * bones.length + index));
      const at = 4 * (frame * bones.length + index);
      localRotations.set(rotation.copy(bone.quaternion).normalize().toArray(), at);
      worldRotations.set(bone.getWorldQuaternion(rotation).normalize().toArray(), at);
    }
  }
  return {
    names: bones.map((bone) => bone.name),
    parents: bones.map((bone) => bones.findIndex((other) => other === bone.parent)),
    rateHz: (frameCount - 1) / durationS,
    durationS,
    frameCount,
    positionsCm,
    localRotations,
    worldRotations,
  };
}

/** World position of a joint in a frame, centimetres. */
export function positionCm(clip: ReadClip, frame: number, joint: number): Vec3 {
  const at = 3 * (frame * clip.names.length + joint);
  const [x = 0, y = 0, z = 0] = clip.positionsCm.subarray(at, at + 3);
  return [x, y, z];
}

/** Rotation of a joint in a frame, against its parent or in the world. */
export function rotationOf(
  clip: ReadClip,
  space: "localRotations" | "worldRotations",
  frame: number,
  joint: number,
): Quat {
  const at = 4 * (frame * clip.names.length + joint);
  const [x = 0, y = 0, z = 0, w = 1] = clip[space].subarray(at, at + 4);
  return [x, y, z, w];
}
