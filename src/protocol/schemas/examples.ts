/** The two-bone skeleton and its layout that the document shows, over REST and over the socket alike. */
import type { z } from "zod";
import type { layoutSchema, skeletonSchema } from "./session.ts";

const SOURCE = {
  clip: "walk.bvh",
  take: "take_0",
  takes: ["take_0"],
  start_s: 0,
  duration_s: 2.64,
  frame_rate_hz: 120,
  frame_count: 318,
  warnings: [],
};

export const SKELETON_EXAMPLE: z.infer<typeof skeletonSchema> = {
  type: "SKELETON_DEF",
  bone_names: ["hips", "spine"],
  parents: [-1, 0],
  bind_pose: {
    positions: [
      [0, 96, 0],
      [0, 12, 0],
    ],
    rotations: [
      [0, 0, 0, 1],
      [0, 0, 0, 1],
    ],
    scales: [
      [1, 1, 1],
      [1, 1, 1],
    ],
  },
  animator: "FK",
  source: SOURCE,
};

export const LAYOUT_EXAMPLE: z.infer<typeof layoutSchema> = {
  variant: "f32.local.row",
  frame_bytes: 128,
  fields: [
    {
      name: "local_matrices",
      offset_bytes: 0,
      dtype: "f32",
      shape: [2, 4, 4],
      axes: "bone, row, column",
    },
  ],
  names: ["hips", "spine"],
  header: { form: "none", bytes: 0, fields: [] },
  endianness: "little",
};
