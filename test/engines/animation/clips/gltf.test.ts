/**
 * Goal: glTF means what the specification says, for every interpolation, accessor form and node form. Method: assets made
 * here byte by byte; expected poses worked out by hand or from the formulas of the glTF 2.0 specification.
 */
import { describe, expect, test } from "bun:test";
import {
  type LoadClipOptions,
  loadClip,
} from "../../../../src/engines/animation/clips/load-clip.ts";
import {
  compose,
  largestDifference,
  requireValidBlock,
  sampleGlobal,
  sampleLocal,
  slerp,
} from "./evaluate.ts";
import {
  type AccessorSpec,
  type Asset,
  animate,
  type Json,
  makeAsset,
  times,
  toGlb,
  toGltf,
} from "./gltf-fixture.ts";

async function load(asset: Asset, options: Partial<LoadClipOptions> = {}) {
  const clip = await loadClip({ ...options, bytes: toGlb(asset), name: "fixture.glb" });
  requireValidBlock(clip.block);
  return clip;
}

function vec3(...values: number[]): AccessorSpec {
  return { data: new Float32Array(values), type: "VEC3" };
}

function vec4(...values: number[]): AccessorSpec {
  return { data: new Float32Array(values), type: "VEC4" };
}

const HALF = Math.SQRT1_2;
const IDENTITY = [0, 0, 0, 1];
const NO_SCALE = [1, 1, 1];

async function poseAt(asset: Asset, timeS: number): Promise<readonly number[]> {
  const { block } = await load(asset);
  return sampleLocal(block, timeS)[0] ?? [];
}

describe("interpolation", () => {
  test("STEP holds each key until the next", async () => {
    const asset = makeAsset(
      [times(1, 2, 4), vec3(1, 0, 0, 2, 0, 0, 3, 0, 0)],
      animate("translation", "STEP"),
    );
    const x = async (t: number) => (await poseAt(asset, t))[3];
    expect([
      await x(0),
      await x(1),
      await x(1.99),
      await x(2),
      await x(3.9),
      await x(4),
      await x(9),
    ]).toEqual([1, 1, 1, 2, 2, 3, 3]);
  });

  test("LINEAR is a straight line for translation and scale, held outside the keys", async () => {
    const moved = makeAsset(
      [times(1, 3), vec3(0, 0, 0, 10, -20, 4)],
      animate("translation", "LINEAR"),
    );
    expect(await poseAt(moved, 1.5)).toEqual(compose([2.5, -5, 1], IDENTITY, NO_SCALE));
    expect(await poseAt(moved, 0)).toEqual(compose([0, 0, 0], IDENTITY, NO_SCALE));
    const scaled = makeAsset(
      [times(0, 1), vec3(1, 1, 1, 3, -1, 0)],
      animate("scale", "LINEAR", { translation: [7, 8, 9] }),
    );
    expect(await poseAt(scaled, 0.5)).toEqual(compose([7, 8, 9], IDENTITY, [2, 0, 0.5]));
  });

  test("LINEAR rotations go along the shorter arc at constant speed", async () => {
    // From 0° to 90° about Z, the second key with its sign turned: a third of the way is 30°.
    const asset = makeAsset(
      [times(0, 3), vec4(0, 0, 0, 1, 0, 0, -HALF, -HALF)],
      animate("rotation", "LINEAR"),
    );
    const angle = Math.PI / 12;
    const expected = compose([0, 0, 0], [0, 0, Math.sin(angle), Math.cos(angle)], NO_SCALE);
    expect(largestDifference(await poseAt(asset, 1), expected)).toBeLessThan(1e-7);
  });

  test("CUBICSPLINE is the Hermite polynomial of the specification, tangents scaled by the key distance", async () => {
    // In-tangent, value, out-tangent. Between t = 0 and 2, u = 0.25: the basis is h00 = 0.84375, h10 = 0.140625,
    // h01 = 0.15625, h11 = -0.046875, and both tangents are multiplied by 2 s.
    const values = vec3(9, 9, 9, 1, 0, 0, 4, 0, 8, 2, 16, 0, 5, 32, 0, 9, 9, 9);
    const asset = makeAsset([times(0, 2), values], animate("translation", "CUBICSPLINE"));
    const expected = [
      0.84375 * 1 + 2 * 0.140625 * 4 + 0.15625 * 5 - 2 * 0.046875 * 2,
      0.15625 * 32 - 2 * 0.046875 * 16,
      2 * 0.140625 * 8,
    ];
    const found = await poseAt(asset, 0.5);
    expect(
      largestDifference([found[3] ?? 0, found[7] ?? 0, found[11] ?? 0], expected),
    ).toBeLessThan(1e-6);
    expect((await poseAt(asset, 2))[7]).toBe(32);
  });

  test("CUBICSPLINE rotations are normalised after the polynomial", async () => {
    const zero = [0, 0, 0, 0];
    const values = vec4(...zero, 0, 0, 0, 1, ...zero, ...zero, 0, 0, HALF, HALF, ...zero);
    const asset = makeAsset([times(0, 1), values], animate("rotation", "CUBICSPLINE"));
    // Half way with flat tangents the polynomial is the plain mean: 45° by symmetry.
    const expected = compose(
      [0, 0, 0],
      [0, 0, Math.sin(Math.PI / 8), Math.cos(Math.PI / 8)],
      NO_SCALE,
    );
    expect(largestDifference(await poseAt(asset, 0.5), expected)).toBeLessThan(1e-7);
  });

  test("a lone key is a constant, of every kind", async () => {
    for (const interpolation of ["STEP", "LINEAR"] as const) {
      const asset = makeAsset([times(3), vec3(1, 2, 3)], animate("translation", interpolation));
      expect(await poseAt(asset, 0)).toEqual(compose([1, 2, 3], IDENTITY, NO_SCALE));
    }
    const cubic = makeAsset(
      [times(3), vec4(9, 9, 9, 9, 0, 0, 2, 0, 9, 9, 9, 9)],
      animate("rotation", "CUBICSPLINE"),
    );
    expect(await poseAt(cubic, 0)).toEqual(compose([0, 0, 0], [0, 0, 1, 0], NO_SCALE));
  });
});

