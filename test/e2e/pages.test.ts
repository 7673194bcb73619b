/** The pages as people use them, in Chromium: what they show is held against what the server says. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { describeWith } from "../tools/requirement.ts";
import { startTestServer, type TestServer } from "../transports/test-server.ts";
import { changedShare, TestBrowser, type TestPage } from "./browser.ts";

const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true } as const;
const DESKTOP = { viewport: { width: 1280, height: 800 } } as const;
const TIMEOUT_MS = 60_000;

interface FrameFacts {
  readonly sequence: number;
  readonly captureUs: number;
  readonly mediaTimeS: number;
  readonly paused: boolean;
}

const FRAME = `(({ sequence, captureUs, mediaTimeS, paused }) =>
  ({ sequence, captureUs, mediaTimeS, paused }))(window.somaViewer.stream.frame)`;
const MOVING = "window.somaViewer?.stream.frame !== undefined";

describeWith([{ package: "chromium" }], "the pages", () => {
  let server: TestServer;
  let browser: TestBrowser;
  const opened: TestPage[] = [];

  beforeAll(async () => {
    server = await startTestServer();
    browser = await TestBrowser.launch();
  }, TIMEOUT_MS);
  afterAll(async () => {
    await browser?.close();
    await server?.stop();
  }, TIMEOUT_MS);

  async function open(
    path: string,
    options: Parameters<TestBrowser["open"]>[1] = {},
  ): Promise<TestPage> {
    const page = await browser.open(server.url + path, options);
    opened.push(page);
    return page;
  }

  async function viewer(id: string, file = "walk.bvh"): Promise<TestPage> {
    const page = await open(`/view/${id}?file=${file}`);
    await page.until(MOVING);
    return page;
  }

  async function json(path: string): Promise<Record<string, unknown>> {
    return (await (await server.request(path)).json()) as Record<string, unknown>;
  }

  const detailsOf = async (id: string): Promise<Record<string, unknown>> =>
    (await json(`/sessions/${id}`))["details"] as Record<string, unknown>;

  describe("the viewer", () => {
    test(
      "starts a session for its clip, and the bones move on the screen",
      async () => {
        await using tab = await viewer("moving");
        const { page, evaluate, until } = tab;
        expect(await detailsOf("moving")).toMatchObject({ source: { clip: "walk.bvh" } });
        const skeleton = await json("/sessions/moving/skeleton");
        const bones = skeleton["bone_names"] as string[];
        expect(await page.textContent("#bones")).toBe(String(bones.length));
        expect(await page.textContent("#clip")).toBe("walk.bvh");
        const look = async () => ({
          picture: await page.screenshot(),
          positions: await evaluate<number[]>("window.somaViewer.stage.positions()"),
        });
        const before = await look();
        const { mediaTimeS } = await evaluate<FrameFacts>(FRAME);
        await until(`Math.abs(window.somaViewer.stream.frame.mediaTimeS - ${mediaTimeS}) > 0.25`);
        const after = await look();
        expect(before.positions.length).toBe(3 * bones.length);
        // A walker's limbs swing tens of centimetres in a quarter of a second; the scene's unit is a metre.
        const furthest = Math.max(
          ...after.positions.map((value, at) => Math.abs(value - (before.positions[at] ?? 0))),
        );
        expect(furthest).toBeGreaterThan(0.1);
        expect(await changedShare(page, before.picture, after.picture)).toBeGreaterThan(0.005);
        await until(`/^\\d+\\.\\d fps$/.test(document.getElementById("rate").textContent)`);
        await until(`document.getElementById("state").textContent === "Live"`);
      },
      TIMEOUT_MS,
    );

    test(
      "pause stands still, the slider goes where it says, and the bones stand where the server says",
      async () => {
        await using tab = await viewer("still");
        const { page, evaluate, until } = tab;
        await page.click("#play");
        await until("window.somaViewer.stream.frame.paused");
        expect(await page.getAttribute("#play", "aria-label")).toBe("Play");
        expect(await detailsOf("still")).toMatchObject({ paused: true });
        await page.fill("#seek", "2");
        await until("Math.abs(window.somaViewer.stream.frame.mediaTimeS - 2) < 0.02");
        await until(`document.getElementById("time").textContent === "0:02.00"`);
        // The camera has come to rest when two pictures are the same.
        await page.waitForTimeout(1_500);
        const first = await evaluate<FrameFacts>(FRAME);
        const before = await page.screenshot();
        await page.waitForTimeout(700);
        expect(await changedShare(page, before, await page.screenshot())).toBeLessThan(0.0005);
        expect(await evaluate<FrameFacts>(FRAME)).toEqual(first);

        const shown = await evaluate<number[]>("window.somaViewer.stage.positions()");
        const { size, up } = await evaluate<{ size: number; up: string }>(
          "window.somaViewer.stage.figure",
        );
        expect(up).toBe("y");
        const answer = await server.request("/sessions/still/frame?space=global");
        const matrices = new Float32Array(await answer.arrayBuffer());
        const scale = 1.75 / size;
        // Relative to the first bone: the floor's height is the page's own choice.
        for (let bone = 0; bone < matrices.length / 16; bone++) {
          for (const axis of [0, 1, 2]) {
            const at = (index: number): number => matrices[index * 16 + 4 * axis + 3] ?? Number.NaN;
            const expected = (at(bone) - at(0)) * scale;
            const difference =
              (shown[3 * bone + axis] ?? Number.NaN) - (shown[axis] ?? Number.NaN) - expected;
            // Float32 of a figure 178 units tall, up to eight bones deep: 1e-4 of 1.75.
            expect(Math.abs(difference)).toBeLessThan(2e-4);
          }
        }
      },
      TIMEOUT_MS,
    );

    test(
      "speed, loop mode and rate act",
      async () => {
        await using tab = await viewer("tuned");
        const { page, evaluate, until } = tab;
        await page.selectOption("#speed", "0.5");
        await until("window.somaViewer.stream.stats.framesReceived > 20");
        expect(await detailsOf("tuned")).toMatchObject({ speed: 0.5 });
        const [a, b] = [
          await evaluate<FrameFacts>(FRAME),
          (await page.waitForTimeout(400), await evaluate<FrameFacts>(FRAME)),
        ];
        // Stamps of the server's own clock, so the page's delays do not count; the clip lasts long enough not to wrap twice.
        const passed = (b.mediaTimeS - a.mediaTimeS + 4.2833) % 4.2833;
        expect(passed / ((b.captureUs - a.captureUs) / 1e6)).toBeWithin(0.45, 0.55);
        await page.selectOption("#fps", "30");
        const before = await evaluate<FrameFacts>(FRAME);
        await page.waitForTimeout(600);
        const after = await evaluate<FrameFacts>(FRAME);
        const rate =
          ((after.sequence - before.sequence) * 1e6) / (after.captureUs - before.captureUs);
        expect(rate).toBeWithin(27, 34);
        await page.selectOption("#loop", "once");
        await page.selectOption("#speed", "4");
        await until(
          "Math.abs(window.somaViewer.stream.frame.mediaTimeS - window.somaViewer.stream.skeleton.source.duration_s) < 0.03",
        );
        await page.waitForTimeout(300);
        const { mediaTimeS } = await evaluate<FrameFacts>(FRAME);
        expect(mediaTimeS).toBeCloseTo(4.2667, 1);
      },
      TIMEOUT_MS,
    );

    test(
      "the keyboard plays too",
      async () => {
        await using tab = await viewer("keys");
        const { page, evaluate, until } = tab;
        await page.keyboard.press("Space");
        await until("window.somaViewer.stream.frame.paused");
        await page.keyboard.press("Home");
        await until("window.somaViewer.stream.frame.mediaTimeS === 0");
        await page.keyboard.press("ArrowRight");
        await until("Math.abs(window.somaViewer.stream.frame.mediaTimeS - 1 / 60) < 1e-3");
        await page.keyboard.press("Shift+ArrowRight");
        await until("Math.abs(window.somaViewer.stream.frame.mediaTimeS - 1 - 1 / 60) < 1e-3");
        await page.keyboard.press("f");
        expect(await page.getAttribute("#follow", "aria-pressed")).toBe("false");
        await page.keyboard.press("ArrowUp");
        await until(`document.getElementById("speed").value === "1.5"`);
        await page.keyboard.press("?");
        expect(await evaluate<boolean>(`document.getElementById("help").open`)).toBe(true);
        await page.keyboard.press("Escape");
        await until(`!document.getElementById("help").open`);
        await page.keyboard.press("Space");
        await until("!window.somaViewer.stream.frame.paused");
        expect(await detailsOf("keys")).toMatchObject({ speed: 1.5 });
      },
      TIMEOUT_MS,
    );

    test(
      "what another client does is shown",
      async () => {
        await using tab = await viewer("shared");
        const { until } = tab;
        await server.post("/sessions/shared/speed", { speed: 1.25 });
        await server.post("/sessions/shared/pause");
        await until(`document.getElementById("speed").selectedOptions[0].textContent === "1.25 ×"`);
        await until(`document.getElementById("play").getAttribute("aria-label") === "Play"`);
        await until(`document.getElementById("state").textContent === "Paused"`);
      },
      TIMEOUT_MS,
    );

    test(
      "without a session it says so, and the clip it offers starts one",
      async () => {
        await using tab = await open("/view/nobody");
        const { page, until } = tab;
        await until(`!document.getElementById("notice").hidden`);
        expect(await page.textContent("#notice-title")).toBe("There is no session “nobody”");
        await page.click(`#notice-clips a:has-text("wave.bvh")`);
        await page.waitForURL("**/view/nobody?file=wave.bvh");
        await until(MOVING);
        expect(await detailsOf("nobody")).toMatchObject({ source: { clip: "wave.bvh" } });
      },
      TIMEOUT_MS,
    );

    test(
      "a session that ends under the viewer is explained, and can be started again",
      async () => {
        await using tab = await viewer("ended");
        const { page, until } = tab;
        await server.request("/sessions/ended", { method: "DELETE" });
        await until(
          `document.getElementById("notice-text").textContent.startsWith("It has ended")`,
        );
        await page.click(`#notice-actions button`);
        await until(MOVING);
      },
      TIMEOUT_MS,
    );

    test(
      "a clip that is not there is refused in words",
      async () => {
        // Not among the silent ones: the browser itself logs that the server refused.
        await using tab = await browser.open(`${server.url}/view/bad?file=nothing.bvh`);
        await tab.until(`!document.getElementById("notice").hidden`);
        expect(await tab.page.textContent("#notice-text")).toContain('no clip "nothing.bvh"');
      },
      TIMEOUT_MS,
    );
  });

  describe("the status page", () => {
    test(
      "shows sessions and what streams, starts one and deletes one",
      async () => {
        await server.create("listed");
        await using _watching = await viewer("watched");
        await using tab = await open("/", DESKTOP);
        const { page, until } = tab;
        await page.waitForSelector('[data-session="listed"]');
        await until(
          `Number(document.getElementById("frame-rate").textContent.replace(",", "")) > 20`,
        );
        await until(
          `document.querySelector('[data-session="watched"] [data-label="Clients"]').textContent === "1"`,
        );
        await until(
          `Number(document.querySelector('[data-session="watched"] [data-label="Sent"]').textContent.replace(",", "")) > 20`,
        );
        const { sessions } = (await json("/sessions")) as { sessions: unknown[] };
        expect(await page.textContent("#sessions-count")).toBe(String(sessions.length));
        expect(await page.locator("#workers tr").count()).toBeGreaterThan(0);
        await page.selectOption("#clip", "dance.glb");
        await page.fill("#name", "made-here");
        await page.fill("#fps", "30");
        await page.click("#create-button");
        await page.waitForSelector('[data-session="made-here"]');
        expect(await detailsOf("made-here")).toMatchObject({
          fps: 30,
          source: { clip: "dance.glb" },
        });
        await page.click('[data-session="made-here"] button');
        expect(server.manager.find("made-here")?.state).toBe("running");
        await page.click('[data-session="made-here"] button');
        await page.waitForSelector('[data-session="made-here"]', { state: "detached" });
        expect(server.manager.find("made-here")).toBeUndefined();
      },
      TIMEOUT_MS,
    );

    test(
      "a failed session shows its reason",
      async () => {
        await server.createFailed("broken");
        await using tab = await open("/");
        const { page, until } = tab;
        await page.waitForSelector('[data-session="broken"]');
        await until(
          `document.querySelector('[data-session="broken"] .reason').textContent.includes("the strings are cut")`,
        );
      },
      TIMEOUT_MS,
    );

    test(
      "a clip's card leads to its viewer",
      async () => {
        await using tab = await open("/");
        const { page, until } = tab;
        await page.click(`#clips a:has-text("run.bvh")`);
        await page.waitForURL("**/view/run?file=run.bvh");
        await until(MOVING);
      },
      TIMEOUT_MS,
    );
  });

  describe("on any screen", () => {
    test.each([
      ["/", PHONE, "light"],
      ["/", DESKTOP, "dark"],
      ["/view/shared", PHONE, "dark"],
      ["/view/shared", DESKTOP, "light"],
    ] as const)(
      "%s fits, every control has a name, text can be read (%o, %s)",
      async (path, size, colorScheme) => {
        const longest = "x".repeat(64);
        if (!server.manager.find(longest)) await server.create(longest);
        await using tab = await open(path, { ...size, colorScheme });
        await tab.until(path === "/" ? `document.querySelector("[data-session]")` : MOVING);
        expect(
          await tab.evaluate<number>("document.documentElement.scrollWidth - innerWidth"),
        ).toBeLessThanOrEqual(0);
        expect(await tab.evaluate<string[]>(UNNAMED_CONTROLS)).toEqual([]);
        expect(await tab.evaluate<string[]>(POOR_CONTRAST)).toEqual([]);
      },
      TIMEOUT_MS,
    );
  });

  test("all these pages were silent in the console and asked no other host", () => {
    const host = new URL(server.url).host;
    expect(opened.length).toBeGreaterThan(10);
    for (const { errors, hosts } of opened) {
      expect(errors).toEqual([]);
      expect([...hosts]).toEqual([host]);
    }
  });

  test(
    "with a token: the page opened with it goes on by cookie, and it leaves the address bar",
    async () => {
      const guarded = await startTestServer("--token", "open sesame");
      try {
        await guarded.request("/sessions?token=open%20sesame", {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: JSON.stringify({
            engine: "animation",
            id: "secret",
            options: { file: "walk.bvh" },
          }),
        });
        expect((await guarded.request("/view/secret")).status).toBe(401);
        await using tab = await browser.open(`${guarded.url}/view/secret?token=open%20sesame`);
        const { page, until, errors } = tab;
        await until(MOVING);
        expect(page.url()).toBe(`${guarded.url}/view/secret`);
        await page.reload();
        await until(MOVING);
        await page.goto(`${guarded.url}/`);
        await page.waitForSelector('[data-session="secret"]');
        expect(errors).toEqual([]);
      } finally {
        await guarded.stop();
      }
    },
    TIMEOUT_MS,
  );

  test(
    "when the server goes, both pages say so and come back with it",
    async () => {
      const first = await startTestServer();
      await first.create("stay");
      const port = String(first.port);
      await using view = await browser.open(`${first.url}/view/stay`);
      await view.until(MOVING);
      await using status = await browser.open(`${first.url}/`);
      await status.page.waitForSelector('[data-session="stay"]');
      await first.stop();
      await view.until(`document.getElementById("state").textContent.startsWith("Reconnecting")`);
      await status.until(`!document.getElementById("trouble").hidden`);
      expect(await status.page.textContent("#trouble")).toContain("does not answer");
      // The page gives up on a session that is not there, so the new one is made in a pause between two tries.
      await view.until(
        `(({ state, retryInMs }) => state === "waiting" && retryInMs > 1500)(window.somaViewer.stream.status)`,
      );
      const second = await startTestServer("--port", port);
      try {
        await second.create("stay");
        await view.until(`document.getElementById("state").textContent === "Live"`);
        await status.until(`document.getElementById("trouble").hidden`);
      } finally {
        await second.stop();
      }
    },
    TIMEOUT_MS,
  );
});

