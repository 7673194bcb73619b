/**
 * The parts of a glTF 2.0 JSON that animation needs, checked and typed: nodes, scene, skins, animations. Every index is
 * in range afterwards, and the nodes are a forest: each has at most one parent and there is no cycle. Accessors are in
 * gltf-accessors.ts. Meshes, materials, pictures and cameras are never looked at, so faults in them do no harm.
 */

import type { Quaternion, Vector3 } from "./description.ts";
import { gltfFault } from "./gltf-container.ts";
import { decomposeMatrix, normaliseQuaternion } from "./rotation.ts";

export type JsonObject = Readonly<Record<string, unknown>>;

interface GltfNode {
  /** The file's name, or `node_<index>` where it has none. */
  readonly name: string;
  /** -1 for a root. */
  readonly parent: number;
  readonly children: readonly number[];
  readonly translation: Vector3;
  readonly rotation: Quaternion;
  readonly scale: Vector3;
  readonly hasMatrix: boolean;
  /** How far T·R·S is from the node's `matrix`, relative; 0 without one. See decomposeMatrix. */
  readonly matrixError: number;
  /** Draws a skinned mesh, whose own transform glTF 2.0 §3.7.3.3 tells to ignore. */
  readonly drawsSkin: boolean;
}

export const GLTF_PATHS = ["translation", "rotation", "scale"] as const;
export type GltfPath = (typeof GLTF_PATHS)[number];

interface GltfSampler {
  readonly input: number;
  readonly output: number;
  readonly interpolation: "STEP" | "LINEAR" | "CUBICSPLINE";
}

export interface GltfChannel {
  readonly sampler: GltfSampler;
  /** Undefined where an extension defines the target. */
  readonly node: number | undefined;
  /** One of GLTF_PATHS, `weights`, or what an extension defines. */
  readonly path: string;
}

export interface GltfAnimation {
  readonly name: string | undefined;
  readonly channels: readonly GltfChannel[];
}

export interface GltfModel {
  readonly nodes: readonly GltfNode[];
  /** Roots of the default scene, in its order; all roots of the file where it has no scene. */
  readonly sceneRoots: readonly number[];
  readonly skinJoints: ReadonlySet<number>;
  readonly animations: readonly GltfAnimation[];
  readonly requiredExtensions: readonly string[];
}

/** Checks and types the JSON. Throws CLIP_INVALID naming the JSON path of what is wrong. */
export function readGltfModel(json: JsonObject): GltfModel {
  const nodes = readNodes(json);
  const skinJoints = new Set<number>();
  for (const [index, skin] of objects(json, "skins").entries()) {
    for (const joint of indices(skin["joints"], `skins[${index}].joints`, nodes.length))
      skinJoints.add(joint);
  }
  const accessorCount = objects(json, "accessors").length;
  const animations = objects(json, "animations").map((value, index) =>
    readAnimation(value, `animations[${index}]`, nodes.length, accessorCount),
  );
  const required = json["extensionsRequired"];
  return {
    nodes,
    sceneRoots: readSceneRoots(json, nodes),
    skinJoints,
    animations,
    requiredExtensions: Array.isArray(required)
      ? required.filter((name) => typeof name === "string")
      : [],
  };
}

function readNodes(json: JsonObject): readonly GltfNode[] {
  const values = objects(json, "nodes");
  const children = values.map((value, index) =>
    indices(value["children"], `nodes[${index}].children`, values.length),
  );
  const parents = new Int32Array(values.length).fill(-1);
  for (const [parent, list] of children.entries()) {
    for (const child of list) {
      if (parents[child] !== -1) {
        throw gltfFault(
          `nodes[${child}] is a child of nodes[${parents[child]}] and again of nodes[${parent}]; one parent is right`,
        );
      }
      parents[child] = parent;
    }
  }
  refuseCycles(parents, children);
  return values.map((value, index) =>
    readNode(value, index, parents[index] ?? -1, children[index] ?? []),
  );
}

/** With at most one parent each, nodes that no root reaches are exactly those that a cycle holds. */
function refuseCycles(parents: Int32Array, children: readonly (readonly number[])[]): void {
  const reached = [...parents.keys()].filter((index) => parents[index] === -1);
  for (let at = 0; at < reached.length; at++) {
    for (const child of children[reached[at] ?? -1] ?? []) reached.push(child);
  }
  if (reached.length === parents.length) return;
  const found = new Set(reached);
  const lost = parents.findIndex((_, index) => !found.has(index));
  throw gltfFault(`nodes[${lost}] is its own ancestor; the children of nodes must form a tree`);
}

function readNode(
  value: JsonObject,
  index: number,
  parent: number,
  children: readonly number[],
): GltfNode {
  const where = `nodes[${index}]`;
  const common = {
    name:
      typeof value["name"] === "string" && value["name"] !== "" ? value["name"] : `node_${index}`,
    parent,
    children,
    drawsSkin: value["skin"] !== undefined && value["mesh"] !== undefined,
  };
  if (value["matrix"] !== undefined) {
    const matrix = numbers(value["matrix"], 16, `${where}.matrix`);
    if (matrix[3] !== 0 || matrix[7] !== 0 || matrix[11] !== 0 || matrix[15] !== 1) {
      throw gltfFault(`${where}.matrix has a last row other than 0 0 0 1; it must be affine`);
    }
    const { error, ...parts } = decomposeMatrix(matrix);
    return { ...common, ...parts, hasMatrix: true, matrixError: error };
  }
  const translation = numbers(value["translation"] ?? [0, 0, 0], 3, `${where}.translation`);
  const scale = numbers(value["scale"] ?? [1, 1, 1], 3, `${where}.scale`);
  const rotation = normaliseQuaternion(
    numbers(value["rotation"] ?? [0, 0, 0, 1], 4, `${where}.rotation`),
  );
  if (rotation === undefined)
    throw gltfFault(`${where}.rotation has no usable length; a unit quaternion is right`);
  return {
    ...common,
    translation: vector3(translation),
    rotation,
    scale: vector3(scale),
    hasMatrix: false,
    matrixError: 0,
  };
}

