/**
 * Reads one take of a glTF 2.0 asset (GLB or .gltf) into a clip: node transforms by STEP, LINEAR and CUBICSPLINE samplers.
 * Refuses with CLIP_INVALID what cannot be right; warns about what is left out (morph weights, nodes outside the default
 * scene, shear). Media time is the file's: a take begins at its first key, which need not be 0.
 */
import { assert } from "../../../core/assert.ts";
import { Fault } from "../../../core/fault.ts";
import { CLIP_RANGE } from "../../../native/clip-layout.ts";
import type { ClipJoint, ClipLimits, ClipTrack, ReadClip, TakeInfo } from "./description.ts";
import { type DecodedAccessor, GltfAccessors } from "./gltf-accessors.ts";
import { chooseBones, type GltfBones, isBonePath } from "./gltf-bones.ts";
import {
  type GltfContainer,
  gltfFault,
  openContainer,
  type ReadCompanion,
} from "./gltf-container.ts";
import {
  GLTF_PATHS,
  type GltfAnimation,
  type GltfChannel,
  type GltfModel,
  type GltfPath,
  type JsonObject,
  objects,
  readGltfModel,
} from "./gltf-json.ts";
import { normaliseQuaternion } from "./rotation.ts";
import { chooseTake, type TakeChoice } from "./takes.ts";

/** A matrix further than this from any T·R·S (relative) is worth a warning; below it is float32 noise. */
const SHEAR_TOLERANCE = 1e-5;

export interface GltfSummary {
  readonly model: GltfModel;
  readonly bones: GltfBones;
  readonly takes: readonly TakeInfo[];
}

/** What the JSON alone tells: bones and takes, with the lengths that the accessors declare. Reads no buffer. */
export function summariseGltf(json: JsonObject, limits: ClipLimits): GltfSummary {
  const model = readGltfModel(json);
  if (model.animations.length === 0) {
    throw gltfFault(
      "the file has no animation, so there is nothing to play; export it with its animations",
    );
  }
  const bones = chooseBones(model);
  if (bones.nodes.length === 0)
    throw gltfFault("the default scene has no nodes, so there is nothing to stream");
  if (bones.nodes.length > limits.maxJoints) {
    throw new Fault(
      "CLIP_TOO_LARGE",
      `the clip has ${bones.nodes.length} bones; at most ${limits.maxJoints} are allowed`,
    );
  }
  const accessors = objects(json, "accessors");
  const takes = model.animations.map((animation, i) => {
    const name = animation.name ?? `take_${i}`;
    const durationS = declaredDuration(animation, accessors);
    return durationS === undefined ? { name } : { name, durationS };
  });
  return { model, bones, takes };
}

function declaredDuration(
  animation: GltfAnimation,
  accessors: readonly JsonObject[],
): number | undefined {
  let startS = Number.POSITIVE_INFINITY;
  let endS = Number.NEGATIVE_INFINITY;
  for (const { sampler } of animation.channels) {
    const { min, max } = accessors[sampler.input] ?? {};
    const first: unknown = Array.isArray(min) ? min[0] : undefined;
    const last: unknown = Array.isArray(max) ? max[0] : undefined;
    if (typeof first !== "number" || typeof last !== "number") return undefined;
    startS = Math.min(startS, first);
    endS = Math.max(endS, last);
  }
  return endS >= startS ? endS - startS : undefined;
}

/** Reads one take, the first by default. Throws CLIP_INVALID, CLIP_TAKE_NOT_FOUND, or CLIP_TOO_LARGE beyond `limits`. */
export async function readGltf(
  bytes: Uint8Array,
  options: {
    readonly take?: TakeChoice | undefined;
    readonly limits: ClipLimits;
    readonly readCompanion: ReadCompanion;
  },
): Promise<ReadClip> {
  const container = openContainer(bytes);
  const { model, bones, takes } = summariseGltf(container.json, options.limits);
  const takeIndex = chooseTake(takes, options.take);
  const animation = model.animations[takeIndex] ?? { name: undefined, channels: [] };
  const { startS, endS, tracks } = await readTracks(container, model, animation, bones, options);
  const description = {
    joints: bones.nodes.map((node, bone) =>
      makeJoint(model, node, bones.parents[bone] ?? -1, tracks),
    ),
    startS,
    endS,
    wrapS: 0,
    durationS: endS - startS,
  };
  return {
    description,
    takes: takes.map((take, i) => (i === takeIndex ? { ...take, durationS: endS - startS } : take)),
    takeIndex,
    warnings: warnAbout(model, bones, animation),
  };
}

