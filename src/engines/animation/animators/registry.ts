/** The built-in animators by session type. A new one is a file here and a line below. */
import type { AnimatorDefinition } from "../animator.ts";

export const BUILT_IN_ANIMATORS: Readonly<Record<string, () => Promise<AnimatorDefinition>>> = {
  FK: async () => (await import("./fk.ts")).fkAnimator,
};
