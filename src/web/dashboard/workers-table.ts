/** The threads that run sessions: how busy and how punctual. */
import type { WorkerStatus } from "../../client/wire.ts";
import { element } from "../shared/dom.ts";
import { count, figure, milliseconds } from "../shared/format.ts";

interface TickCount {
  readonly atMs: number;
  readonly count: number;
}

export class WorkersTable {
  readonly #rows: HTMLTableSectionElement;
  #before: readonly TickCount[] = [];

  constructor(rows: HTMLTableSectionElement) {
    this.#rows = rows;
  }

  show(workers: readonly WorkerStatus[], nowMs: number): void {
    this.#rows.replaceChildren(
      ...workers.map(({ place, sessions, ticks }, index) => {
        const before = this.#before[index];
        const perSecond =
          before && ticks.count >= before.count && nowMs > before.atMs
            ? ((ticks.count - before.count) * 1000) / (nowMs - before.atMs)
            : 0;
        const cells = [
          count(sessions),
          figure(perSecond),
          count(ticks.late),
          milliseconds(ticks.lateness_mean_ms),
          milliseconds(ticks.lateness_max_ms),
        ];
        return element(
          "tr",
          {},
          element(
            "th",
            { scope: "row" },
            `${place === "pool" ? "Pool" : "Dedicated"} ${index + 1}`,
          ),
          ...cells.map((text) => element("td", { class: "number" }, text)),
        );
      }),
    );
    this.#before = workers.map(({ ticks }) => ({ atMs: nowMs, count: ticks.count }));
  }
}
