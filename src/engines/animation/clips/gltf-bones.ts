/**
 * Which nodes of a glTF scene are the bones of the stream, and in which order.
 *
 * A bone is a node of the default scene that some take moves or some skin names as a joint (these are the core), every
 * ancestor of one (a chain to the root is needed to place it), and every descendant of one (it is carried along: a tip, a
 * socket, an attached prop). Nodes that neither move nor lead to one that does are left out: fixed props, cameras,
 * lights, and the node that draws a skinned mesh, whose transform the format tells to ignore. All takes count, so the
 * bones of a file do not depend on the take. A file that moves and skins nothing (morph targets only) streams its whole
 * scene.
 */
import { GLTF_PATHS, type GltfModel, type GltfPath } from "./gltf-json.ts";

export interface GltfBones {
  /** Node index of each bone, breadth-first: all roots, then their children, then theirs. */
  readonly nodes: readonly number[];
  /** Bone index of the parent of each bone, -1 for a root. */
  readonly parents: readonly number[];
  /** Nodes that a take moves or a skin names, but that the default scene does not hold. */
  readonly outside: readonly number[];
}

export function isBonePath(path: string): path is GltfPath {
  return (GLTF_PATHS as readonly string[]).includes(path);
}

export function chooseBones(model: GltfModel): GltfBones {
  const scene = breadthFirstNodes(model, model.sceneRoots, () => true);
  const inScene = new Set(scene.nodes);
  const moved = model.animations.flatMap(({ channels }) =>
    channels.flatMap(({ node, path }) => (node !== undefined && isBonePath(path) ? [node] : [])),
  );
  const core = new Set([...model.skinJoints, ...moved]);
  const outside = [...core].filter((node) => !inScene.has(node));

  const kept = new Set<number>();
  // Parents come before children in `scene`: one pass forwards carries down, one pass backwards leads up.
  for (const node of scene.nodes) {
    const parentKept = kept.has(model.nodes[node]?.parent ?? -1);
    const carried = parentKept && model.nodes[node]?.drawsSkin !== true;
    if (core.has(node) || carried) kept.add(node);
  }
  for (const node of scene.nodes.toReversed()) {
    const parent = model.nodes[node]?.parent ?? -1;
    if (kept.has(node) && parent !== -1) kept.add(parent);
  }
  if (kept.size === 0) return { ...scene, outside };
  return { ...breadthFirstNodes(model, model.sceneRoots, (node) => kept.has(node)), outside };
}

function breadthFirstNodes(
  model: GltfModel,
  roots: readonly number[],
  keeps: (node: number) => boolean,
): { nodes: readonly number[]; parents: readonly number[] } {
  const nodes = roots.filter(keeps);
  const parents = nodes.map(() => -1);
  for (let at = 0; at < nodes.length; at++) {
    for (const child of model.nodes[nodes[at] ?? -1]?.children ?? []) {
      if (!keeps(child)) continue;
      nodes.push(child);
      parents.push(at);
    }
  }
  return { nodes, parents };
}
