/** Bodies and answers of the session routes. */
import { z } from "zod";
import { DTYPES, HEADERS, ORDERS, SPACES } from "../layouts.ts";
import { RESERVED_IDS, sessionId } from "./common.ts";

const newSessionId = sessionId
  .refine((id) => !RESERVED_IDS.includes(id), {
    message: `must not be one of ${RESERVED_IDS.join(", ")}`,
  })
  .meta({ not: { enum: RESERVED_IDS } });

/** `{engine, id?, options}`: one alternative per engine, so that the document shows each engine's options. */
export function createBody(engines: readonly { name: string; options: z.ZodType }[]): z.ZodType {
  const own = engines.map((engine) =>
    z
      .strictObject({
        engine: z.literal(engine.name),
        id: newSessionId.optional(),
        options: engine.options.optional(),
      })
      .meta({ title: `engine ${engine.name}` }),
  );
  const [first, ...rest] = [...own, seedCreateBody];
  return z.union([first ?? seedCreateBody, ...rest]).meta({ id: "CreateSession" });
}

const otherForm = z
  .never({ error: "goes with {engine, id?, options}; GET /status lists the engines" })
  .optional()
  .describe("Only in the other form.");

/** The animation seed's form, with its aliases. Other keys are ignored, as the origin does. */
export const seedCreateBody = z
  .object({
    session_id: newSessionId.optional(),
    id: newSessionId.optional().describe("Alias of session_id."),
    session_type: z.string().min(1).max(64).optional().describe("Animator; FK where absent."),
    animation_file: z.string().min(1).max(512).optional(),
    file: z.string().min(1).max(512).optional().describe("Alias of animation_file."),
    take: z.union([z.string().min(1).max(256), z.int().min(0).max(9999)]).optional(),
    // Keeps a mistake in the other form from being read as this one, with half of it ignored.
    engine: otherForm,
    options: otherForm,
  })
  .refine((body) => body.session_id !== undefined || body.id !== undefined, {
    message: "name the session: session_id",
    path: ["session_id"],
  })
  .meta({
    title: "The animation seed's form",
    anyOf: [{ required: ["session_id"] }, { required: ["id"] }],
  });

export type SeedCreateBody = z.infer<typeof seedCreateBody>;

export const createdSchema = z
  .object({ status: z.literal("created"), session_id: z.string() })
  .meta({ id: "Created" });
export const deletedSchema = z
  .object({ status: z.literal("deleted"), session_id: z.string() })
  .meta({ id: "Deleted" });

export const clientSchema = z.object({
  id: z.int(),
  header: z.enum(HEADERS),
  frames_sent: z.int(),
  frames_lost: z.int(),
  congested: z
    .boolean()
    .describe(
      "Whether the client is behind: its frames are dropped until it has read what it was sent.",
    ),
});

const summary = {
  session_id: z.string(),
  engine: z.string(),
  state: z.enum(["opening", "running", "failed", "ended"]),
  created_at: z.number().describe("Unix time, milliseconds."),
  clients: z.int(),
  frames: z.int().describe("Number of the newest frame (u32)."),
  frames_sent: z.int().describe("Frames sent to all its clients, those that left included."),
  frames_lost: z.int().describe("Frames its clients missed."),
  fps: z.number(),
  error: z
    .object({ code: z.string(), message: z.string() })
    .optional()
    .describe("Why the session failed."),
};

export const sessionSummarySchema = z.object(summary).meta({ id: "SessionSummary" });
export const sessionListSchema = z
  .object({ sessions: z.array(sessionSummarySchema) })
  .meta({ id: "SessionList" });
export const sessionDetailSchema = z
  .object({
    ...summary,
    resumed: z
      .int()
      .describe("How often the session went on in another worker after its own died."),
    place: z.enum(["pool", "dedicated"]),
    streams: z.array(clientSchema).describe("One entry per connected client."),
    details: z
      .record(z.string(), z.unknown())
      .describe(
        "What the engine says of itself: for animation paused, speed, fps, time_s, source.",
      ),
  })
  .meta({ id: "SessionDetail" });

const triples = z.array(z.array(z.number()));

export const skeletonSchema = z
  .object({
    type: z.literal("SKELETON_DEF"),
    bone_names: z.array(z.string()),
    parents: z.array(z.int()).describe("Index of each bone's parent, -1 for a root."),
    bind_pose: z.object({
      positions: triples,
      rotations: triples.describe("Quaternions x, y, z, w."),
      scales: triples,
    }),
    animator: z.string(),
    source: z
      .object({
        clip: z.string(),
        take: z.string(),
        takes: z.array(z.string()),
        start_s: z
          .number()
          .describe("Time of the first moment; positions count from the file's own 0."),
        duration_s: z.number(),
        frame_rate_hz: z.number().optional(),
        frame_count: z.int().optional(),
        warnings: z.array(z.string()),
      })
      .optional(),
  })
  .describe("The skeleton, in the order of the matrices.")
  .meta({ id: "Skeleton" });

export const layoutSchema = z
  .object({
    variant: z.string(),
    frame_bytes: z.int(),
    fields: z.array(
      z.object({
        name: z.string(),
        offset_bytes: z.int(),
        dtype: z.enum(["f32", "f64", "f16", "u8", "u16", "u32"]),
        shape: z.array(z.int()),
        axes: z.string(),
      }),
    ),
    names: z.array(z.string()).optional(),
    header: z.object({
      form: z.enum(HEADERS),
      bytes: z.int(),
      fields: z.array(z.object({ name: z.string(), offset_bytes: z.int(), dtype: z.string() })),
    }),
    endianness: z.literal("little"),
  })
  .meta({ id: "Layout" });

/** How a client wants its frames. */
export const formQuery = z.object({
  dtype: z.enum(DTYPES).default("f32").describe("Element type of the matrices."),
  space: z.enum(SPACES).default("local").describe("Relative to the parent bone, or to the world."),
  order: z.enum(ORDERS).default("row").describe("Memory order of each matrix."),
  header: z
    .enum(HEADERS)
    .default("none")
    .describe("Bytes before each frame: none, 32 (soma) or 12 (moma)."),
});

export type FormQuery = z.infer<typeof formQuery>;

export const animationsSchema = z
  .object({
    animations: z.array(z.string()).describe("Names, for animation_file."),
    clips: z.array(
      z.object({
        name: z.string(),
        format: z.enum(["bvh", "gltf", "glb", "fbx"]),
        bytes: z.int(),
        modified_at: z.number().describe("Unix time, milliseconds."),
        bones: z.int().optional(),
        takes: z
          .array(
            z.object({
              name: z.string(),
              duration_s: z.number(),
              frame_rate_hz: z.number().optional(),
            }),
          )
          .optional(),
        error: z.string().optional().describe("Why the file cannot be played."),
      }),
    ),
  })
  .meta({ id: "Animations" });

/** What every command answers; each command adds its own fields. */
export const commandAnswerSchema = z
  .looseObject({ status: z.string(), session_id: z.string() })
  .meta({ id: "CommandAnswer" });
