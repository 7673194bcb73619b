/**
 * Byte layouts of everything binary that leaves the server. Depends on nothing, so the SDK reads the same file.
 * All numbers are little-endian.
 */

// ---- frame header -------------------------------------------------------------------------------------------

/** Version byte of the header; rises when its layout changes. */
export const FRAME_HEADER_VERSION = 1;

/** "SOMA" read as a little-endian u32. */
export const FRAME_MAGIC = 0x414d4f53;
export const FRAME_HEADER_BYTES = 32;

/** Byte offsets in the 32-byte header that `?header=soma` puts before each frame. */
export const FRAME_HEADER = {
  magic: 0, //          u32
  version: 4, //        u8
  kind: 5, //           u8, FRAME_KIND
  flags: 6, //          u16, FRAME_FLAG
  epoch: 8, //          u32: rises when the layout of this stream changes or its engine restarted
  sequence: 12, //      u32: rises by one per produced frame, wraps at 2³²
  captureUs: 16, //     f64: Unix time of the frame, microseconds
  payloadBytes: 24, //  u32
  mediaTimeS: 28, //    f32: position in the clip, seconds
} as const;

export const FRAME_KIND = { pose: 1 } as const;
export const FRAME_FLAG = { paused: 1, discontinuity: 2 } as const;

/** The 12-byte header of the origin's first server: u32 magic, u32 frame number, u32 character count. */
export const MOMA_MAGIC = 0xbaddf00d;
export const MOMA_HEADER_BYTES = 12;
export const MOMA_HEADER = { magic: 0, frame: 4, characters: 8 } as const;

export interface FrameHeader {
  version: number;
  kind: number;
  flags: number;
  epoch: number;
  sequence: number;
  captureUs: number;
  payloadBytes: number;
  mediaTimeS: number;
}

/** Reads the soma header at the start of `view`, or answers undefined where there is none. */
export function readFrameHeader(view: DataView): FrameHeader | undefined {
  if (
    view.byteLength < FRAME_HEADER_BYTES ||
    view.getUint32(FRAME_HEADER.magic, true) !== FRAME_MAGIC
  )
    return undefined;
  return {
    version: view.getUint8(FRAME_HEADER.version),
    kind: view.getUint8(FRAME_HEADER.kind),
    flags: view.getUint16(FRAME_HEADER.flags, true),
    epoch: view.getUint32(FRAME_HEADER.epoch, true),
    sequence: view.getUint32(FRAME_HEADER.sequence, true),
    captureUs: view.getFloat64(FRAME_HEADER.captureUs, true),
    payloadBytes: view.getUint32(FRAME_HEADER.payloadBytes, true),
    mediaTimeS: view.getFloat32(FRAME_HEADER.mediaTimeS, true),
  };
}

export function writeFrameHeader(view: DataView, header: FrameHeader): void {
  view.setUint32(FRAME_HEADER.magic, FRAME_MAGIC, true);
  view.setUint8(FRAME_HEADER.version, header.version);
  view.setUint8(FRAME_HEADER.kind, header.kind);
  view.setUint16(FRAME_HEADER.flags, header.flags, true);
  view.setUint32(FRAME_HEADER.epoch, header.epoch, true);
  view.setUint32(FRAME_HEADER.sequence, header.sequence, true);
  view.setFloat64(FRAME_HEADER.captureUs, header.captureUs, true);
  view.setUint32(FRAME_HEADER.payloadBytes, header.payloadBytes, true);
  view.setFloat32(FRAME_HEADER.mediaTimeS, header.mediaTimeS, true);
}

// ---- pose variants ------------------------------------------------------------------------------------------

export const DTYPES = ["f32", "f64", "f16"] as const;
export const SPACES = ["local", "global"] as const;
export const ORDERS = ["row", "column"] as const;
export const HEADERS = ["none", "soma", "moma"] as const;

export type Dtype = (typeof DTYPES)[number];
export type Space = (typeof SPACES)[number];
export type Order = (typeof ORDERS)[number];
export type HeaderForm = (typeof HEADERS)[number];

/** The form a client wants its matrices in. The default is the seed's: float32, local, row-major, no header. */
export interface PoseForm {
  readonly dtype: Dtype;
  readonly space: Space;
  readonly order: Order;
}

export const DEFAULT_POSE_FORM: PoseForm = { dtype: "f32", space: "local", order: "row" };

export const DTYPE_BYTES: Readonly<Record<Dtype, number>> = { f32: 4, f64: 8, f16: 2 };

/** A pose form as one word, e.g. `f32.local.row`: the name of a frame variant. */
export function poseVariant(form: PoseForm): string {
  return `${form.dtype}.${form.space}.${form.order}`;
}

export const POSE_VARIANTS: readonly string[] = DTYPES.flatMap((dtype) =>
  SPACES.flatMap((space) => ORDERS.map((order) => poseVariant({ dtype, space, order }))),
);

export function parsePoseVariant(variant: string): PoseForm | undefined {
  const [dtype, space, order] = variant.split(".");
  const form = {
    dtype: DTYPES.find((name) => name === dtype),
    space: SPACES.find((name) => name === space),
    order: ORDERS.find((name) => name === order),
  };
  return form.dtype && form.space && form.order
    ? { dtype: form.dtype, space: form.space, order: form.order }
    : undefined;
}

/** Bytes of one frame's payload: one 4×4 matrix per bone. */
export function posePayloadBytes(boneCount: number, dtype: Dtype): number {
  return boneCount * 16 * DTYPE_BYTES[dtype];
}

// ---- layouts as data ----------------------------------------------------------------------------------------

/** One field of a frame: what a program needs to map the bytes without a parser. */
export interface LayoutField {
  readonly name: string;
  readonly offsetBytes: number;
  readonly dtype: Dtype | "u8" | "u16" | "u32";
  /** Empty for a scalar; `[bones, 4, 4]` for matrices. */
  readonly shape: readonly number[];
  /** What each axis of the shape counts, outermost first. */
  readonly axes: string;
}

/** What `GET /sessions/{id}/layout` answers for one variant. */
export interface Layout {
  readonly variant: string;
  readonly frameBytes: number;
  readonly fields: readonly LayoutField[];
  /** Names of the first axis of each field, where it has names: bones for poses. */
  readonly names?: readonly string[];
}
