/** Draws bones as tapered bipyramids, skulls as eggs and joints as balls: three instanced meshes, whatever the number of bones. */
import {
  type Bone,
  BufferGeometry,
  Color,
  Float32BufferAttribute,
  Group,
  InstancedMesh,
  Matrix4,
  MeshStandardMaterial,
  Quaternion,
  SphereGeometry,
  Vector3,
} from "three";
import type { BonePiece, BoneShapes, Side } from "./bone-shapes.ts";

export type SideColours = Readonly<Record<Side, number>>;

interface PieceMesh {
  readonly pieces: readonly BonePiece[];
  readonly mesh: InstancedMesh;
}

interface Look {
  readonly flatShading: boolean;
  readonly roughness: number;
}

const FACETED: Look = { flatShading: true, roughness: 0.62 };
const ROUND: Look = { flatShading: false, roughness: 0.5 };
const WHITE = new Color(0xffffff);
const UP = new Vector3(0, 1, 0);
/** Where along a bone it is widest. */
const SHOULDER = 0.16;

export class SkeletonMesh {
  readonly group = new Group();
  readonly #bones: readonly Bone[];
  readonly #shapes: BoneShapes;
  readonly #limbs: PieceMesh;
  readonly #skulls: PieceMesh;
  readonly #balls: InstancedMesh;
  readonly #matrix = new Matrix4();
  readonly #turn = new Quaternion();
  readonly #end = new Vector3();
  readonly #scale = new Vector3();
  readonly #zero = new Vector3();

  constructor(bones: readonly Bone[], shapes: BoneShapes, colours: SideColours) {
    this.#bones = bones;
    this.#shapes = shapes;
    const limbs = shapes.pieces.filter(({ isSkull }) => !isSkull);
    const skulls = shapes.pieces.filter(({ isSkull }) => isSkull);
    this.#limbs = { pieces: limbs, mesh: newInstances(limbGeometry(), limbs.length, FACETED) };
    this.#skulls = { pieces: skulls, mesh: newInstances(skullGeometry(), skulls.length, ROUND) };
    this.#balls = newInstances(new SphereGeometry(1, 14, 10), bones.length, ROUND);
    this.group.add(this.#limbs.mesh, this.#skulls.mesh, this.#balls);
    this.colour(colours);
  }

  colour(colours: SideColours): void {
    const colour = new Color();
    for (const { pieces, mesh } of [this.#limbs, this.#skulls]) {
      pieces.forEach(
        ({ side }, index) => void mesh.setColorAt(index, colour.setHex(colours[side])),
      );
    }
    this.#shapes.sides.forEach((side, index) => {
      this.#balls.setColorAt(index, colour.setHex(colours[side]).lerp(WHITE, 0.28));
    });
    for (const { instanceColor } of this.#meshes)
      if (instanceColor) instanceColor.needsUpdate = true;
  }

  get #meshes(): readonly InstancedMesh[] {
    return [this.#limbs.mesh, this.#skulls.mesh, this.#balls];
  }

  /** Takes over where the bones are; their world matrices must be up to date. */
  update(): void {
    for (const { pieces, mesh } of [this.#limbs, this.#skulls]) {
      pieces.forEach((piece, index) => this.#place(piece, mesh, index));
    }
    this.#bones.forEach((bone, index) => {
      const radius = this.#shapes.ballRadius[index] ?? 0;
      this.#matrix.makeScale(radius, radius, radius).premultiply(bone.matrixWorld);
      this.#balls.setMatrixAt(index, this.#matrix);
    });
    for (const { instanceMatrix } of this.#meshes) instanceMatrix.needsUpdate = true;
  }

  #place(piece: BonePiece, mesh: InstancedMesh, index: number): void {
    const bone = this.#bones[piece.from];
    if (!bone) return;
    const child = piece.to === undefined ? undefined : this.#bones[piece.to];
    // A clip may stretch a bone: its end is where the child is now.
    if (child) this.#end.setFromMatrixPosition(child.matrix);
    else this.#end.copy(piece.end);
    const length = this.#end.length();
    if (length > 0) this.#turn.setFromUnitVectors(UP, this.#end.divideScalar(length));
    this.#scale.set(piece.radius, length, piece.radius);
    this.#matrix.compose(this.#zero, this.#turn, this.#scale).premultiply(bone.matrixWorld);
    mesh.setMatrixAt(index, this.#matrix);
  }

  dispose(): void {
    this.group.removeFromParent();
    for (const mesh of this.#meshes) {
      mesh.geometry.dispose();
      mesh.dispose();
    }
  }
}

function newInstances(geometry: BufferGeometry, count: number, look: Look): InstancedMesh {
  const mesh = new InstancedMesh(
    geometry,
    new MeshStandardMaterial({ metalness: 0, ...look }),
    count,
  );
  mesh.castShadow = true;
  mesh.receiveShadow = true;
  // The instances move every frame; bounding them would cost more than drawing them.
  mesh.frustumCulled = false;
  return mesh;
}

/** Two six-sided pyramids base to base, from (0,0,0) to (0,1,0), one unit wide to each side at the shoulder. */
function limbGeometry(): BufferGeometry {
  const bottom = [0, 0, 0];
  const top = [0, 1, 0];
  const ring = Array.from({ length: 6 }, (_, corner) => {
    const angle = (corner * Math.PI) / 3;
    return [Math.cos(angle), SHOULDER, Math.sin(angle)];
  });
  const faces = ring.flatMap((corner, index) => {
    const next = ring[(index + 1) % ring.length] ?? corner;
    return [bottom, corner, next, top, next, corner];
  });
  const geometry = new BufferGeometry();
  geometry.setAttribute("position", new Float32BufferAttribute(faces.flat(), 3));
  geometry.computeVertexNormals();
  return geometry;
}

/** An egg a little longer than its bone, one unit wide to each side. */
function skullGeometry(): BufferGeometry {
  return new SphereGeometry(1, 28, 20).scale(1, 0.57, 1).translate(0, 0.52, 0);
}
