/** The floor: a grid that fades out with distance, and a plane that shows nothing but shadow. */
import {
  Color,
  Group,
  Mesh,
  PlaneGeometry,
  ShaderMaterial,
  ShadowMaterial,
  type Vector3,
} from "three";

export interface GroundColours {
  readonly line: number;
  readonly strongLine: number;
  readonly shadowOpacity: number;
}

/** Distance at which the grid has faded out, scene units (the figure is about 1.7 tall). */
const REACH = 9;
/** Where the sun's shadow is computed; the plane that receives it need not be larger. */
export const SHADOW_REACH = 1.9;

const VERTEX = `
varying vec2 place;
void main() {
  vec4 world = modelMatrix * vec4(position, 1.0);
  place = world.xz;
  gl_Position = projectionMatrix * viewMatrix * world;
}`;

/** Lines one pixel wide at any distance: the derivative of the place tells how far apart two pixels are. */
const FRAGMENT = `
varying vec2 place;
uniform vec2 middle;
uniform vec3 line;
uniform vec3 strongLine;
uniform float reach;

float lines(float spacing, float widthPx) {
  vec2 cell = place / spacing;
  vec2 apart = abs(fract(cell - 0.5) - 0.5) / fwidth(cell);
  float density = clamp(1.0 - 2.0 * max(fwidth(cell).x, fwidth(cell).y), 0.0, 1.0);
  return (1.0 - smoothstep(widthPx * 0.5, widthPx * 0.5 + 1.0, min(apart.x, apart.y))) * density;
}

void main() {
  float fade = 1.0 - smoothstep(0.15, 1.0, distance(place, middle) / reach);
  float fine = lines(0.5, 0.6);
  float strong = lines(2.5, 1.0);
  float cover = max(fine * 0.5, strong * 0.85) * fade;
  gl_FragColor = vec4(mix(line, strongLine, strong), cover);
  #include <colorspace_fragment>
}`;

export class Ground {
  readonly group = new Group();
  readonly #grid: ShaderMaterial;
  readonly #shadow: ShadowMaterial;

  constructor(colours: GroundColours) {
    const plane = new PlaneGeometry(2 * REACH, 2 * REACH).rotateX(-Math.PI / 2);
    this.#grid = new ShaderMaterial({
      vertexShader: VERTEX,
      fragmentShader: FRAGMENT,
      uniforms: {
        middle: { value: { x: 0, y: 0 } },
        line: { value: new Color() },
        strongLine: { value: new Color() },
        reach: { value: REACH },
      },
      transparent: true,
      depthWrite: false,
    });
    this.#shadow = new ShadowMaterial({ depthWrite: false });
    const patch = new PlaneGeometry(2 * SHADOW_REACH, 2 * SHADOW_REACH).rotateX(-Math.PI / 2);
    const shadow = new Mesh(patch, this.#shadow);
    shadow.receiveShadow = true;
    shadow.renderOrder = 1;
    this.group.add(new Mesh(plane, this.#grid), shadow);
    this.colour(colours);
  }

  colour({ line, strongLine, shadowOpacity }: GroundColours): void {
    this.#grid.uniforms["line"]?.value.setHex(line);
    this.#grid.uniforms["strongLine"]?.value.setHex(strongLine);
    this.#shadow.opacity = shadowOpacity;
  }

  /** Moves the visible part to below `middle`; the lines stay where they are in the world. */
  centre(middle: Vector3): void {
    this.group.position.set(middle.x, 0, middle.z);
    Object.assign(this.#grid.uniforms["middle"]?.value ?? {}, { x: middle.x, y: middle.z });
  }
}