describe("accessors", () => {
  // glTF 2.0 §3.11: f = max(c / 127, -1), c / 255, max(c / 32767, -1), c / 65535.
  const forms = [
    {
      name: "int8",
      data: new Int8Array([0, 0, 0, 127, 0, 0, -128, 0]),
      first: [0, 0, 0, 1],
      second: [0, 0, -1, 0],
    },
    {
      name: "uint8",
      data: new Uint8Array([0, 0, 0, 255, 180, 0, 0, 181]),
      first: [0, 0, 0, 1],
      second: [180 / 255, 0, 0, 181 / 255],
    },
    {
      name: "int16",
      data: new Int16Array([0, -32768, 0, 0, 0, 23170, 0, -23170]),
      first: [0, -1, 0, 0],
      second: [0, 23170 / 32767, 0, -23170 / 32767],
    },
    {
      name: "uint16",
      data: new Uint16Array([0, 0, 0, 65535, 0, 0, 46341, 46340]),
      first: [0, 0, 0, 1],
      second: [0, 0, 46341 / 65535, 46340 / 65535],
    },
  ] as const;
  test.each(forms)("normalised $name rotations", async ({ data, first, second }) => {
    const asset = makeAsset(
      [times(0, 1), { data, type: "VEC4", normalized: true }],
      animate("rotation", "LINEAR"),
    );
    for (const [t, expected] of [
      [0, first],
      [1, second],
      [0.5, slerp(unit(first), unit(second), 0.5)],
    ] as const) {
      expect(
        largestDifference(await poseAt(asset, t), compose([0, 0, 0], expected, NO_SCALE)),
      ).toBeLessThan(3e-7);
    }
  });

  const scales = [
    { name: "int8", data: new Int8Array([127, -127, -128]), expected: [1, -1, -1] },
    { name: "uint8", data: new Uint8Array([255, 51, 1]), expected: [1, 0.2, 1 / 255] },
    { name: "int16", data: new Int16Array([32767, -32768, 1]), expected: [1, -1, 1 / 32767] },
    { name: "uint16", data: new Uint16Array([65535, 13107, 1]), expected: [1, 0.2, 1 / 65535] },
  ] as const;
  test.each(scales)("normalised $name values follow the formula", async ({ data, expected }) => {
    const asset = makeAsset(
      [times(0), { data, type: "VEC3", normalized: true }],
      animate("scale", "STEP"),
    );
    expect(
      largestDifference(await poseAt(asset, 0), compose([0, 0, 0], IDENTITY, expected)),
    ).toBeLessThan(1e-7);
  });

  test("sparse accessors, over data and over zeros, with any index width", async () => {
    const indices = {
      uint8: new Uint8Array([1]),
      uint16: new Uint16Array([1]),
      uint32: new Uint32Array([1]),
    };
    for (const data of Object.values(indices)) {
      for (const base of [true, false]) {
        const plain = makeAsset(
          [
            times(0, 1, 2),
            vec3(1, 1, 1, 2, 2, 2, 3, 3, 3),
            { data, type: "SCALAR" },
            vec3(7, 8, 9),
          ],
          animate("translation", "LINEAR"),
        );
        const accessors = plain.json["accessors"] as Json[];
        const componentType = accessors[2]?.["componentType"];
        const sparse = {
          count: 1,
          indices: { bufferView: 2, componentType },
          values: { bufferView: 3 },
        };
        const { bufferView, ...without } = accessors[1] ?? {};
        accessors[1] = base ? { bufferView, ...without, sparse } : { ...without, sparse };
        expect((await poseAt(plain, 1)).filter((_, i) => i % 4 === 3)).toEqual([7, 8, 9, 1]);
        expect((await poseAt(plain, 2))[3]).toBe(base ? 3 : 0);
        expect((await poseAt(plain, 0))[3]).toBe(base ? 1 : 0);
      }
    }
  });

  test("a sparse accessor with a byte offset of its own does not lend it to its indices", async () => {
    const asset = makeAsset(
      [
        times(0, 1),
        vec3(5, 5, 5, 1, 1, 1, 2, 2, 2),
        { data: new Uint16Array([1, 0, 0, 0, 0, 0, 0, 0]), type: "SCALAR" },
        vec3(7, 8, 9),
      ],
      animate("translation", "STEP"),
    );
    const accessors = asset.json["accessors"] as Json[];
    const sparse = {
      count: 1,
      indices: { bufferView: 2, componentType: 5123 },
      values: { bufferView: 3 },
    };
    accessors[1] = { ...accessors[1], byteOffset: 12, count: 2, sparse };
    expect((await poseAt(asset, 0))[3]).toBe(1);
    expect((await poseAt(asset, 1))[3]).toBe(7);
  });

  test("interleaved keys and values in one buffer view", async () => {
    const asset = makeAsset(
      [{ data: new Float32Array([0, 1, 2, 3, 1, 4, 5, 6]), type: "SCALAR" }],
      animate("translation", "LINEAR"),
    );
    asset.json["bufferViews"] = [{ buffer: 0, byteOffset: 0, byteLength: 32, byteStride: 16 }];
    asset.json["accessors"] = [
      { bufferView: 0, byteOffset: 0, componentType: 5126, type: "SCALAR", count: 2 },
      { bufferView: 0, byteOffset: 4, componentType: 5126, type: "VEC3", count: 2 },
    ];
    expect(await poseAt(asset, 0.5)).toEqual(compose([2.5, 3.5, 4.5], IDENTITY, NO_SCALE));
  });

  test("several tracks share one array of key times", async () => {
    const asset = makeAsset(
      [times(0, 1, 2), vec3(1, 2, 3, 4, 5, 6, 7, 8, 9), vec4(...IDENTITY, 1, 0, 0, 0, ...IDENTITY)],
      {
        nodes: [{}],
        animations: [
          {
            samplers: [
              { input: 0, output: 1 },
              { input: 0, output: 2 },
            ],
            channels: [
              { sampler: 0, target: { node: 0, path: "translation" } },
              { sampler: 1, target: { node: 0, path: "rotation" } },
            ],
          },
        ],
      },
    );
    const { info } = await load(asset);
    expect(info.blockBytes).toBe(64 + 8 + 3 * 40 + (3 + 9 + 12 + 3 + 1) * 4); // header, parents, tracks, times, values, scale, padding
  });
});

