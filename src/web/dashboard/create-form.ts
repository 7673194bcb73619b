/** The form that starts a session. */
import type { Clip, CreateSession } from "../../client/wire.ts";
import { byId, element, setText, showMessage } from "../shared/dom.ts";
import { inWords } from "../shared/page-server.ts";

export interface CreateFormOptions {
  /** Starts the session; answers its id. */
  readonly create: (request: CreateSession) => Promise<string>;
}

export class CreateForm {
  readonly #options: CreateFormOptions;
  readonly #clip = byId("clip", HTMLSelectElement);
  readonly #take = byId("take", HTMLSelectElement);
  readonly #takeField = byId("take-field", HTMLElement);
  readonly #name = byId("name", HTMLInputElement);
  readonly #fps = byId("fps", HTMLInputElement);
  readonly #button = byId("create-button", HTMLButtonElement);
  readonly #message = byId("created", HTMLElement);
  #clips: readonly Clip[] = [];

  constructor(options: CreateFormOptions) {
    this.#options = options;
    this.#clip.addEventListener("change", () => this.#showTakes());
    byId("create", HTMLFormElement).addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#submit();
    });
  }

  /** Offers the clips that can be played. */
  offer(clips: readonly Clip[]): void {
    const chosen = this.#clip.value;
    this.#clips = clips.filter((clip) => clip.error === undefined);
    const names = this.#clips.map((clip) => clip.name);
    this.#clip.replaceChildren(...names.map((name) => element("option", { value: name }, name)));
    if (names.includes(chosen)) this.#clip.value = chosen;
    this.#showTakes();
  }

  #showTakes(): void {
    const takes = this.#clips.find((clip) => clip.name === this.#clip.value)?.takes ?? [];
    this.#takeField.hidden = takes.length < 2;
    this.#take.replaceChildren(
      ...takes.map((take, index) => element("option", { value: String(index) }, take.name)),
    );
  }

  async #submit(): Promise<void> {
    const id = this.#name.value.trim();
    const request: CreateSession = {
      ...(id === "" ? {} : { id }),
      options: {
        file: this.#clip.value,
        fps: this.#fps.valueAsNumber,
        ...(this.#takeField.hidden ? {} : { take: Number(this.#take.value) }),
      },
    };
    this.#button.disabled = true;
    setText(this.#button, "Starting …");
    try {
      const started = await this.#options.create(request);
      showMessage(this.#message, "", "good");
      this.#message.hidden = false;
      const link = element("a", { href: `/view/${encodeURIComponent(started)}` }, "Watch it");
      this.#message.append(element("strong", {}, started), " runs. ", link);
      this.#name.value = "";
    } catch (error) {
      showMessage(this.#message, inWords(error));
    } finally {
      this.#button.disabled = false;
      setText(this.#button, "Start session");
    }
  }
}
