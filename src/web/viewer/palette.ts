/** The scene's colours in light and dark; left and right are told apart by hue and by lightness. */

import type { GroundColours } from "./ground.ts";
import type { SideColours } from "./skeleton-mesh.ts";

export interface Palette {
  readonly sides: SideColours;
  readonly ground: GroundColours;
  readonly sky: number;
  readonly earth: number;
  readonly ambient: number;
  readonly sun: number;
}

export const LIGHT: Palette = {
  sides: { left: 0x2f8f9d, right: 0xe08a3c, middle: 0x5b6b86 },
  ground: { line: 0xbfc6d0, strongLine: 0xa0aab7, shadowOpacity: 0.26 },
  sky: 0xffffff,
  earth: 0xc9cdd4,
  ambient: 1.7,
  sun: 2.3,
};

export const DARK: Palette = {
  sides: { left: 0x4fc3cf, right: 0xf2a65a, middle: 0xa9b6cc },
  ground: { line: 0x333c47, strongLine: 0x465160, shadowOpacity: 0.55 },
  sky: 0xdfe8ff,
  earth: 0x20262e,
  ambient: 1.1,
  sun: 2.2,
};
