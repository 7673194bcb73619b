/**
 * What a client receives is right: poses of the running binary, fetched over HTTP at the times an independent float64 evaluator
 * listed, compared bone by bone. Tolerances are the product's contract (share of the skeleton's extent); float32 costs about 1e-7.
 */
import { expect } from "bun:test";
import { readFileSync } from "node:fs";
import { gltfNodeNames } from "../tools/gltf-node-names.ts";
import { describeWith, requiredData, testWith } from "../tools/requirement.ts";
import { startBinary } from "../tools/running-binary.ts";

interface Oracle {
  readonly clip: string;
  readonly reference: string;
  readonly tolerance: number;
  readonly take?: number;
}

const ORACLES: readonly Oracle[] = [
  { clip: "bvh/07_01.bvh", reference: "bvh.07_01", tolerance: 1e-5 },
  { clip: "gltf/CesiumMan.glb", reference: "gltf.CesiumMan.0", tolerance: 2e-6 },
  { clip: "gltf/box_animated.gltf", reference: "gltf.box_animated.0", tolerance: 2e-6 },
  {
    clip: "gltf/interpolation_test.gltf",
    reference: "gltf.interpolation_test.0",
    take: 0,
    tolerance: 2e-6,
  },
  {
    clip: "gltf/interpolation_test.gltf",
    reference: "gltf.interpolation_test.1",
    take: 1,
    tolerance: 2e-6,
  },
  {
    clip: "gltf/interpolation_test.gltf",
    reference: "gltf.interpolation_test.2",
    take: 2,
    tolerance: 2e-6,
  },
];

interface Description {
  readonly names?: readonly string[];
  readonly times?: readonly number[];
  readonly frames?: readonly number[];
  readonly frameTime?: number;
}

const needed = [
  { data: "animation/reference" },
  { data: "animation/bvh" },
  { data: "animation/gltf" },
];

describeWith(needed, "poses over the wire", () => {
  for (const { clip, reference, tolerance, take } of ORACLES) {
    testWith(
      needed,
      `${reference}: within ${tolerance} of its extent at every listed time`,
      async () => {
        const folder = requiredData("animation");
        const description: Description = JSON.parse(
          readFileSync(`${folder}/reference/${reference}.json`, "utf8"),
        );
        const file = readFileSync(`${folder}/reference/${reference}.f32`);
        const expected = new Float32Array(file.buffer, file.byteOffset, file.byteLength / 4);
        const times =
          description.times ??
          description.frames?.map((frame) => frame * (description.frameTime ?? 0)) ??
          [];
        expect(times.length).toBeGreaterThan(10);
        await using soma = await startBinary({ args: ["--clips", folder] });
        const options = { file: clip, paused: true, ...(take === undefined ? {} : { take }) };
        await soma.post("/sessions", { engine: "animation", id: "a", options });
        const names = (await soma.get("/sessions/a/skeleton")).body["bone_names"] as string[];
        const nodeNames = description.names ?? gltfNodeNames(`${folder}/${clip}`);
        const nodes = names.map((name) => nodeNames.indexOf(name));
        expect(nodes.every((node) => node >= 0)).toBe(true);

        let extent = 0;
        let worst = 0;
        for (const [at, time] of times.entries()) {
          expect(await soma.post("/sessions/a/seek", { time })).toMatchObject({ status: 200 });
          const frame = await fetch(
            `${soma.url}/sessions/a/frame?space=global&order=column&dtype=f64`,
          );
          const pose = new Float64Array(await frame.arrayBuffer());
          expect(pose.length).toBe(names.length * 16);
          const base = at * nodeNames.length * 16;
          for (const [bone, node] of nodes.entries()) {
            for (let element = 0; element < 16; element++) {
              const wanted = expected[base + node * 16 + element] ?? Number.NaN;
              worst = Math.max(worst, Math.abs(wanted - (pose[bone * 16 + element] ?? Number.NaN)));
              const origin = expected[base + (nodes[0] ?? 0) * 16 + element] ?? 0;
              if (element >= 12 && element < 15)
                extent = Math.max(extent, Math.abs(wanted - origin));
            }
          }
        }
        expect(worst / Math.max(1, extent)).toBeLessThan(tolerance);
      },
      60_000,
    );
  }

  testWith(needed, "FBX is refused clearly", async () => {
    await using soma = await startBinary({ args: ["--clips", requiredData("animation")] });
    const { status, body } = await soma.post("/sessions", {
      engine: "animation",
      options: { file: "fbx/run.fbx" },
    });
    expect(status).toBe(422);
    expect(body).toMatchObject({ error: { code: "CLIP_FORMAT_UNSUPPORTED" } });
  });
});
