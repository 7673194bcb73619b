/** The clips of the server as links to the viewer, which starts a session for a clip by itself. */
import type { Clip, ClipTake } from "../../client/wire.ts";
import { element } from "../shared/dom.ts";
import { bytes, duration, figure, plural } from "../shared/format.ts";

/** Cards on the page; a folder may hold thousands, and the form lists them all. */
const SHOWN_CLIPS = 60;

export function clipCards(clips: readonly Clip[]): readonly HTMLLIElement[] {
  const playable = clips.filter((clip) => clip.error === undefined);
  const broken = clips.filter((clip) => clip.error !== undefined);
  return [...playable, ...broken].slice(0, SHOWN_CLIPS).map((clip) => {
    const facts = element("span", {}, clip.error ?? factsOf(clip));
    const name = element("strong", { title: clip.name }, clip.name);
    if (clip.error !== undefined)
      return element("li", {}, element("div", { class: "card broken" }, name, facts));
    return element(
      "li",
      {},
      element("a", { class: "card", href: viewerOf(clip.name) }, name, facts),
    );
  });
}

export function clipsNote(clips: readonly Clip[]): string {
  const rest = clips.length - SHOWN_CLIPS;
  return rest > 0
    ? `${SHOWN_CLIPS} of ${plural(clips.length, "clip")}`
    : plural(clips.length, "clip");
}

/** The viewer with a session named after the clip, made when it is not there yet. */
export function viewerOf(clip: string): string {
  const id = clip
    .replace(/\.\w+$/, "")
    .replaceAll(/[^A-Za-z0-9_-]+/g, "-")
    .slice(0, 64);
  return `/view/${id === "" ? "clip" : id}?file=${encodeURIComponent(clip)}`;
}

function factsOf({ takes = [], bones, bytes: size }: Clip): string {
  const [take] = takes;
  return [
    ...(take ? [takes.length > 1 ? plural(takes.length, "take") : lengthOf(take)] : []),
    ...(bones === undefined ? [] : [plural(bones, "bone")]),
    bytes(size),
  ].join(" · ");
}

function lengthOf({ duration_s: seconds }: ClipTake): string {
  return seconds < 60 ? `${figure(seconds)} s` : duration(seconds);
}
