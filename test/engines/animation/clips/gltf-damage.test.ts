/**
 * Goal: a damaged or hostile glTF is refused with CLIP_INVALID and the place in the file, quickly and in little memory.
 * Method: one change to a good asset each.
 */
import { describe, expect, test } from "bun:test";
import { Fault } from "../../../../src/core/fault.ts";
import { DEFAULT_CLIP_LIMITS } from "../../../../src/engines/animation/clips/description.ts";
import { loadClip } from "../../../../src/engines/animation/clips/load-clip.ts";
import {
  type AccessorSpec,
  animate,
  type Json,
  makeAsset,
  times,
  toGlb,
  toGltf,
} from "./gltf-fixture.ts";

const positions: AccessorSpec = { data: new Float32Array([1, 2, 3, 4, 5, 6]), type: "VEC3" };

function good(rest: Json = {}, accessors: readonly AccessorSpec[] = [times(0, 1), positions]) {
  return makeAsset(accessors, { ...animate("translation", "LINEAR"), ...rest });
}

async function refusal(bytes: Uint8Array, limits = DEFAULT_CLIP_LIMITS): Promise<Fault> {
  try {
    await loadClip({ bytes, name: "fixture.gltf", limits });
  } catch (error) {
    if (error instanceof Fault) return error;
    throw error;
  }
  throw new Error("the file was accepted");
}

function patched(offset: number, value: number): Uint8Array {
  const bytes = toGlb(good());
  new DataView(bytes.buffer).setUint32(offset, value, true);
  return bytes;
}

const jsonLength = new DataView(toGlb(good()).buffer).getUint32(12, true);
const total = toGlb(good()).length;

describe("the GLB container", () => {
  const cases: readonly (readonly [string, Uint8Array, string])[] = [
    ["a version from the past", patched(4, 1), "glTF version 1 is not supported"],
    [
      "a length past the end",
      patched(8, total + 1),
      `declares ${total + 1} bytes and has ${total}; it is truncated`,
    ],
    ["a length below the header", patched(8, 4), "JSON chunk declares"],
    ["a first chunk of another kind", patched(16, 0x004e4942), "first chunk of a GLB must be JSON"],
    [
      "a JSON chunk past the end",
      patched(12, 0xffff_fff0),
      "the JSON chunk declares 4294967280 bytes",
    ],
    ["a JSON chunk cut short", patched(12, jsonLength - 20), "the JSON cannot be read"],
    [
      "a binary chunk past the end",
      patched(20 + jsonLength, 1_000_000),
      "the binary chunk declares 1000000 bytes",
    ],
    [
      "a binary chunk that is none",
      patched(24 + jsonLength, 0x12345678),
      "buffers[0] has no uri and the file no binary chunk",
    ],
    [
      "a binary chunk shorter than its buffer",
      patched(20 + jsonLength, 8),
      "buffers[0] declares 32 bytes and has 8",
    ],
  ];
  test.each(cases)("%s", async (_, bytes, message) => {
    expect((await refusal(bytes)).message).toContain(message);
  });

  test("cut at every byte", async () => {
    const bytes = toGlb(good());
    for (let length = 4; length < bytes.length; length++) {
      const { code } = await refusal(bytes.slice(0, length));
      expect(code).toBe("CLIP_INVALID");
    }
  });
});

