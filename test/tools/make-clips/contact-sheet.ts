/**
 * Draws a clip as a contact sheet, so that a person can judge it: rows are views, columns are moments.
 * `bun test/tools/make-clips/contact-sheet.ts clip.bvh sheet.png [columns] [fromS] [toS]`; needs chromium (or $CHROMIUM) on the machine.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { add, clamp, rotate, type Vec3 } from "./math.ts";
import { positionCm, type ReadClip, readClip, rotationOf } from "./read-clip.ts";

const CELL_WIDTH_PX = 150;
const CELL_HEIGHT_PX = 250;
const PX_PER_CM = 1.22;
const FLOOR_PX = 228;
const SWAY_CM = 12;

interface View {
  readonly name: string;
  /** Where the camera stands, degrees from the front (+Z) towards the body's left (+X). */
  readonly azimuthDeg: number;
}

const VIEWS: readonly View[] = [
  { name: "left", azimuthDeg: 90 },
  { name: "front", azimuthDeg: 0 },
  { name: "three-quarter", azimuthDeg: 40 },
];

type Point = readonly [x: number, y: number, depth: number];

/** Radii in centimetres at both ends of a bone's flesh, by the child's name. */
const FLESH: readonly (readonly [pattern: RegExp, from: number, to: number])[] = [
  [/Hand.*1$/, 2.4, 1.2],
  [/Hand(Thumb|Index|Middle|Ring|Pinky)/, 1, 0.85],
  [/UpLeg$/, 9, 8.5],
  [/Leg$/, 8, 5.6],
  [/Foot$/, 5.4, 3.6],
  [/ToeBase$/, 3.6, 2.4],
  [/Toe_End$/, 2.3, 1.4],
  [/ForeArm$/, 4.8, 3.9],
  [/Hand$/, 3.8, 2.6],
  [/Shoulder$/, 5.5, 5.5],
  [/Arm$/, 5.5, 5.2],
  [/Spine1?$/, 10.5, 10.5],
  [/Spine2$/, 11, 13.5],
  [/Neck$/, 12, 5.5],
  [/Head$/, 5.6, 5.4],
];

function colourOf(name: string, depth: number): string {
  const hue = name.startsWith("Left") ? 212 : name.startsWith("Right") ? 18 : 40;
  const saturation = /^(Left|Right)/.test(name) ? 55 : 12;
  const light = 46 + 16 * Math.max(-1, Math.min(1, depth / 45));
  return `hsl(${hue} ${saturation}% ${light.toFixed(1)}%)`;
}

/** The outline of two discs and what lies between them. */
function capsule(a: Point, b: Point, radiusA: number, radiusB: number, fill: string): string {
  const [ra, rb] = [radiusA * PX_PER_CM, radiusB * PX_PER_CM];
  const angle = Math.atan2(b[1] - a[1], b[0] - a[0]) + Math.PI / 2;
  const [nx, ny] = [Math.cos(angle), Math.sin(angle)];
  const corner = (p: Point, r: number, sign: number): string =>
    `${(p[0] + sign * nx * r).toFixed(1)},${(p[1] + sign * ny * r).toFixed(1)}`;
  const disc = (p: Point, r: number): string =>
    `<circle cx="${p[0].toFixed(1)}" cy="${p[1].toFixed(1)}" r="${r.toFixed(1)}"/>`;
  const hull = [corner(a, ra, 1), corner(b, rb, 1), corner(b, rb, -1), corner(a, ra, -1)];
  return `<g fill="${fill}">${disc(a, ra)}${disc(b, rb)}<polygon points="${hull.join(" ")}"/></g>`;
}

/** Cranium, jaw and nose; `a` is the joint at the base of the skull, `b` the crown. */
function skull(a: Point, b: Point, nose: Point): string {
  const along = (share: number, forward: number): Point => [
    a[0] + (b[0] - a[0]) * share + (nose[0] - a[0]) * forward,
    a[1] + (b[1] - a[1]) * share + (nose[1] - a[1]) * forward,
    (a[2] + b[2]) / 2,
  ];
  const fill = colourOf("Head", (a[2] + b[2]) / 2);
  const features = capsule(along(0.52, 0), along(0.1, 0.3), 8.8, 5.6, fill);
  const tip = along(0.28, 0.92);
  const mark = capsule(along(0.4, 0.6), tip, 1, 1.6, nose[2] >= a[2] - 1 ? "#6d5f50" : fill);
  return nose[2] >= a[2] ? features + mark : mark + features;
}