function unit(q: readonly number[]): number[] {
  const length = Math.hypot(...q);
  return q.map((v) => v / length);
}

describe("nodes", () => {
  const still = [times(0), vec3(0, 0, 0)];

  test("a matrix is taken apart; chained with its children it is the matrix again", async () => {
    // Column-major: 90° about X, scaled by 2, 3, -4, moved by 5, 6, 7.
    const matrix = [2, 0, 0, 0, 0, 0, 3, 0, 0, 4, 0, 0, 5, 6, 7, 1];
    const asset = makeAsset(still, {
      ...animate("translation", "STEP"),
      nodes: [{ name: "bone" }, { name: "frame", matrix, children: [0] }],
      scenes: [{ nodes: [1] }],
    });
    const { block, info } = await load(asset);
    expect(info.boneNames).toEqual(["frame", "bone"]);
    const expected = [2, 0, 0, 5, 0, 0, 4, 6, 0, 3, 0, 7, 0, 0, 0, 1];
    expect(largestDifference(sampleGlobal(block, 0)[1] ?? [], expected)).toBeLessThan(1e-6);
    expect(info.warnings).toEqual([]);
  });

  test("a sheared matrix is approximated and said with its error", async () => {
    const asset = makeAsset(still, {
      ...animate("translation", "STEP"),
      nodes: [
        { name: "bone" },
        {
          name: "skewed",
          matrix: [1, 0, 0, 0, 0.25, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1],
          children: [0],
        },
      ],
      scenes: [{ nodes: [1] }],
    });
    const { info } = await load(asset);
    expect(info.warnings).toEqual([
      expect.stringMatching(/^the matrix of 'skewed' shears.*off by up to 2\d %$/),
    ]);
  });

  test("a node that is animated and has a matrix is refused", () => {
    const asset = makeAsset(
      still,
      animate("translation", "STEP", { matrix: [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1] }),
    );
    expect(load(asset)).rejects.toThrow("is animated and has a matrix");
  });

  test("the bind pose is the nodes' own transforms, with names or numbers", async () => {
    const asset = makeAsset(still, {
      ...animate("translation", "STEP"),
      nodes: [{ translation: [1, 2, 3], rotation: [0, 0, 2, 0], scale: [4, 5, 6] }],
    });
    const { info } = await load(asset);
    expect(info.boneNames).toEqual(["node_0"]);
    expect(info.bindPose).toEqual({
      positions: [[1, 2, 3]],
      rotations: [[0, 0, 1, 0]],
      scales: [[4, 5, 6]],
    });
  });
});

