/** Small good inputs for the C fuzz targets, so that they start inside the formats and not at their doors. */
import { crc32, deflateSync } from "node:zlib";
import { loadClip } from "../../src/engines/animation/clips/load-clip.ts";

const BVH = `HIERARCHY
ROOT Hips { OFFSET 0 1 0 CHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation
  JOINT Arm { OFFSET 10 0 0 CHANNELS 3 Zrotation Xrotation Yrotation End Site { OFFSET 0 5 0 } } }
MOTION
Frames: 3
Frame Time: 0.1
1 2 3 0 0 0 0 0 0
1 2 3 90 0 0 -15 0 0
1 2 4 90 5 0 90 0 180
`;

/** By target: the name of test/fuzz/<name>_fuzz.c. */
export async function fuzzSeeds(): Promise<Readonly<Record<string, readonly Uint8Array[]>>> {
  const clip = await loadClip({ bytes: new TextEncoder().encode(BVH), name: "seed.bvh" });
  return {
    clip: [new Uint8Array(clip.block).slice()],
    png: [storedPng({ colourType: 0, channels: 1 }), storedPng({ colourType: 6, channels: 4 })],
  };
}

/** A picture of 3 × 5 pixels as an encoder at compression level 0 writes it, each row with another filter (PNG, third edition, §9). */
function storedPng({ colourType, channels }: { colourType: number; channels: number }): Uint8Array {
  const [width, height] = [3, 5];
  const rows = Array.from({ length: height }, (_, y) => [
    y % 5,
    ...Array.from({ length: width * channels }, (_, x) => (x * 37 + y * 11) & 255),
  ]);
  const header = new Uint8Array([0, 0, 0, width, 0, 0, 0, height, 8, colourType, 0, 0, 0]);
  const data = deflateSync(new Uint8Array(rows.flat()), { level: 0 });
  const signature = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
  return new Uint8Array([
    ...signature,
    ...chunk("IHDR", header),
    ...chunk("IDAT", data),
    ...chunk("IEND", new Uint8Array()),
  ]);
}

function chunk(type: string, data: Uint8Array): Uint8Array {
  const body = new Uint8Array([...new TextEncoder().encode(type), ...data]);
  const bytes = new Uint8Array(8 + body.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, data.length);
  bytes.set(body, 4);
  view.setUint32(4 + body.length, crc32(body));
  return bytes;
}