function figure(
  clip: ReadClip,
  frame: number,
  view: View,
  centreCm: readonly [number, number],
): string {
  const angle = (view.azimuthDeg * Math.PI) / 180;
  const project = ([worldX, y, worldZ]: Vec3): Point => {
    const x = worldX - centreCm[0];
    const z = worldZ - centreCm[1];
    return [
      CELL_WIDTH_PX / 2 + PX_PER_CM * (x * Math.cos(angle) - z * Math.sin(angle)),
      FLOOR_PX - PX_PER_CM * y,
      x * Math.sin(angle) + z * Math.cos(angle),
    ];
  };
  const points = clip.names.map((_, joint) => project(positionCm(clip, frame, joint)));
  const head = clip.names.indexOf("Head");
  const forward = rotate(rotationOf(clip, "worldRotations", frame, head), [0, 0, 11]);
  const noseAt = project(add(positionCm(clip, frame, head), forward));
  const shapes = clip.names.flatMap((name, joint) => {
    const a = points[clip.parents[joint] ?? -1];
    const b = points[joint];
    if (a === undefined || b === undefined) return [];
    const depth = (a[2] + b[2]) / 2;
    if (name === "HeadTop_End") return [{ depth: depth + 4, drawn: skull(a, b, noseAt) }];
    const [, from, to] = FLESH.find(([pattern]) => pattern.test(name)) ?? [/./, 4, 4];
    return [{ depth, drawn: capsule(a, b, from, to, colourOf(name, depth)) }];
  });
  return shapes
    .sort((one, other) => one.depth - other.depth)
    .map(({ drawn }) => drawn)
    .join("");
}

/** The sheet as an SVG document. */
function contactSheet(clip: ReadClip, columns: number, fromS: number, toS: number): string {
  const cells: string[] = [];
  for (let column = 0; column < columns; column += 1) {
    const timeS = fromS + ((toS - fromS) * column) / columns;
    const frame = Math.min(clip.frameCount - 1, Math.round(timeS * clip.rateHz));
    const [rootX, , rootZ] = positionCm(clip, frame, 0);
    // Small sways stay visible; a body that travels is followed.
    const centreCm = [
      rootX - clamp(rootX, -SWAY_CM, SWAY_CM),
      rootZ - clamp(rootZ, -SWAY_CM, SWAY_CM),
    ] as const;
    for (const [row, view] of VIEWS.entries()) {
      const shift = `translate(${column * CELL_WIDTH_PX} ${row * CELL_HEIGHT_PX})`;
      const body = figure(clip, frame, view, centreCm);
      cells.push(
        `<g transform="${shift}"><line x1="6" x2="${CELL_WIDTH_PX - 6}" y1="${FLOOR_PX}" y2="${FLOOR_PX}" stroke="#999"/>${body}` +
          `<text x="6" y="${CELL_HEIGHT_PX - 6}" font-size="11" font-family="sans-serif" fill="#555">${view.name} ${timeS.toFixed(2)} s</text></g>`,
      );
    }
  }
  const [width, height] = [columns * CELL_WIDTH_PX, VIEWS.length * CELL_HEIGHT_PX];
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"><rect width="100%" height="100%" fill="#f4f2ee"/>${cells.join("")}</svg>`;
}

async function screenshot(svg: string, pngPath: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "contact-sheet-"));
  try {
    const page = join(folder, "sheet.html");
    await Bun.write(page, `<!doctype html><style>body{margin:0}</style>${svg}`);
    const size = /width="(\d+)" height="(\d+)"/.exec(svg);
    const browser = Bun.spawn(
      [
        process.env["CHROMIUM"] ?? "chromium",
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-background-networking",
        "--hide-scrollbars",
        `--user-data-dir=${folder}`,
        `--window-size=${size?.[1]},${size?.[2]}`,
        `--screenshot=${pngPath}`,
        `file://${page}`,
      ],
      { stdout: "ignore", stderr: "ignore" },
    );
    const code = await browser.exited;
    if (code !== 0 || !(await Bun.file(pngPath).exists())) {
      throw new Error(`chromium ended with ${code} and made no picture`);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

if (import.meta.main) {
  const [clipPath, pngPath, columns, fromS, toS] = process.argv.slice(2);
  if (clipPath === undefined || pngPath === undefined) {
    process.stderr.write(
      "usage: contact-sheet.ts clip.(bvh|glb) sheet.png [columns] [fromS] [toS]\n",
    );
    process.exit(2);
  }
  const clip = await readClip(clipPath);
  const until = toS === undefined ? clip.durationS : Number(toS);
  const svg = contactSheet(clip, Number(columns ?? 14), Number(fromS ?? 0), until);
  await screenshot(svg, pngPath);
  process.stdout.write(`${pngPath}: ${clip.names.length} joints, ${clip.durationS.toFixed(2)} s\n`);
}