describe("which nodes are bones", () => {
  const names = async (nodes: readonly Json[], rest: Json = {}) => {
    const asset = makeAsset([times(0), vec3(0, 0, 0)], {
      ...animate("translation", "STEP"),
      nodes,
      ...rest,
    });
    const { info } = await load(asset);
    return { names: info.boneNames, parents: info.parents, warnings: info.warnings };
  };

  test("what moves, what it carries, and what leads to it, breadth-first; nothing else", async () => {
    const found = await names(
      [
        { name: "moving", children: [1] },
        { name: "socket", mesh: 0 },
        { name: "parent", children: [0, 3] },
        { name: "fixed sibling" },
        { name: "room", children: [2, 5] },
        { name: "lamp" },
        { name: "camera", camera: 0 },
      ],
      { scenes: [{ nodes: [6, 4] }] },
    );
    expect(found).toEqual({
      names: ["room", "parent", "moving", "socket"],
      parents: [-1, 0, 1, 2],
      warnings: [],
    });
  });

  test("joints of skins that no take moves; not the node that draws the skin", async () => {
    const found = await names(
      [
        { name: "hips", children: [1, 2, 3] },
        { name: "spine" },
        { name: "body", mesh: 0, skin: 0 },
        { name: "tail" },
        { name: "outer joint" },
      ],
      { scenes: [{ nodes: [0, 4] }], skins: [{ joints: [0, 1, 4], skeleton: 0 }] },
    );
    expect(found.names).toEqual(["hips", "outer joint", "spine", "tail"]);
    expect(found.parents).toEqual([-1, -1, 0, 0]);
  });

  test("the default scene, and a word about what moves outside it", async () => {
    const scenes = [{ nodes: [1] }, { nodes: [0] }];
    const nodes = [{ name: "here" }, { name: "elsewhere" }];
    expect((await names(nodes, { scenes, scene: 1 })).names).toEqual(["here"]);
    const other = await names(nodes, { scenes, scene: 0 });
    expect(other).toEqual({
      names: ["elsewhere"],
      parents: [-1],
      warnings: ["1 animated nodes or joints are outside the default scene and not streamed"],
    });
    expect((await names(nodes, { scenes: undefined, scene: undefined })).names).toEqual(["here"]);
  });

  test("every take counts, so the bones do not depend on the take", async () => {
    const one = {
      samplers: [{ input: 0, output: 1 }],
      channels: [{ sampler: 0, target: { node: 0, path: "scale" } }],
    };
    const two = {
      samplers: [{ input: 0, output: 1 }],
      channels: [{ sampler: 0, target: { node: 1, path: "scale" } }],
    };
    const asset = makeAsset([times(0), vec3(1, 1, 1)], {
      nodes: [{ name: "a" }, { name: "b" }],
      animations: [one, two],
    });
    expect((await load(asset, { take: 0 })).info.boneNames).toEqual(["a", "b"]);
    expect((await load(asset, { take: 1 })).info.boneNames).toEqual(["a", "b"]);
  });
});

