/** The few ways in which the pages touch the document. */

/** The element with this id, of this class; a page without it is a mistake in the page. */
export function byId<T extends Element>(id: string, type: new () => T): T {
  const found = document.getElementById(id);
  if (found instanceof type) return found;
  throw new Error(`assertion failed: the page has no ${type.name} with id "${id}"`);
}

/** Makes an HTML element with attributes and children; text is always text, never markup. */
export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Readonly<Record<string, string>> = {},
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** Makes an SVG element with attributes and children. */
export function svg(
  tag: "g" | "line" | "path" | "text" | "rect",
  attributes: Readonly<Record<string, string | number>> = {},
  ...children: readonly (Node | string)[]
): SVGElement {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, String(value));
  made.append(...children);
  return made;
}

/** Sets text only where it changes, so that selections and screen readers are left in peace. */
export function setText(target: Element, text: string): void {
  if (target.textContent !== text) target.textContent = text;
}

export type Tone = "good" | "warn" | "bad" | "none";

/** Shows a message box with this text, or hides it where there is none. */
export function showMessage(box: HTMLElement, text: string, tone: Tone = "bad"): void {
  box.hidden = text === "";
  box.dataset["tone"] = tone;
  setText(box, text);
}
