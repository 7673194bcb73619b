/** The figures at the top: the rate seen, frames lost, their age, and how the connection is. */
import type { StreamStatus } from "../../client/socket-link.ts";
import type { Stream } from "../../client/stream.ts";
import { byId, setText, type Tone } from "../shared/dom.ts";
import { count, figure, milliseconds } from "../shared/format.ts";

const SHOW_EVERY_MS = 250;
/** Weight of the newest frame's age in the figure shown. */
const AGE_EASE = 0.2;

export class Figures {
  readonly #rate = byId("rate", HTMLElement);
  readonly #lost = byId("lost", HTMLElement);
  readonly #age = byId("age", HTMLElement);
  readonly #state = byId("state", HTMLElement);
  #ageMs: number | undefined;
  #shownMs = 0;

  showBones(boneCount: number): void {
    setText(byId("bones", HTMLElement), count(boneCount));
  }

  /** Follows the age of each frame; once per stream. */
  follow(stream: Stream): void {
    stream.onFrame(() => {
      const { ageMs } = stream.stats;
      if (ageMs !== undefined)
        this.#ageMs = ageMs * AGE_EASE + (this.#ageMs ?? ageMs) * (1 - AGE_EASE);
    });
  }

  /** Called once per drawn picture; shows four times a second. */
  show(stream: Stream, nowMs: number): void {
    if (nowMs - this.#shownMs < SHOW_EVERY_MS) return;
    this.#shownMs = nowMs;
    const { rateHz, framesLost } = stream.stats;
    setText(this.#rate, `${figure(rateHz)} fps`);
    setText(this.#lost, count(framesLost));
    this.#lost.dataset["tone"] = framesLost > 0 ? "bad" : "none";
    setText(this.#age, this.#ageMs === undefined ? "–" : milliseconds(Math.max(0, this.#ageMs)));
    if (stream.status.state === "open")
      this.showState(stream.frame?.paused ? "Paused" : "Live", "good");
  }

  showStatus({ state, reason, retryInMs }: StreamStatus): void {
    switch (state) {
      case "connecting":
        this.showState("Connecting", "warn");
        break;
      case "open":
        this.showState("Live", "good");
        break;
      case "waiting": {
        const seconds = Math.max(1, Math.round((retryInMs ?? 0) / 1000));
        this.showState(`Reconnecting in ${seconds} s`, "warn", reason?.message);
        break;
      }
      case "closed":
        this.showState("Ended", "bad", reason?.message);
        break;
    }
  }

  showState(text: string, tone: Tone, why = ""): void {
    setText(this.#state, text);
    this.#state.dataset["tone"] = tone;
    this.#state.title = why;
  }
}
