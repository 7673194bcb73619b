/** The frame layouts of an animation session: one matrix per bone, in every form a client may ask for. */
import {
  type Layout,
  ORDERS,
  POSE_VARIANTS,
  parsePoseVariant,
  posePayloadBytes,
} from "../../protocol/layouts.ts";

export function poseLayouts(boneNames: readonly string[]): Readonly<Record<string, Layout>> {
  return Object.fromEntries(
    POSE_VARIANTS.map((variant) => [variant, poseLayout(variant, boneNames)]),
  );
}

function poseLayout(variant: string, boneNames: readonly string[]): Layout {
  const form = parsePoseVariant(variant);
  if (!form) throw new Error(`assertion failed: ${variant} is a pose variant`);
  const axes = form.order === ORDERS[0] ? "row, column" : "column, row";
  return {
    variant,
    frameBytes: posePayloadBytes(boneNames.length, form.dtype),
    fields: [
      {
        name: `${form.space}_matrices`,
        offsetBytes: 0,
        dtype: form.dtype,
        shape: [boneNames.length, 4, 4],
        axes: `bone, ${axes}`,
      },
    ],
    names: boneNames,
  };
}
