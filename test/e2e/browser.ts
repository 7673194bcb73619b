/**
 * Debian's Chromium without a screen, with software WebGL. Each page keeps what it complained about and whom it asked, so that a
 * test can say that it was nothing and nobody else.
 */
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";

const ARGUMENTS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--use-gl=angle",
  "--use-angle=swiftshader",
  "--enable-unsafe-swiftshader",
];

export interface TestPage {
  readonly page: Page;
  /** Errors in the console and exceptions nobody caught. */
  readonly errors: readonly string[];
  /** Hosts of all requests, sockets included. */
  readonly hosts: ReadonlySet<string>;
  /** Evaluates an expression in the page. */
  readonly evaluate: <T>(expression: string) => Promise<T>;
  /** Waits until an expression is true in the page. */
  readonly until: (expression: string) => Promise<void>;
  /** Closes it: a page that draws in software keeps a processor busy. */
  [Symbol.asyncDispose](): Promise<void>;
}

export type PageOptions = Pick<BrowserContextOptions, "viewport" | "colorScheme" | "hasTouch">;

export class TestBrowser {
  readonly #browser: Browser;

  private constructor(browser: Browser) {
    this.#browser = browser;
  }

  static async launch(): Promise<TestBrowser> {
    const executablePath = Bun.which("chromium");
    if (executablePath === null) throw new Error("the test does not say that it requires chromium");
    return new TestBrowser(await chromium.launch({ executablePath, args: ARGUMENTS }));
  }

  /** Opens an address in a context of its own: no cookies, no storage. */
  async open(url: string, options: PageOptions = {}): Promise<TestPage> {
    const context = await this.#browser.newContext({
      viewport: { width: 900, height: 640 },
      ...options,
    });
    const page = await context.newPage();
    const errors: string[] = [];
    const hosts = new Set<string>();
    page.on("console", (message) => {
      if (message.type() === "error") errors.push(message.text());
    });
    page.on("pageerror", (error) => errors.push(String(error)));
    page.on("request", (request) => hosts.add(new URL(request.url()).host));
    page.on("websocket", (socket) => hosts.add(new URL(socket.url()).host));
    await page.goto(url);
    return {
      page,
      errors,
      hosts,
      evaluate: async <T>(expression: string) => (await page.evaluate(expression)) as T,
      until: async (expression) =>
        void (await page.waitForFunction(expression, undefined, { timeout: 15_000 })),
      [Symbol.asyncDispose]: async () => await context.close(),
    };
  }

  async close(): Promise<void> {
    await this.#browser.close();
  }
}

/** Share of pixels of two screenshots that differ by more than a shade, counted by the browser that made them. */
export async function changedShare(page: Page, before: Buffer, after: Buffer): Promise<number> {
  const sources = JSON.stringify(
    [before, after].map((png) => `data:image/png;base64,${png.toString("base64")}`),
  );
  const share: unknown = await page.evaluate(`(async () => {
    const pixels = await Promise.all(${sources}.map(async (source) => {
      const picture = await createImageBitmap(await (await fetch(source)).blob());
      const context = new OffscreenCanvas(picture.width, picture.height).getContext("2d");
      context.drawImage(picture, 0, 0);
      return context.getImageData(0, 0, picture.width, picture.height).data;
    }));
    const [a, b] = pixels;
    let changed = 0;
    for (let at = 0; at < a.length; at += 4) {
      const most = Math.max(Math.abs(a[at] - b[at]), Math.abs(a[at + 1] - b[at + 1]), Math.abs(a[at + 2] - b[at + 2]));
      if (most > 24) changed++;
    }
    return a.length === b.length ? (4 * changed) / a.length : 1;
  })()`);
  return Number(share);
}