describe("the JSON", () => {
  const node = (changes: Json) => good({ nodes: [{ name: "bone", ...changes }] });
  const animation = (changes: Json) =>
    good({
      animations: [
        { ...(animate("translation", "LINEAR")["animations"] as Json[])[0], ...changes },
      ],
    });
  const channel = (changes: Json) =>
    animation({ channels: [{ sampler: 0, target: { node: 0, path: "translation" }, ...changes }] });
  const accessor = (changes: Json, which = 1) => {
    const asset = good();
    const accessors = asset.json["accessors"] as Json[];
    accessors[which] = { ...accessors[which], ...changes };
    return asset;
  };
  const view = (changes: Json) => {
    const asset = good();
    const views = asset.json["bufferViews"] as Json[];
    views[1] = { ...views[1], ...changes };
    return asset;
  };
  const sparse = (changes: Json) => {
    const asset = good({}, [
      times(0, 1),
      positions,
      { data: new Uint16Array([0, 1]), type: "SCALAR" },
    ]);
    const accessors = asset.json["accessors"] as Json[];
    const whole = {
      count: 2,
      indices: { bufferView: 2, componentType: 5123 },
      values: { bufferView: 1 },
    };
    accessors[1] = { ...accessors[1], sparse: { ...whole, ...changes } };
    return asset;
  };

  const cases: readonly (readonly [string, ReturnType<typeof good>, string])[] = [
    ["no asset version", good({ asset: {} }), "asset.version is missing"],
    ["no animation", good({ animations: [] }), "has no animation"],
    [
      "no nodes",
      good({
        nodes: undefined,
        scenes: undefined,
        scene: undefined,
        animations: [{ samplers: [], channels: [] }],
      }),
      "no nodes",
    ],
    ["nodes that are no array", good({ nodes: { length: 1 } }), "nodes must be an array"],
    ["a node that is no object", good({ nodes: [null] }), "nodes[0] must be an object"],
    [
      "a child out of range",
      node({ children: [7] }),
      "nodes[0].children[0] is 7; an index below 1 is right",
    ],
    ["a node that is its own child", node({ children: [0] }), "nodes[0] is its own ancestor"],
    [
      "a cycle",
      good({ nodes: [{}, { children: [2] }, { children: [1] }] }),
      "nodes[1] is its own ancestor",
    ],
    [
      "two parents",
      good({ nodes: [{}, { children: [0] }, { children: [0] }] }),
      "nodes[0] is a child of nodes[1] and again of nodes[2]",
    ],
    ["one parent twice", good({ nodes: [{}, { children: [0, 0] }] }), "again of nodes[1]"],
    ["a scene out of range", good({ scene: 5 }), "scene is 5; an index below 1"],
    [
      "a scene of inner nodes",
      good({ nodes: [{}, { children: [0] }] }),
      "lists node 0, a child of node 1",
    ],
    [
      "a rotation of length 0",
      node({ rotation: [0, 0, 0, 0] }),
      "nodes[0].rotation has no usable length",
    ],
    [
      "a translation of two numbers",
      node({ translation: [1, 2] }),
      "nodes[0].translation must be 3 finite numbers",
    ],
    ["a scale that is text", node({ scale: "big" }), "nodes[0].scale must be 3 finite numbers"],
    [
      "a number beyond float32",
      node({ translation: [1e300, 0, 0] }),
      "nodes[0].translation must be 3 finite numbers",
    ],
    [
      "a projective matrix",
      node({ matrix: [1, 0, 0, 1, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1] }),
      "last row other than 0 0 0 1",
    ],
    ["a joint out of range", good({ skins: [{ joints: [9] }] }), "skins[0].joints[0] is 9"],
    [
      "a channel without a path",
      channel({ target: { node: 0 } }),
      "channels[0].target.path is missing",
    ],
    [
      "a sampler out of range",
      channel({ sampler: 3 }),
      "channels[0].sampler is 3; an index below 1",
    ],
    ["a target out of range", channel({ target: { node: 3, path: "scale" } }), "target.node is 3"],
    [
      "one target twice",
      animation({
        channels: [0, 1].map(() => ({ sampler: 0, target: { node: 0, path: "scale" } })),
      }),
      "animates the scale of node 0 twice",
    ],
    [
      "an unknown interpolation",
      animation({ samplers: [{ input: 0, output: 1, interpolation: "SMOOTH" }] }),
      'interpolation is "SMOOTH"',
    ],
    [
      "an accessor out of range",
      animation({ samplers: [{ input: 0, output: 2 }] }),
      "samplers[0].output is 2; an index below 2",
    ],
    ["a missing input", animation({ samplers: [{ output: 1 }] }), "samplers[0].input is missing"],
    [
      "an unknown component type",
      accessor({ componentType: 5130 }),
      "componentType 5130 does not exist",
    ],
    ["a matrix accessor", accessor({ type: "MAT4" }), "accessors[1].type must be"],
    [
      "quaternions for a translation",
      accessor({ type: "VEC4", count: 2, bufferView: 1 }),
      "needs 32 bytes of bufferViews[1], which has 24",
    ],
    ["a scalar for a translation", accessor({ type: "SCALAR" }), "the type must be VEC3"],
    ["normalised floats", accessor({ normalized: true }), "normalized must not be true"],
    ["a count of zero", accessor({ count: 0 }), "accessors[1].count is 0"],
    [
      "more values than keys",
      accessor({ count: 3 }),
      "has 3 values for 2 keys (LINEAR); 2 are right",
    ],
    [
      "a count beyond its view",
      accessor({ count: 3 }, 0),
      "needs 12 bytes of bufferViews[0], which has 8",
    ],
    [
      "an offset beyond its view",
      accessor({ byteOffset: 4 }),
      "needs 28 bytes of bufferViews[1], which has 24",
    ],
    ["a negative offset", accessor({ byteOffset: -4 }), "byteOffset is -4"],
    [
      "a view beyond its buffer",
      view({ byteOffset: 12 }),
      "bufferViews[1] ends at byte 36 of a buffer of 32",
    ],
    ["a view of no buffer", view({ buffer: 1 }), "bufferViews[1].buffer is 1"],
    [
      "a stride below an element",
      view({ byteStride: 4 }),
      "byteStride is 4; a whole number of at least 12",
    ],
    ["a stride beyond the view", view({ byteStride: 252 }), "needs 264 bytes"],
    ["sparse without values", sparse({ values: undefined }), "must have count, indices and values"],
    [
      "more sparse values than elements",
      sparse({ count: 3 }),
      "sparse.count is 3; the accessor has 2",
    ],
    [
      "sparse indices of a wrong type",
      sparse({ indices: { bufferView: 2, componentType: 5126 } }),
      "must be 5121, 5123 or 5125",
    ],
    [
      "sparse indices out of range",
      sparse({ count: 1, indices: { bufferView: 0, componentType: 5125, byteOffset: 4 } }),
      "index 0 is 1065353216",
    ],
    [
      "sparse indices that fall",
      sparse({ indices: { bufferView: 2, componentType: 5121 } }),
      "indices must rise",
    ],
  ];
  test.each(cases)("%s", async (_, asset, message) => {
    const fault = await refusal(toGlb(asset));
    expect(fault.code).toBe("CLIP_INVALID");
    expect(fault.message).toContain(message);
  });

  const keys: readonly (readonly [string, readonly AccessorSpec[], string])[] = [
    [
      "falling times",
      [times(1, 0), positions],
      "key times must rise strictly; key 1 at 0 s follows 1 s",
    ],
    ["equal times", [times(1, 1), positions], "key times must rise strictly"],
    ["a time that is NaN", [times(0, Number.NaN), positions], "key time 1 is NaN s"],
    [
      "a time at the end of the universe",
      [times(0, 1e30), positions],
      "times within ±1000000000 s are right",
    ],
    ["times that are vectors", [positions, positions], "holds key times and must be SCALAR"],
    [
      "a value that is Infinity",
      [
        times(0, 1),
        { ...positions, data: new Float32Array([1, 2, 3, 4, Number.POSITIVE_INFINITY, 6]) },
      ],
      "value 1 is not finite",
    ],
  ];
  test.each(keys)("%s", async (_, accessors, message) => {
    expect((await refusal(toGlb(good({}, accessors)))).message).toContain(message);
  });

  test("rotation keys of length 0", async () => {
    const rotations: AccessorSpec = {
      data: new Float32Array([0, 0, 0, 1, 0, 0, 0, 0]),
      type: "VEC4",
    };
    const asset = makeAsset([times(0, 1), rotations], animate("rotation", "STEP"));
    expect((await refusal(toGlb(asset))).message).toContain(
      "the rotation of node 0: key 1 has no usable length",
    );
  });
});