describe("takes", () => {
  const take = (name: string | undefined, output: number, input = 0): Json => ({
    ...(name === undefined ? {} : { name }),
    samplers: [{ input, output }],
    channels: [{ sampler: 0, target: { node: 0, path: "translation" } }],
  });
  const asset = makeAsset(
    [
      times(0, 1),
      vec3(1, 0, 0, 1, 0, 0),
      vec3(2, 0, 0, 2, 0, 0),
      { ...times(1, 5), json: { min: [1], max: [5] } },
      vec3(3, 0, 0, 3, 0, 0),
    ],
    {
      nodes: [{}],
      animations: [take("walk", 1), take(undefined, 2), take("walk", 4, 3), take("0", 4, 3)],
    },
  );

  test("all are listed, with the lengths the file declares and that of the loaded one", async () => {
    const { info } = await load(asset);
    expect(info.takes).toEqual([
      { name: "walk", durationS: 1 },
      { name: "take_1" },
      { name: "walk", durationS: 4 },
      { name: "0", durationS: 4 },
    ]);
    expect(info).toMatchObject({
      take: "walk",
      takeIndex: 0,
      durationS: 1,
      startS: 0,
      endS: 1,
      wrapS: 0,
      format: "gltf",
      name: "fixture.glb",
    });
    const third = await load(asset, { take: 2 });
    expect(third.info).toMatchObject({
      take: "walk",
      takeIndex: 2,
      durationS: 4,
      startS: 1,
      endS: 5,
    });
  });

  test("are chosen by name, by number and by digits; a name outranks digits", async () => {
    const x = async (choice: string | number) =>
      sampleLocal((await load(asset, { take: choice })).block, 0)[0]?.[3];
    expect(await x("walk")).toBe(1);
    expect(await x("take_1")).toBe(2);
    expect(await x(1)).toBe(2);
    expect(await x("2")).toBe(3);
    expect(await x("0")).toBe(3);
    expect(await x(0)).toBe(1);
  });

  test.each(["run", "4", 4, -1, 0.5, ""])("%p is refused with the names there are", (choice) => {
    expect(load(asset, { take: choice })).rejects.toMatchObject({
      code: "CLIP_TAKE_NOT_FOUND",
      message: expect.stringContaining("the clip has 0 'walk', 1 'take_1', 2 'walk', 3 '0'"),
      details: { takes: ["walk", "take_1", "walk", "0"] },
    });
  });

  test("a take without bone channels stands still for as long as it lasts, and says what it moves", async () => {
    const morph = makeAsset([times(1, 3), { data: new Float32Array([0, 1]), type: "SCALAR" }], {
      nodes: [{ name: "face", translation: [1, 2, 3] }],
      animations: [
        {
          samplers: [{ input: 0, output: 1 }],
          channels: [{ sampler: 0, target: { node: 0, path: "weights" } }],
        },
      ],
    });
    const { block, info } = await load(morph);
    expect(info).toMatchObject({ startS: 1, endS: 3, durationS: 2, jointCount: 1 });
    expect(info.warnings).toEqual([
      "the take also animates 'weights', which is no part of the bones",
    ]);
    expect(sampleLocal(block, 2)[0]).toEqual(compose([1, 2, 3], IDENTITY, NO_SCALE));
  });
});