/** Controls on the page that a screen reader would have no name for. */
const UNNAMED_CONTROLS = `[...document.querySelectorAll("button, a, input, select, canvas")]
  .filter((control) => control.checkVisibility())
  .filter((control) => !(control.getAttribute("aria-label") || control.textContent.trim() || control.labels?.length))
  .map((control) => control.outerHTML.slice(0, 120))`;

/** Texts with less than WCAG's 4.5 : 1 against what is behind them, as far as that is one colour. */
const POOR_CONTRAST = `(() => {
  const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const rgba = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return canvas.getImageData(0, 0, 1, 1).data;
  };
  const light = ([r, g, b]) => [r, g, b]
    .map((part) => part / 255)
    .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
    .reduce((sum, part, at) => sum + part * [0.2126, 0.7152, 0.0722][at], 0);
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = rgba(getComputedStyle(at).backgroundColor);
      if (colour[3] > 200) return colour;
    }
    return rgba(getComputedStyle(document.body).backgroundColor);
  };
  const texts = [...document.querySelectorAll("body *")].filter((element) =>
    element.checkVisibility() && !element.matches(":disabled, option, svg, svg *") &&
    [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim() !== ""));
  if (texts.length < 10) return ["too little text to judge"];
  return texts.flatMap((element) => {
    const ground = behind(element);
    if (ground[3] === 0) return [];
    const [a, b] = [light(rgba(getComputedStyle(element).color)), light(ground)].toSorted((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    return ratio < 4.5 ? [element.tagName + " " + element.textContent.trim().slice(0, 40) + ": " + ratio.toFixed(2)] : [];
  });
})()`;
