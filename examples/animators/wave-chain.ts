/**
 * An animator in one file: a chain of bones that waves. Run it with
 *
 *   soma serve --plugin examples/animators/wave-chain.ts
 *   curl -X POST localhost:8080/sessions -H 'content-type: application/json' \
 *        -d '{"session_id": "chain", "session_type": "WaveChain"}'
 *
 * and look at http://localhost:8080/view/chain. It needs nothing but this file.
 */
const BONES = 12;
const LENGTH_M = 0.15;

function create() {
  let timeS = 0;
  let amplitudeRad = 0.35;

  return {
    /** The heavy work goes here; `sourcePath` is the file named by the client, "" if none. */
    initialize(_sourcePath: string): void {
      timeS = 0;
    },

    getSkeleton() {
      const bones = Array.from({ length: BONES }, (_, bone) => bone);
      return {
        type: "SKELETON_DEF",
        bone_names: bones.map((bone) => `Link${bone}`),
        parents: bones.map((bone) => bone - 1),
        bind_pose: {
          positions: bones.map((bone) => [0, bone === 0 ? 0.1 : LENGTH_M, 0]),
          rotations: bones.map(() => [0, 0, 0, 1]),
          scales: bones.map(() => [1, 1, 1]),
        },
      };
    },

    getMemorySize(): number {
      return BONES * 64;
    },

    /** One row-major 4×4 local matrix per bone: a rotation about Z, and the bone's offset at 3, 7, 11. */
    writeFrameToBuffer(view: DataView, offset: number, dt: number, playbackSpeed: number): void {
      timeS += dt * playbackSpeed;
      for (let bone = 0; bone < BONES; bone++) {
        const angle = amplitudeRad * Math.sin(2 * timeS - 0.6 * bone);
        const c = Math.cos(angle);
        const s = Math.sin(angle);
        const y = bone === 0 ? 0.1 : LENGTH_M;
        const matrix = [c, -s, 0, 0, s, c, 0, y, 0, 0, 1, 0, 0, 0, 0, 1];
        matrix.forEach((value, at) => view.setFloat32(offset + (bone * 16 + at) * 4, value, true));
      }
    },

    getTime: () => timeS,

    /** `POST /sessions/chain/commands/amplitude {"radians": 0.5}`, or `{"type":"amplitude","radians":0.5}` on the socket. */
    commands: {
      amplitude(value: Record<string, unknown>) {
        const radians = Number(value["radians"]);
        if (!(radians >= 0 && radians <= 1))
          throw new RangeError("radians must be between 0 and 1");
        amplitudeRad = radians;
        return { radians };
      },
    },
  };
}

export default { name: "WaveChain", create };
