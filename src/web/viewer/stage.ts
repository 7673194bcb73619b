/** The 3D scene: camera, light, floor and the streamed skeleton, scaled so that every figure is about as tall as a person. */
import {
  DirectionalLight,
  Group,
  HemisphereLight,
  PCFShadowMap,
  PerspectiveCamera,
  Scene,
  Timer,
  Vector3,
  WebGLRenderer,
} from "three";
import { OrbitControls } from "three/addons/controls/OrbitControls.js";
import type { SkeletonBinding } from "../../client/three.ts";
import type { Skeleton } from "../../client/wire.ts";
import { type BonePiece, shapeBones } from "./bone-shapes.ts";
import { type Figure, floorOf, type Joint, measureFigure, type UpAxis } from "./framing.ts";
import { Ground, SHADOW_REACH } from "./ground.ts";
import type { Palette } from "./palette.ts";
import { SkeletonMesh } from "./skeleton-mesh.ts";

/** Height of every figure in scene units: metres, if it were a person. */
const FIGURE_HEIGHT = 1.75;
/** Time constants of the camera's and the floor's ease, seconds. */
const FOLLOW_S = 0.12;
const FLOOR_S = 0.4;
const SUN_FROM = new Vector3(2.2, 5, 2.8);

interface Shown {
  readonly binding: SkeletonBinding;
  readonly skeleton: Skeleton;
  readonly bind: readonly Joint[];
  figure: Figure;
  mesh: SkeletonMesh;
  pieces: readonly BonePiece[];
  /** Lowest joint so far along the up axis, in the clip's units. */
  lowest: number;
}

export interface Insets {
  readonly topPx: number;
  readonly bottomPx: number;
}

export class Stage {
  follow = true;
  readonly #canvas: HTMLCanvasElement;
  readonly #renderer: WebGLRenderer;
  readonly #scene = new Scene();
  readonly #camera = new PerspectiveCamera(32, 1, 0.02, 80);
  readonly #controls: OrbitControls;
  readonly #sun: DirectionalLight;
  readonly #sky: HemisphereLight;
  readonly #ground: Ground;
  /** Turns the clip's up to Y, its size to a person's, its floor to zero. */
  readonly #world = new Group();
  readonly #timer = new Timer();
  readonly #middle = new Vector3();
  readonly #scratch = new Vector3();
  #palette: Palette;
  #upChoice: UpAxis | "found" = "found";
  #shown: Shown | undefined;
  #framed = false;
  #insets: Insets = { topPx: 0, bottomPx: 0 };

  /** Throws where the browser gives no WebGL. */
  constructor(canvas: HTMLCanvasElement, palette: Palette) {
    this.#canvas = canvas;
    this.#palette = palette;
    this.#renderer = new WebGLRenderer({ canvas, antialias: true, alpha: true });
    this.#renderer.shadowMap.enabled = true;
    this.#renderer.shadowMap.type = PCFShadowMap;
    this.#ground = new Ground(palette.ground);
    this.#sky = new HemisphereLight();
    this.#sun = new DirectionalLight(0xffffff);
    this.#addShadow();
    this.#scene.add(this.#world, this.#ground.group, this.#sky, this.#sun, this.#sun.target);
    this.#controls = new OrbitControls(this.#camera, canvas);
    this.#controls.enableDamping = true;
    this.#controls.dampingFactor = 0.12;
    this.#controls.minDistance = 0.3;
    this.#controls.maxDistance = 14;
    // Just short of looking up through the floor.
    this.#controls.maxPolarAngle = 0.53 * Math.PI;
    this.#controls.zoomToCursor = true;
    this.colour(palette);
    new ResizeObserver(() => this.#resize()).observe(canvas);
    this.#resize();
  }

  #addShadow(): void {
    const { shadow } = this.#sun;
    this.#sun.castShadow = true;
    shadow.mapSize.set(1024, 1024);
    shadow.radius = 3;
    shadow.bias = -0.0004;
    shadow.normalBias = 0.004;
    const reach = SHADOW_REACH;
    Object.assign(shadow.camera, {
      left: -reach,
      right: reach,
      top: reach,
      bottom: -reach,
      near: 1,
      far: 12,
    });
  }

