/**
 * Binds a stream to three.js bones. three.js is handed in by the caller, so that the SDK depends on no copy of it and the
 * scene holds only one.
 */
import type * as Three from "three";
import type { Skeleton } from "./wire.ts";

/** What is needed of the three.js module: `import * as THREE from "three"` fits. */
export type ThreeModule = Pick<typeof Three, "Bone" | "Group" | "Skeleton">;

/** What is needed of a stream: poses of local matrices. */
export interface PoseSource {
  readonly skeleton: Skeleton;
  readonly form: { readonly space: "local" | "global"; readonly order: "row" | "column" };
  latest(): ArrayLike<number> | undefined;
  sample(nowMs?: number): ArrayLike<number> | undefined;
  onSkeleton(listener: (skeleton: Skeleton) => void): () => void;
}

export interface SkeletonBinding {
  /** Holds the bones; add it to the scene, scale or turn it as the scene needs. `new THREE.SkeletonHelper(root)` draws it. */
  readonly root: Three.Group;
  /** In the order of the stream; replaced when the session comes back with another skeleton. */
  readonly bones: readonly Three.Bone[];
  /** For a SkinnedMesh. */
  readonly skeleton: Three.Skeleton;
  /** Puts the bones where they are now: call it once per drawn frame. False while there is no pose yet. */
  readonly update: (nowMs?: number) => boolean;
  /** Takes the bones out of their parent and stops following the stream, which stays open. */
  readonly dispose: () => void;
}

export interface BindOptions {
  /** Blend between frames, two frames late, for steady motion; else each frame as it comes. True where absent. */
  readonly smooth?: boolean;
}

/** Builds the bone hierarchy in its bind pose. Throws for a stream of global matrices: bones want local ones. */
export function bindSkeleton(
  stream: PoseSource,
  three: ThreeModule,
  options: BindOptions = {},
): SkeletonBinding {
  if (stream.form.space !== "local") {
    throw new TypeError('bindSkeleton needs local matrices: connect with form {space: "local"}');
  }
  const { smooth = true } = options;
  const isRow = stream.form.order === "row";
  const root = new three.Group();
  root.name = "soma";
  let bones = buildBones(three, root, stream.skeleton);
  let skeleton = new three.Skeleton(bones);
  const stop = stream.onSkeleton((next) => {
    for (const bone of bones) bone.removeFromParent();
    skeleton.dispose();
    bones = buildBones(three, root, next);
    skeleton = new three.Skeleton(bones);
  });
  return {
    root,
    get bones() {
      return bones;
    },
    get skeleton() {
      return skeleton;
    },
    update(nowMs) {
      const pose = smooth ? stream.sample(nowMs) : stream.latest();
      if (!pose || pose.length !== bones.length * 16) return false;
      bones.forEach((bone, index) => {
        bone.matrix.fromArray(pose, index * 16);
        // three.js keeps matrices column by column.
        if (isRow) bone.matrix.transpose();
        bone.matrixWorldNeedsUpdate = true;
      });
      return true;
    },
    dispose() {
      stop();
      skeleton.dispose();
      root.removeFromParent();
    },
  };
}

function buildBones(three: ThreeModule, root: Three.Group, skeleton: Skeleton): Three.Bone[] {
  const { positions, rotations, scales } = skeleton.bind_pose;
  const bones: Three.Bone[] = [];
  for (const [index, name] of skeleton.bone_names.entries()) {
    const bone = new three.Bone();
    bone.name = name;
    const [px = 0, py = 0, pz = 0] = positions[index] ?? [];
    const [qx = 0, qy = 0, qz = 0, qw = 1] = rotations[index] ?? [];
    const [sx = 1, sy = 1, sz = 1] = scales[index] ?? [];
    bone.position.set(px, py, pz);
    bone.quaternion.set(qx, qy, qz, qw);
    bone.scale.set(sx, sy, sz);
    bone.updateMatrix();
    // From here on the stream's matrices are the truth, not position, rotation and scale.
    bone.matrixAutoUpdate = false;
    const parent = bones[skeleton.parents[index] ?? -1] ?? root;
    parent.add(bone);
    bones.push(bone);
  }
  // Skeleton takes its inverse bind matrices from where the bones are now.
  root.updateMatrixWorld(true);
  return bones;
}
