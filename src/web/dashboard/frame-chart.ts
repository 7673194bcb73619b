/** Frames sent and lost per second over the last two minutes, as a small picture. */
import { element, svg } from "../shared/dom.ts";
import { count, figure } from "../shared/format.ts";

export interface RatePoint {
  readonly atMs: number;
  readonly sentHz: number;
  readonly lostHz: number;
}

const SPAN_MS = 120_000;
/** Room for the scale's figures above the lines, and for the time below. */
const TOP = 18;
const BOTTOM = 20;

export class FrameChart {
  readonly #box: HTMLElement;
  readonly #picture: SVGElement;
  readonly #summary = element("p", { class: "visually-hidden" });
  #points: RatePoint[] = [];

  constructor(box: HTMLElement) {
    this.#box = box;
    const picture = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    picture.setAttribute("aria-hidden", "true");
    this.#picture = picture;
    box.append(picture, this.#summary);
    new ResizeObserver(() => this.#draw()).observe(box);
  }

  add(point: RatePoint): void {
    this.#points = [
      ...this.#points.filter(({ atMs }) => atMs > point.atMs - SPAN_MS - 2_000),
      point,
    ];
    this.#draw();
  }

  #draw(): void {
    const { width, height } = this.#box.getBoundingClientRect();
    if (width === 0 || height === 0) return;
    const points = this.#points;
    const endMs = points.at(-1)?.atMs ?? 0;
    const highest = points.reduce((most, point) => Math.max(most, point.sentHz + point.lostHz), 0);
    const full = roundUp(highest);
    const bottom = height - BOTTOM;
    const x = (atMs: number): number => width - ((endMs - atMs) / SPAN_MS) * width;
    const y = (hz: number): number => bottom - (hz / full) * (bottom - TOP);
    const steps = points.map(
      (point) => `${x(point.atMs).toFixed(1)} ${y(point.sentHz).toFixed(1)}`,
    );
    const first = points[0];
    const line = steps.length > 1 ? `M${steps.join("L")}` : "";
    const area = line && first ? `${line}V${bottom}H${x(first.atMs).toFixed(1)}Z` : "";
    this.#picture.setAttribute("viewBox", `0 0 ${width} ${height}`);
    this.#picture.replaceChildren(
      ...[full, full / 2, 0].flatMap((hz) => [
        svg("line", { class: "grid", x1: 0, x2: width, y1: y(hz), y2: y(hz) }),
        svg("text", { x: 0, y: y(hz) - 4 }, hz === 0 ? "" : figureOf(hz)),
      ]),
      svg("text", { x: 0, y: height - 3 }, "2 min ago"),
      svg("text", { x: width, y: height - 3, "text-anchor": "end" }, "now"),
      svg("path", { class: "area", d: area }),
      ...points
        .filter(({ lostHz }) => lostHz > 0)
        .map((point) => {
          const top = y(point.sentHz + point.lostHz);
          return svg("rect", {
            class: "lost",
            x: x(point.atMs) - 2,
            y: top,
            width: 4,
            height: Math.max(2, y(point.sentHz) - top),
          });
        }),
      svg("path", { class: "line", d: line }),
    );
    const newest = points.at(-1);
    this.#summary.textContent = newest
      ? `Now ${figure(newest.sentHz)} frames per second sent and ${figure(newest.lostHz)} lost; at most ${figure(highest)} in two minutes.`
      : "";
  }
}

function figureOf(hz: number): string {
  return Number.isInteger(hz) ? count(hz) : String(hz);
}

/** The next of 10, 20, 50, 100, … that is not below `value`. */
function roundUp(value: number): number {
  let step = 10;
  for (let at = 0; step < value; at++) step *= at % 3 === 1 ? 2.5 : 2;
  return step;
}
