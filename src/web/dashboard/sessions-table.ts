/** The list of sessions: rows stay where they are while their figures change. */
import type { SessionSummary } from "../../client/wire.ts";
import { element, setText, type Tone } from "../shared/dom.ts";
import { count, figure } from "../shared/format.ts";

/** Rows on the page; the rest are counted, not shown. */
export const SHOWN_SESSIONS = 100;
/** How long the second press may take. */
const CONFIRM_MS = 4_000;

const TONES: Readonly<Record<SessionSummary["state"], Tone>> = {
  opening: "warn",
  running: "good",
  failed: "bad",
  ended: "none",
};

export interface SessionsTableOptions {
  readonly rows: HTMLTableSectionElement;
  readonly onDelete: (id: string) => Promise<void>;
}

export class SessionsTable {
  readonly #options: SessionsTableOptions;
  readonly #rows = new Map<string, SessionRow>();

  constructor(options: SessionsTableOptions) {
    this.#options = options;
  }

  show(sessions: readonly SessionSummary[]): void {
    const shown = sessions.slice(0, SHOWN_SESSIONS);
    const ids = new Set(shown.map((session) => session.session_id));
    for (const [id, row] of this.#rows) {
      if (ids.has(id)) continue;
      row.line.remove();
      this.#rows.delete(id);
    }
    for (const session of shown) {
      const id = session.session_id;
      let row = this.#rows.get(id);
      if (!row) {
        row = new SessionRow(id, this.#options.onDelete);
        this.#rows.set(id, row);
        this.#options.rows.append(row.line);
      }
      row.show(session);
    }
  }
}

class SessionRow {
  readonly line: HTMLTableRowElement;
  readonly #engine = element("span", { class: "engine" });
  readonly #state = element("span", { class: "pill" });
  readonly #reason = element("span", { class: "reason" });
  readonly #clients = element("td", { class: "number", "data-label": "Clients" });
  readonly #rate = element("td", { class: "number", "data-label": "Rate" });
  readonly #sent = element("td", { class: "number", "data-label": "Sent" });
  readonly #lost = element("td", { class: "number", "data-label": "Lost" });
  readonly #watch: HTMLAnchorElement;

  constructor(id: string, onDelete: (id: string) => Promise<void>) {
    const href = `/view/${encodeURIComponent(id)}`;
    this.#watch = element("a", { class: "button", href, "aria-label": `Watch ${id}` }, "Watch");
    this.line = element(
      "tr",
      { "data-session": id },
      element("td", {}, element("a", { class: "name", href, title: id }, id), this.#engine),
      element("td", {}, this.#state, this.#reason),
      this.#clients,
      this.#rate,
      this.#sent,
      this.#lost,
      element("td", {}, this.#watch, " ", deleteButton(id, onDelete)),
    );
  }

  show({ engine, state, clients, fps, frames_sent, frames_lost, error }: SessionSummary): void {
    setText(this.#engine, engine);
    setText(this.#state, state);
    this.#state.dataset["tone"] = TONES[state];
    setText(this.#reason, error?.message ?? "");
    setText(this.#clients, count(clients));
    setText(this.#rate, state === "running" ? `${figure(fps)} fps` : "–");
    this.#watch.hidden = state !== "running";
    setText(this.#sent, count(frames_sent));
    setText(this.#lost, count(frames_lost));
    this.#lost.classList.toggle("lossy", frames_lost > 0);
  }
}

/** Deleting takes two presses; the second within a few seconds. */
function deleteButton(id: string, onDelete: (id: string) => Promise<void>): HTMLButtonElement {
  const button = element(
    "button",
    { class: "button", type: "button", "aria-label": `Delete ${id}` },
    "Delete",
  );
  let timer: ReturnType<typeof setTimeout> | undefined;
  const arm = (isArmed: boolean): void => {
    clearTimeout(timer);
    timer = isArmed ? setTimeout(() => arm(false), CONFIRM_MS) : undefined;
    button.classList.toggle("danger", isArmed);
    button.textContent = isArmed ? "Really?" : "Delete";
    button.setAttribute("aria-label", isArmed ? `Really delete ${id}?` : `Delete ${id}`);
  };
  const remove = async (): Promise<void> => {
    arm(false);
    button.disabled = true;
    await onDelete(id);
    button.disabled = false;
  };
  button.addEventListener("click", () => {
    if (timer === undefined) arm(true);
    else void remove();
  });
  return button;
}