type Tracks = ReadonlyMap<string, ClipTrack>;

function trackKey(node: number, path: GltfPath): string {
  return `${node}.${path}`;
}

async function readTracks(
  container: GltfContainer,
  model: GltfModel,
  animation: GltfAnimation,
  bones: GltfBones,
  options: { readonly limits: ClipLimits; readonly readCompanion: ReadCompanion },
): Promise<{ startS: number; endS: number; tracks: Tracks }> {
  const accessors = new GltfAccessors({
    container,
    readCompanion: options.readCompanion,
    limits: options.limits,
    requiredExtensions: model.requiredExtensions,
  });
  // Times first: once they are known to rise, they bound how many values a file may claim without having the bytes.
  const times = await accessors.decode(animation.channels.map(({ sampler }) => sampler.input));
  let startS = Number.POSITIVE_INFINITY;
  let endS = Number.NEGATIVE_INFINITY;
  for (const [accessor, { values }] of times) {
    refuseWrongTimes(times.get(accessor), accessor);
    startS = Math.min(startS, values[0] ?? 0);
    endS = Math.max(endS, values.at(-1) ?? 0);
  }
  const streamed = new Set(bones.nodes);
  const channels = animation.channels.filter(
    (channel): channel is GltfChannel & { node: number; path: GltfPath } =>
      channel.node !== undefined && streamed.has(channel.node) && isBonePath(channel.path),
  );
  // Channels may share accessors, so few bytes can ask for many keys.
  let keyCount = 0;
  for (const { sampler } of channels) {
    const keys = times.get(sampler.input)?.count ?? 0;
    keyCount += keys;
    if (keyCount > options.limits.maxKeys) {
      throw new Fault(
        "CLIP_TOO_LARGE",
        `the take has more than the ${options.limits.maxKeys} keys that are allowed`,
      );
    }
    const expected = sampler.interpolation === "CUBICSPLINE" ? keys * 3 : keys;
    const found = accessors.declaredCount(sampler.output);
    if (found !== expected) {
      throw gltfFault(
        `accessors[${sampler.output}] has ${found} values for ${keys} keys (${sampler.interpolation}); ${expected} are right`,
      );
    }
  }
  const values = await accessors.decode(channels.map(({ sampler }) => sampler.output));
  const tracks = new Map<string, ClipTrack>();
  for (const { node, path, sampler } of channels) {
    const keyTimes = times.get(sampler.input)?.values ?? new Float32Array(0);
    tracks.set(
      trackKey(node, path),
      makeTrack(sampler, path, keyTimes, values.get(sampler.output), node),
    );
  }
  return Number.isFinite(startS) ? { startS, endS, tracks } : { startS: 0, endS: 0, tracks };
}

function refuseWrongTimes(times: DecodedAccessor | undefined, accessor: number): void {
  const where = `accessors[${accessor}]`;
  if (times?.width !== 1) throw gltfFault(`${where} holds key times and must be SCALAR`);
  for (let i = 0; i < times.count; i++) {
    const time = times.values[i] ?? Number.NaN;
    if (!(Math.abs(time) <= CLIP_RANGE.maxTimeS)) {
      throw gltfFault(
        `${where}: key time ${i} is ${time} s; times within ±${CLIP_RANGE.maxTimeS} s are right`,
      );
    }
    if (i > 0 && !(time > (times.values[i - 1] ?? 0))) {
      throw gltfFault(
        `${where}: key times must rise strictly; key ${i} at ${time} s follows ${times.values[i - 1]} s`,
      );
    }
  }
}

