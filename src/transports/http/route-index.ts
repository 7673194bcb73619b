/** Finds out, for a path that no handler took, which methods it would answer to. */
interface Route {
  readonly method: string;
  readonly path: string;
}

interface Entry {
  readonly pattern: RegExp;
  readonly method: string;
}

export class RouteIndex {
  readonly #entries: Entry[] = [];

  add(routes: readonly Route[]): void {
    for (const { method, path } of routes) {
      const pattern = path
        .split("/")
        .map((part) => (part.startsWith(":") ? "[^/]+" : part === "*" ? ".+" : RegExp.escape(part)))
        .join("/");
      this.#entries.push({ method, pattern: new RegExp(`^${pattern}/?$`) });
    }
  }

  at(pathname: string): { methods: readonly string[]; socket: boolean } {
    const found = this.#entries
      .filter((entry) => entry.pattern.test(pathname))
      .map((entry) => entry.method);
    const methods = [...new Set(found.filter((method) => method !== "WS"))];
    return { methods, socket: found.includes("WS") };
  }
}