  colour(palette: Palette): void {
    this.#palette = palette;
    this.#sky.color.setHex(palette.sky);
    this.#sky.groundColor.setHex(palette.earth);
    this.#sky.intensity = palette.ambient;
    this.#sun.intensity = palette.sun;
    this.#ground.colour(palette.ground);
    this.#shown?.mesh.colour(palette.sides);
  }

  /** Keeps the figure in the part of the window that the panels leave free. */
  inset(insets: Insets): void {
    this.#insets = insets;
    this.#resize();
  }

  /** Shows a skeleton instead of the one before; its bones must be in their bind pose. */
  show(binding: SkeletonBinding, skeleton: Skeleton): void {
    this.#shown?.mesh.dispose();
    this.#world.clear();
    this.#world.add(binding.root);
    this.#setWorld(1, "y", 0);
    const bind = this.#joints(binding, skeleton);
    const figure = measureFigure(bind, bind);
    const { mesh, pieces } = this.#build(binding, skeleton, figure);
    this.#shown = { binding, skeleton, bind, figure, mesh, pieces, lowest: 0 };
    this.#framed = false;
  }

  #build(binding: SkeletonBinding, skeleton: Skeleton, { size }: Figure) {
    const shapes = shapeBones(skeleton, size);
    const mesh = new SkeletonMesh(binding.bones, shapes, this.#palette.sides);
    mesh.group.visible = false;
    this.#scene.add(mesh.group);
    return { mesh, pieces: shapes.pieces };
  }

  /** Which axis is up: found from the skeleton, or said. Answers what holds now. */
  nextUp(): UpAxis | "found" {
    this.#upChoice = this.#upChoice === "found" ? "y" : this.#upChoice === "y" ? "z" : "found";
    this.#framed = false;
    return this.#upChoice;
  }