describe("bombs", () => {
  test("JSON nested a million deep", async () => {
    const text = `{"asset":{"version":"2.0"},"extras":${"[".repeat(1_000_000)}${"]".repeat(1_000_000)}}`;
    expect((await refusal(new TextEncoder().encode(text))).code).toBe("CLIP_INVALID");
  });

  test("text that is not UTF-8", async () => {
    expect((await refusal(new Uint8Array([0x7b, 0xff, 0xfe, 0x7d]))).message).toContain(
      "the JSON cannot be read",
    );
  });

  test("a chain of 200,000 nodes, and as many side by side", async () => {
    const chain = Array.from({ length: 200_000 }, (_, i) => (i === 0 ? {} : { children: [i - 1] }));
    expect(
      (await refusal(toGlb(good({ nodes: chain, scenes: [{ nodes: [199_999] }] })))).code,
    ).toBe("CLIP_TOO_LARGE");
    const flat = [
      { children: Array.from({ length: 200_000 }, (_, i) => i + 1) },
      ...Array.from({ length: 200_000 }, () => ({})),
    ];
    expect((await refusal(toGlb(good({ nodes: flat })))).code).toBe("CLIP_TOO_LARGE");
  });

  test("a billion zeros declared without data", async () => {
    const asset = good();
    const accessors = asset.json["accessors"] as Json[];
    accessors[0] = { componentType: 5126, type: "SCALAR", count: 1e9 };
    expect((await refusal(toGlb(asset))).code).toBe("CLIP_TOO_LARGE");
    accessors[0] = { componentType: 5126, type: "SCALAR", count: 1000 };
    expect((await refusal(toGlb(asset))).message).toContain("key times must rise strictly");
  });

  test("one accessor of 20,000 keys for each of 1,000 nodes", async () => {
    const keyTimes = Float32Array.from({ length: 20_000 }, (_, i) => i);
    const rotations = Float32Array.from({ length: 80_000 }, (_, i) => (i % 4 === 3 ? 1 : 0));
    const nodes = Array.from({ length: 1_000 }, () => ({}));
    const asset = makeAsset(
      [
        { data: keyTimes, type: "SCALAR" },
        { data: rotations, type: "VEC4" },
      ],
      {
        nodes,
        animations: [
          {
            samplers: [{ input: 0, output: 1 }],
            channels: nodes.map((_, node) => ({ sampler: 0, target: { node, path: "rotation" } })),
          },
        ],
      },
    );
    const before = process.memoryUsage().rss;
    expect((await refusal(toGlb(asset))).code).toBe("CLIP_TOO_LARGE");
    // Unbounded it would take 320 MB.
    expect(process.memoryUsage().rss - before).toBeLessThan(100e6);
  });

  test("more keys than allowed", async () => {
    const limits = { ...DEFAULT_CLIP_LIMITS, maxKeys: 1 };
    expect((await refusal(toGlb(good()), limits)).code).toBe("CLIP_TOO_LARGE");
  });

  test.each([
    ["data:application/octet-stream;base64", "data URI without base64"],
    ["data:text/plain,hello", "data URI without base64"],
    ["data:application/octet-stream;base64,????", "not valid base64"],
    ["data:application/octet-stream;base64,AAAA", "declares 32 bytes and has 3"],
  ])("the data URI %s", async (uri, message) => {
    expect((await refusal(toGltf(good(), uri))).message).toContain(message);
  });
});
