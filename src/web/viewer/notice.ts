/** What is said in the middle of the page when there is nothing to watch: what happened, and the ways on. */
import type { Clip } from "../../client/wire.ts";
import { byId, element, setText } from "../shared/dom.ts";

export interface NoticeAction {
  readonly label: string;
  readonly run?: () => void;
  readonly href?: string;
}

export interface NoticeText {
  readonly title: string;
  readonly text: string;
  /** Clips to start a session from. */
  readonly clips?: readonly Clip[];
  readonly hrefOfClip?: (clip: string) => string;
  readonly actions: readonly NoticeAction[];
}

/** Clips offered; the status page has the others. */
const OFFERED_CLIPS = 8;

export function showNotice({ title, text, clips = [], hrefOfClip, actions }: NoticeText): void {
  setText(byId("notice-title", HTMLElement), title);
  setText(byId("notice-text", HTMLElement), text);
  const list = byId("notice-clips", HTMLElement);
  const offered = hrefOfClip
    ? clips.filter((clip) => clip.error === undefined).slice(0, OFFERED_CLIPS)
    : [];
  list.hidden = offered.length === 0;
  list.replaceChildren(
    ...offered.map(({ name }) =>
      element(
        "li",
        {},
        element("a", { class: "button", href: hrefOfClip?.(name) ?? "/", title: name }, name),
      ),
    ),
  );
  byId("notice-actions", HTMLElement).replaceChildren(
    ...actions.map(({ label, href, run }, index) => {
      const look = index === 0 && offered.length === 0 ? "button primary" : "button";
      if (href !== undefined) return element("a", { class: look, href }, label);
      const button = element("button", { class: look, type: "button" }, label);
      if (run) button.addEventListener("click", run);
      return button;
    }),
  );
  byId("notice", HTMLElement).hidden = false;
}

export function hideNotice(): void {
  byId("notice", HTMLElement).hidden = true;
}
