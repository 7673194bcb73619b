/**
 * Goal: /docs shows every operation in a browser that has no network but this server. Method: the page is opened in headless Chromium,
 * every request it makes is recorded, and what it draws is compared with the document.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { type Browser, chromium, type Page } from "playwright-core";
import { describeWith } from "../../tools/requirement.ts";
import { startTestServer, type TestServer } from "../test-server.ts";
import { type ApiDocument, readApiDocument } from "./api-document.ts";

const CHROMIUM_ARGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

let server: TestServer;
let api: ApiDocument;

beforeAll(async () => {
  server = await startTestServer();
  api = await readApiDocument(server.url);
});
afterAll(async () => await server.stop());

test("the page refers to nothing that is elsewhere, and both addresses give it", async () => {
  const [docs, alias] = await Promise.all([server.request("/docs"), server.request("/swagger")]);
  const page = await docs.text();
  expect(await alias.text()).toBe(page);
  expect(docs.headers.get("content-type")).toBe("text/html; charset=utf-8");
  expect(docs.headers.get("content-security-policy")).toContain("default-src 'none'");
  const addresses = Array.from(
    page.matchAll(/(?:src|href)="([^"]+)"|"url":"([^"]+)"/g),
    (match) => match[1] ?? match[2] ?? "",
  );
  // Elsewhere than on a loopback address, Swagger UI would send the document to a validator on the internet.
  expect(page).toContain('"validatorUrl":"none"');
  expect(addresses.length).toBe(4);
  for (const address of addresses) {
    expect(address).toStartWith("/");
    expect((await server.request(address)).status).toBe(200);
  }
});

test("the assets come with their own types", async () => {
  for (const [path, type, start] of [
    ["/docs/assets/swagger-ui-bundle.js", "text/javascript; charset=utf-8", "/*! For license"],
    ["/docs/assets/swagger-ui.css", "text/css; charset=utf-8", ".swagger-ui"],
    ["/docs/assets/favicon.png", "image/png", "\u0089PNG"],
  ] as const) {
    const answer = await server.request(path);
    expect(answer.headers.get("content-type")).toBe(type);
    const bytes = Buffer.from(await answer.arrayBuffer());
    expect(bytes.toString("latin1", 0, start.length)).toBe(start);
  }
});

describeWith([{ package: "chromium" }], "in a browser", () => {
  let browser: Browser;
  let page: Page;
  const asked: string[] = [];
  const complaints: string[] = [];

  beforeAll(async () => {
    const executablePath = Bun.which("chromium") ?? "/usr/bin/chromium";
    browser = await chromium.launch({ executablePath, args: CHROMIUM_ARGS });
    page = await browser.newPage({ viewport: { width: 1200, height: 1600 } });
    page.on("request", (request) => asked.push(request.url()));
    page.on("pageerror", (error) => complaints.push(String(error)));
    page.on("console", (message) => {
      if (message.type() === "error") complaints.push(message.text());
    });
    await page.goto(`${server.url}/docs`);
    await page.waitForSelector(".opblock");
  }, 60_000);
  afterAll(async () => await browser.close());

  test("every operation is there, under its tag", async () => {
    const shown = await page.$$eval(".opblock", (blocks) =>
      blocks.map((block) => {
        const text = (name: string) => block.querySelector(name)?.textContent ?? "";
        return `${text(".opblock-summary-method")} ${text(".opblock-summary-path").replaceAll("\u200b", "")}`;
      }),
    );
    const expected = api.operations.map(({ method, path }) => `${method} ${path}`);
    expect(shown.sort()).toEqual(expected.sort());
    const tags = await page.$$eval(".opblock-tag a span", (spans) =>
      spans.map((span) => span.textContent),
    );
    expect(tags).toEqual((api.json["tags"] as { name: string }[]).map((tag) => tag.name));
  });

  test("the socket's messages, their schemas and the close codes can be read", async () => {
    await page.click("#operations-stream-streamSession .opblock-summary-control");
    const text = await page
      .locator("#operations-stream-streamSession .opblock-description")
      .innerText();
    for (const { name, summary } of [
      ...(api.sockets["/ws/{session_id}"]?.requests ?? []),
      ...(api.sockets["/ws/{session_id}"]?.answers ?? []),
    ]) {
      expect(text).toContain(name);
      expect(text).toContain(summary.replaceAll("`", ""));
    }
    expect(text).toContain("playback_speed");
    expect(text).toContain("SESSION_NOT_FOUND");
    if (process.env["SOMA_TEST_SCREENSHOTS"]) {
      await page.screenshot({ path: `${process.env["SOMA_TEST_SCREENSHOTS"]}/docs.png` });
    }
  });

  test("a request can be tried from the page, and is answered", async () => {
    await page.click("#operations-server-time .opblock-summary-control");
    await page.click("#operations-server-time .execute");
    const answer = page
      .locator("#operations-server-time .live-responses-table .microlight")
      .first();
    expect(await answer.innerText()).toContain("server_time_us");
  });

  test("no request left this server, and nothing was refused or failed", () => {
    expect(asked.length).toBeGreaterThan(3);
    expect(
      asked.filter((url) => !url.startsWith(`${server.url}/`) && !url.startsWith("data:")),
    ).toEqual([]);
    expect(complaints).toEqual([]);
  });
});