function vector3([x = 0, y = 0, z = 0]: readonly number[]): Vector3 {
  return [x, y, z];
}

function readSceneRoots(json: JsonObject, nodes: readonly GltfNode[]): readonly number[] {
  const scenes = objects(json, "scenes");
  if (scenes.length === 0) return [...nodes.keys()].filter((index) => nodes[index]?.parent === -1);
  const chosen = json["scene"] === undefined ? 0 : index(json["scene"], "scene", scenes.length);
  const where = `scenes[${chosen}].nodes`;
  const roots = indices(scenes[chosen]?.["nodes"], where, nodes.length);
  for (const root of roots) {
    const parent = nodes[root]?.parent ?? -1;
    if (parent !== -1)
      throw gltfFault(
        `${where} lists node ${root}, a child of node ${parent}; root nodes are right`,
      );
  }
  return [...new Set(roots)];
}

function readAnimation(
  value: JsonObject,
  where: string,
  nodeCount: number,
  accessorCount: number,
): GltfAnimation {
  const samplers = objects(value, "samplers", where).map((sampler, i) =>
    readSampler(sampler, `${where}.samplers[${i}]`, accessorCount),
  );
  const channels = objects(value, "channels", where).map((channel, i) => {
    const at = `${where}.channels[${i}]`;
    const target = channel["target"];
    if (!isObject(target) || typeof target["path"] !== "string")
      throw gltfFault(`${at}.target.path is missing`);
    const sampler = samplers[index(channel["sampler"], `${at}.sampler`, samplers.length)];
    if (sampler === undefined) throw gltfFault(`${at}.sampler is out of range`);
    const node =
      target["node"] === undefined
        ? undefined
        : index(target["node"], `${at}.target.node`, nodeCount);
    return { sampler, node, path: target["path"] };
  });
  const seen = new Set<string>();
  for (const { node, path } of channels) {
    const target = `${node}.${path}`;
    if (node !== undefined && seen.has(target)) {
      throw gltfFault(`${where} animates the ${path} of node ${node} twice; one channel is right`);
    }
    seen.add(target);
  }
  return {
    name: typeof value["name"] === "string" && value["name"] !== "" ? value["name"] : undefined,
    channels,
  };
}

function readSampler(value: JsonObject, where: string, accessorCount: number): GltfSampler {
  const interpolation = value["interpolation"] ?? "LINEAR";
  if (interpolation !== "STEP" && interpolation !== "LINEAR" && interpolation !== "CUBICSPLINE") {
    throw gltfFault(
      `${where}.interpolation is ${show(interpolation)}; STEP, LINEAR or CUBICSPLINE is right`,
    );
  }
  return {
    input: index(value["input"], `${where}.input`, accessorCount),
    output: index(value["output"], `${where}.output`, accessorCount),
    interpolation,
  };
}

// ---- checked access ------------------------------------------------------------------------------------------

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The array of objects at `key`; empty where it is absent. */
export function objects(holder: JsonObject, key: string, where = ""): readonly JsonObject[] {
  const value = holder[key];
  const path = where === "" ? key : `${where}.${key}`;
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw gltfFault(`${path} must be an array`);
  return value.map((item: unknown, i) => {
    if (!isObject(item)) throw gltfFault(`${path}[${i}] must be an object`);
    return item;
  });
}

export function index(value: unknown, where: string, count: number): number {
  if (typeof value === "number" && Number.isInteger(value) && value >= 0 && value < count)
    return value;
  throw gltfFault(`${where} is ${show(value)}; an index below ${count} is right`);
}

/** A whole number of at least `min`; `fallback` where it is absent. */
export function whole(value: unknown, where: string, min: number, fallback?: number): number {
  const given = value ?? fallback;
  if (typeof given === "number" && Number.isSafeInteger(given) && given >= min) return given;
  throw gltfFault(`${where} is ${show(value)}; a whole number of at least ${min} is right`);
}

function indices(value: unknown, where: string, count: number): readonly number[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw gltfFault(`${where} must be an array of indices`);
  return value.map((item: unknown, i) => index(item, `${where}[${i}]`, count));
}

function numbers(value: unknown, count: number, where: string): readonly number[] {
  const list: readonly unknown[] = Array.isArray(value) ? value : [];
  const finite = list.filter(
    (item) => typeof item === "number" && Number.isFinite(Math.fround(item)),
  );
  if (list.length !== count || finite.length !== count)
    throw gltfFault(`${where} must be ${count} finite numbers`);
  return finite as readonly number[];
}

function show(value: unknown): string {
  return value === undefined ? "missing" : (JSON.stringify(value)?.slice(0, 40) ?? typeof value);
}
