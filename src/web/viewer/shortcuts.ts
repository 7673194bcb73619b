/** The keyboard. Keys that a focused control needs for itself are left to it. */

export type Shortcuts = Readonly<Record<string, (event: KeyboardEvent) => void>>;

/** Calls what belongs to a key: by `event.key`, letters in lower case. */
export function listenForShortcuts(shortcuts: Shortcuts): void {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || isTaken(event)) return;
    const action = shortcuts[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!action) return;
    event.preventDefault();
    action(event);
  });
}

function isTaken({ target, key }: KeyboardEvent): boolean {
  if (document.querySelector("dialog[open]")) return true;
  if (target instanceof HTMLSelectElement) return true;
  if (target instanceof HTMLInputElement)
    return key.startsWith("Arrow") || key === "Home" || key === "End";
  if (target instanceof HTMLButtonElement || target instanceof HTMLAnchorElement) {
    return key === " " || key === "Enter";
  }
  return false;
}