describe("what need not be understood", () => {
  test("missing pictures, broken meshes and unknown extensions do no harm; a required unknown one is named", async () => {
    const asset = makeAsset([times(0), vec3(1, 2, 3)], {
      ...animate("translation", "STEP"),
      images: [{ uri: "../../nowhere/missing.png" }, {}],
      textures: "not even an array",
      meshes: [
        {
          primitives: [
            { attributes: { POSITION: 999 }, extensions: { KHR_draco_mesh_compression: {} } },
          ],
        },
      ],
      extensionsUsed: ["KHR_draco_mesh_compression", "EXT_future"],
      extensionsRequired: ["KHR_draco_mesh_compression", "KHR_materials_unlit", "EXT_future"],
    });
    const { block, info } = await load(asset);
    expect(sampleLocal(block, 0)[0]).toEqual(compose([1, 2, 3], IDENTITY, NO_SCALE));
    expect(info.warnings).toEqual([
      expect.stringContaining("the file requires 'EXT_future', which is not read"),
    ]);
  });

  test("compressed animation is refused, unless a plain copy is there", () => {
    const compressed = (fallback: boolean, required: boolean) => {
      const asset = makeAsset([times(0), vec3(1, 2, 3)], {
        ...animate("translation", "STEP"),
        extensionsRequired: required ? ["EXT_meshopt_compression"] : [],
      });
      const views = asset.json["bufferViews"] as Json[];
      views[1] = { ...views[1], extensions: { EXT_meshopt_compression: { buffer: 0, count: 1 } } };
      if (fallback)
        asset.json["buffers"] = [
          {
            byteLength: asset.binary.length,
            extensions: { EXT_meshopt_compression: { fallback: true } },
          },
        ];
      return load(asset);
    };
    const message =
      "compressed with EXT_meshopt_compression, which is not supported; export without compression";
    expect(compressed(false, true)).rejects.toThrow(message);
    expect(compressed(true, false)).rejects.toThrow(message);
    expect(compressed(false, false)).resolves.toBeDefined();
  });

  test("GLB, and .gltf with its buffer inside, are the same clip", async () => {
    const asset = makeAsset(
      [times(0, 1), vec3(1, 2, 3, 4, 5, 6)],
      animate("translation", "LINEAR"),
    );
    const glb = await load(asset);
    const gltf = await loadClip({ bytes: toGltf(asset), name: "fixture.gltf" });
    expect(gltf.info.contentHash).toBe(glb.info.contentHash);
    expect(gltf.info.takes).toEqual(glb.info.takes);
  });
});