  /** Draws one picture; `update` of the binding is called first. */
  render(nowMs: number): void {
    this.#timer.update(nowMs);
    const seconds = Math.min(this.#timer.getDelta(), 0.1);
    const shown = this.#shown;
    if (shown?.binding.update(nowMs)) {
      if (!this.#framed) this.#firstFrame(shown);
      this.#settle(shown, seconds);
      shown.mesh.update();
      shown.mesh.group.visible = true;
    }
    this.#controls.update();
    this.#renderer.render(this.#scene, this.#camera);
  }

  /** The first frame settles what the bind pose left open, and where the camera looks. */
  #firstFrame(shown: Shown): void {
    this.#setWorld(1, "y", 0);
    const found = measureFigure(shown.bind, this.#joints(shown.binding, shown.skeleton));
    const up = this.#upChoice === "found" ? found.up : this.#upChoice;
    if (found.size !== shown.figure.size) {
      shown.mesh.dispose();
      Object.assign(shown, this.#build(shown.binding, shown.skeleton, found));
    }
    shown.figure = { up, size: found.size };
    shown.lowest = this.#lowest(shown);
    this.#setWorld(FIGURE_HEIGHT / found.size, up, floorOf(shown.lowest, found.size));
    this.#middle.copy(this.#centre(shown));
    this.#framed = true;
    this.frame();
  }

  /** Floor, camera, light and grid go after the figure. */
  #settle(shown: Shown, seconds: number): void {
    const { up, size } = shown.figure;
    shown.lowest = Math.min(shown.lowest, this.#lowest(shown));
    const scale = FIGURE_HEIGHT / size;
    const floor = -this.#world.position.y / scale;
    const wanted = floorOf(shown.lowest, size);
    this.#setWorld(scale, up, floor + (wanted - floor) * (1 - Math.exp(-seconds / FLOOR_S)));
    const centre = this.#centre(shown);
    const ease = 1 - Math.exp(-seconds / FOLLOW_S);
    // A loop's seam or a seek may put the figure metres away: then the camera goes at once.
    const isJump = this.#middle.distanceTo(centre) > 2 * FIGURE_HEIGHT;
    this.#scratch
      .copy(centre)
      .sub(this.#middle)
      .multiplyScalar(isJump ? 1 : ease);
    this.#middle.add(this.#scratch);
    if (this.follow) {
      this.#scratch.y = 0;
      this.#controls.target.add(this.#scratch);
      this.#camera.position.add(this.#scratch);
    }
    this.#sun.target.position.set(this.#middle.x, 0.6, this.#middle.z);
    this.#sun.position.copy(this.#sun.target.position).add(SUN_FROM);
    this.#ground.centre(this.follow ? this.#middle : this.#controls.target);
  }

  /** Looks at the whole figure from the front, a little from the side and from above. */
  frame(): void {
    const half = (this.#camera.fov * Math.PI) / 360;
    const { clientWidth, clientHeight } = this.#canvas;
    const free = Math.max(0.35, 1 - (this.#insets.topPx + this.#insets.bottomPx) / clientHeight);
    const aspect = clientWidth / (clientHeight * free);
    const tall = FIGURE_HEIGHT * 1.2;
    const wide = FIGURE_HEIGHT * 0.86;
    const distance = Math.max(tall, wide / aspect) / (2 * Math.tan(half) * free);
    const target = this.#controls.target.set(this.#middle.x, FIGURE_HEIGHT * 0.5, this.#middle.z);
    this.#camera.position.set(0.52, 0.24, 1).setLength(distance).add(target);
    this.#controls.update();
  }

  /** World positions of all joints in scene units, x y z each. */
  positions(): readonly number[] {
    const bones = this.#shown?.binding.bones ?? [];
    return bones.flatMap((bone) => this.#scratch.setFromMatrixPosition(bone.matrixWorld).toArray());
  }

  /** The figure as it was found, for whoever checks. */
  get figure(): Figure | undefined {
    return this.#shown?.figure;
  }

  #joints({ bones }: SkeletonBinding, { bone_names: names }: Skeleton): readonly Joint[] {
    return bones.map((bone, index) => ({
      name: names[index] ?? "",
      position: new Vector3().setFromMatrixPosition(bone.matrixWorld),
    }));
  }

  /** Mean of the joints that are drawn; scene roots on the floor would pull it down. */
  #centre({ binding, pieces }: Shown): Vector3 {
    const mean = new Vector3();
    const joints = new Set(pieces.map((piece) => piece.from));
    for (const index of joints) {
      const bone = binding.bones[index];
      if (bone) mean.add(this.#scratch.setFromMatrixPosition(bone.matrixWorld));
    }
    return mean.divideScalar(Math.max(1, joints.size));
  }

  /** The lowest joint along the up axis, in the clip's units. */
  #lowest({ binding, figure, pieces }: Shown): number {
    const scale = this.#world.scale.x;
    const floorY = this.#world.position.y;
    const isIdentity = scale === 1 && this.#world.rotation.x === 0;
    const drawn = new Set(
      pieces.flatMap(({ from, to }) => (to === undefined ? [from] : [from, to])),
    );
    let lowest = Number.POSITIVE_INFINITY;
    for (const index of drawn) {
      const bone = binding.bones[index];
      if (!bone) continue;
      const { y, z } = this.#scratch.setFromMatrixPosition(bone.matrixWorld);
      lowest = Math.min(lowest, isIdentity && figure.up === "z" ? z : (y - floorY) / scale);
    }
    return Number.isFinite(lowest) ? lowest : 0;
  }

  #setWorld(scale: number, up: UpAxis, floor: number): void {
    this.#world.scale.setScalar(scale);
    this.#world.rotation.set(up === "z" ? -Math.PI / 2 : 0, 0, 0);
    this.#world.position.set(0, -floor * scale, 0);
    this.#world.updateMatrixWorld(true);
  }

  #resize(): void {
    const { clientWidth: width, clientHeight: height } = this.#canvas;
    if (width === 0 || height === 0) return;
    this.#renderer.setPixelRatio(Math.min(devicePixelRatio, 2));
    this.#renderer.setSize(width, height, false);
    this.#camera.aspect = width / height;
    const shiftPx = (this.#insets.bottomPx - this.#insets.topPx) / 2;
    this.#camera.setViewOffset(width, height, 0, shiftPx, width, height);
    this.#camera.updateProjectionMatrix();
  }
}
