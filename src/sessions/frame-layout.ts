/** What each byte of a client's frames is, header included. */
import type { z } from "zod";
import { Fault } from "../core/fault.ts";
import {
  FRAME_HEADER,
  FRAME_HEADER_BYTES,
  type HeaderForm,
  MOMA_HEADER,
  MOMA_HEADER_BYTES,
  poseVariant,
} from "../protocol/layouts.ts";
import type { FormQuery, layoutSchema } from "../protocol/schemas/session.ts";
import type { Session } from "./session.ts";

const HEADER_FIELDS: Readonly<
  Record<HeaderForm, { bytes: number; fields: Record<string, number> }>
> = {
  none: { bytes: 0, fields: {} },
  soma: { bytes: FRAME_HEADER_BYTES, fields: FRAME_HEADER },
  moma: { bytes: MOMA_HEADER_BYTES, fields: MOMA_HEADER },
};
const HEADER_DTYPES: Readonly<Record<string, string>> = {
  version: "u8",
  kind: "u8",
  flags: "u16",
  captureUs: "f64",
  mediaTimeS: "f32",
};

/** The layout a client with this query gets, header included; offsets of fields count from the end of the header. */
export function layoutOf(session: Session, query: FormQuery): z.infer<typeof layoutSchema> {
  const variant = poseVariant(query);
  const layout = session.layouts[variant];
  if (!layout)
    throw new Fault(
      "NOT_ACCEPTABLE",
      `this session has no ${variant}`,
      Object.keys(session.layouts),
    );
  const header = HEADER_FIELDS[query.header];
  return {
    variant,
    frame_bytes: header.bytes + layout.frameBytes,
    fields: layout.fields.map(({ name, offsetBytes, dtype, shape, axes }) => ({
      name,
      offset_bytes: offsetBytes,
      dtype,
      shape: [...shape],
      axes,
    })),
    ...(layout.names ? { names: [...layout.names] } : {}),
    header: {
      form: query.header,
      bytes: header.bytes,
      fields: Object.entries(header.fields).map(([name, offsetBytes]) => ({
        name: snakeCase(name),
        offset_bytes: offsetBytes,
        dtype: HEADER_DTYPES[name] ?? "u32",
      })),
    },
    endianness: "little",
  };
}

/** JSON names are written in snake case, as the seed's are. */
function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