function makeTrack(
  sampler: GltfChannel["sampler"],
  path: GltfPath,
  timesS: Float32Array,
  output: DecodedAccessor | undefined,
  node: number,
): ClipTrack {
  const width = path === "rotation" ? 4 : 3;
  const where = `accessors[${sampler.output}], the ${path} of node ${node}`;
  if (output?.width !== width) throw gltfFault(`${where}: the type must be VEC${width}`);
  const wrong = output.values.findIndex((value) => !(Math.abs(value) <= CLIP_RANGE.maxValue));
  if (wrong >= 0)
    throw gltfFault(
      `${where}: value ${Math.floor(wrong / width)} is not finite, or beyond ±${CLIP_RANGE.maxValue}`,
    );
  const isCubic = sampler.interpolation === "CUBICSPLINE";
  const values =
    path === "rotation" ? checkedRotations(output.values, isCubic, where) : output.values;
  const kind = isCubic ? "cubic" : sampler.interpolation === "STEP" ? "step" : "linear";
  return { kind, times: { kind: "listed", timesS }, values };
}

/**
 * Rotations brought to length 1, which quantised ones are only nearly; a copy, because accessors may be shared. Of a
 * cubic track only a lone key is: values and tangents belong together, and the sum is normalised when it is sampled.
 */
function checkedRotations(values: Float32Array, isCubic: boolean, where: string): Float32Array {
  const result = values.slice();
  const stride = isCubic ? 12 : 4;
  const first = isCubic ? 4 : 0;
  for (let at = first; at < values.length; at += stride) {
    const unit = normaliseQuaternion(values.subarray(at, at + 4));
    if (unit === undefined)
      throw gltfFault(
        `${where}: key ${Math.floor(at / stride)} has no usable length; a unit quaternion is right`,
      );
    if (!isCubic || values.length === stride) result.set(unit, at);
  }
  return result;
}

function makeJoint(model: GltfModel, nodeIndex: number, parent: number, tracks: Tracks): ClipJoint {
  const node = model.nodes[nodeIndex];
  assert(node !== undefined, "bones are nodes of the model");
  const [translation, rotation, scale] = GLTF_PATHS.map((path) =>
    tracks.get(trackKey(nodeIndex, path)),
  );
  if (node.hasMatrix && (translation ?? rotation ?? scale)) {
    throw gltfFault(
      `nodes[${nodeIndex}] is animated and has a matrix; translation, rotation and scale are right`,
    );
  }
  return {
    name: node.name,
    parent,
    restTranslation: node.translation,
    restRotation: node.rotation,
    restScale: node.scale,
    translation: translation ?? { kind: "constant", value: node.translation },
    rotation: rotation ?? { kind: "constant", value: node.rotation },
    scale: scale ?? { kind: "constant", value: node.scale },
  };
}

function warnAbout(
  model: GltfModel,
  bones: GltfBones,
  animation: GltfAnimation,
): readonly string[] {
  const warnings: string[] = [];
  for (const node of bones.nodes) {
    const { matrixError = 0, name = "" } = model.nodes[node] ?? {};
    if (matrixError <= SHEAR_TOLERANCE) continue;
    const percent = (matrixError * 100).toPrecision(2);
    warnings.push(
      `the matrix of '${name}' shears, which translation, rotation and scale cannot: it is off by up to ${percent} %`,
    );
  }
  if (bones.outside.length > 0) {
    warnings.push(
      `${bones.outside.length} animated nodes or joints are outside the default scene and not streamed`,
    );
  }
  const paths = new Set(
    animation.channels.map(({ path }) => path).filter((path) => !isBonePath(path)),
  );
  if (paths.size > 0) {
    warnings.push(
      `the take also animates ${[...paths].map((path) => `'${path.slice(0, 40)}'`).join(", ")}, which is no part of the bones`,
    );
  }
  for (const extension of model.requiredExtensions) {
    if (PLAIN_EXTENSIONS.some((prefix) => extension.startsWith(prefix))) continue;
    warnings.push(
      `the file requires '${extension.slice(0, 60)}', which is not read: if it changes node transforms, the motion differs`,
    );
  }
  return warnings;
}

/** Extensions, by prefix, that concern meshes, materials, lights or pictures, and never the transforms of nodes. */
const PLAIN_EXTENSIONS = [
  "KHR_materials_",
  "KHR_texture_",
  "KHR_draco_mesh_compression",
  "KHR_mesh_quantization",
  "KHR_lights_punctual",
  "KHR_meshopt_compression",
  "EXT_meshopt_compression",
  "EXT_texture_",
  "VRMC_materials_",
] as const;
