/**
 * Goal: whatever is wrong with a request, the answer is JSON of the one form, with the right status and code, and the server lives on.
 * Method: one request per kind of mistake, raw sockets where no client would send it.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { connect } from "node:net";
import { ERRORS, type ErrorCode } from "../../../src/protocol/errors.ts";
import { LIMITS } from "../../../src/protocol/limits.ts";
import { startTestServer, type TestServer } from "../test-server.ts";
import type { Json } from "./schema-check.ts";

const MAX_BODY_BYTES = 4_000;
let server: TestServer;

beforeAll(async () => {
  server = await startTestServer("--max-body-bytes", String(MAX_BODY_BYTES));
  await server.create("a");
});
afterAll(async () => await server.stop());

/** Checks that an answer is this failure, in every respect that all failures share; gives its `error`. */
async function expectFailure(response: Response, code: ErrorCode, status?: number): Promise<Json> {
  const body = (await response.json()) as { error: Json; detail: string };
  expect(body.error["code"]).toBe(code);
  expect(response.status).toBe(status ?? ERRORS[code].status);
  expect(response.headers.get("content-type")).toStartWith("application/json");
  expect(response.headers.get("access-control-allow-origin")).toBe("*");
  expect(response.headers.get("retry-after")).toBe(ERRORS[code].retry ? "1" : null);
  expect(body.error["hint"]).toBe(ERRORS[code].hint);
  expect(body.error["message"]).not.toBe("");
  expect(body.detail).toBe(String(body.error["message"]));
  return body.error;
}

async function send(
  path: string,
  body: string | Uint8Array<ArrayBuffer> | ReadableStream | null,
  contentType?: string,
): Promise<Response> {
  const headers = contentType === undefined ? {} : { "content-type": contentType };
  return await server.request(path, { method: "POST", headers, body });
}

const JSON_TYPE = "application/json";

describe("the way in", () => {
  test("an unknown path is 404", async () => {
    for (const path of ["/nope", "/sessions/a/nope", "/docs/assets/../../etc/passwd"]) {
      await expectFailure(await server.request(path), "ROUTE_NOT_FOUND");
    }
    await expectFailure(await send("/nope", "{", JSON_TYPE), "ROUTE_NOT_FOUND");
  });

  test("an unknown session is 404, whatever its name", async () => {
    for (const id of [
      "b",
      "%ff",
      "%00",
      "..%2f..",
      "%",
      "__proto__",
      "constructor",
      "x".repeat(256),
    ]) {
      await expectFailure(await server.request(`/sessions/${id}/skeleton`), "SESSION_NOT_FOUND");
    }
  });

  test("a wrong method is 405 and Allow has the right ones", async () => {
    const cases = [
      ["PUT", "/sessions", "GET, HEAD, OPTIONS, POST"],
      ["PATCH", "/sessions/a", "DELETE, GET, HEAD, OPTIONS"],
      ["GET", "/sessions/a/play", "OPTIONS, POST"],
      ["POST", "/healthz", "GET, HEAD, OPTIONS"],
      ["DELETE", "/openapi.json", "GET, HEAD, OPTIONS"],
    ] as const;
    for (const [method, path, allow] of cases) {
      const response = await server.request(path, { method });
      const allowed = response.headers.get("allow")?.split(", ").sort().join(", ");
      expect({ method, path, allowed }).toEqual({ method, path, allowed: allow });
      await expectFailure(response, "METHOD_NOT_ALLOWED");
    }
  });

  test("a WebSocket's path asked for by GET is 426", async () => {
    const response = await server.request("/ws/a");
    expect(response.headers.get("upgrade")).toBe("websocket");
    await expectFailure(response, "UPGRADE_REQUIRED");
  });

  test("a URL that is too long is refused", async () => {
    const path = `/sessions?x=${"x".repeat(LIMITS.maxUrlBytes)}`;
    await expectFailure(await server.request(path), "REQUEST_INVALID");
  });

  test("a request that is no request does no harm, and shows nothing of ours", async () => {
    const host = "Host: 127.0.0.1\r\n";
    for (const text of [
      `CONNECT 127.0.0.1:80 HTTP/1.1\r\n${host}\r\n`,
      `TRACE /sessions HTTP/1.1\r\n${host}\r\n`,
      `GET /sess\u0000ions HTTP/1.1\r\n${host}\r\n`,
      `POST /sessions HTTP/1.1\r\n${host}Content-Length: abc\r\n\r\n`,
      "GET /healthz HTTP/1.1\r\n\r\n",
      "hello\r\n\r\n",
      "\u0000\u0001\u0002\u0003",
    ]) {
      const answer = await exchange(text);
      expect(answer).not.toContain(import.meta.dir.slice(0, 5));
      expect(answer).not.toContain("<html");
      if (answer !== "") expect(answer).toMatch(/^HTTP\/1\.1 (4\d\d|505) /);
    }
    expect((await server.request("/healthz")).status).toBe(200);
  });
});

/** Sends bytes as they are; gives what comes back until the server closes or says nothing for a while. */
async function exchange(text: string): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  const socket = connect(server.port, "127.0.0.1");
  let answer = "";
  socket.on("data", (data) => {
    answer += data.toString("latin1");
  });
  socket.on("error", () => resolve(answer));
  socket.on("close", () => resolve(answer));
  socket.setTimeout(150, () => socket.destroy());
  socket.write(text);
  return await promise;
}

describe("bodies", () => {
  test("too large by Content-Length: 413 before it is sent, however large it says it is", async () => {
    for (const length of [MAX_BODY_BYTES + 1, MAX_BODY_BYTES + 100_000, 1e12]) {
      const head = `POST /sessions/a/speed HTTP/1.1\r\nHost: localhost\r\nContent-Type: ${JSON_TYPE}\r\n`;
      const answer = await exchange(`${head}Content-Length: ${length}\r\n\r\n{`);
      expect(answer).toStartWith("HTTP/1.1 413 ");
      const body = JSON.parse(answer.slice(answer.indexOf("\r\n\r\n")));
      expect(body.error.code).toBe("BODY_TOO_LARGE");
      expect(body.error.message).toContain(String(MAX_BODY_BYTES));
    }
  });

  test("too large in chunks: 413 while it is read", async () => {
    for (const chunks of [5, 200]) {
      const body = new ReadableStream<Uint8Array>({
        start(controller) {
          for (let sent = 0; sent < chunks; sent++)
            controller.enqueue(new Uint8Array(1_000).fill(0x20));
          controller.close();
        },
      });
      await expectFailure(await send("/sessions/a/speed", body, JSON_TYPE), "BODY_TOO_LARGE");
    }
  });

  test("exactly the largest one is taken", async () => {
    const body = '{"speed":1}'.padEnd(MAX_BODY_BYTES, " ");
    expect((await send("/sessions/a/speed", body, JSON_TYPE)).status).toBe(200);
    await expectFailure(await send("/sessions/a/speed", `${body} `, JSON_TYPE), "BODY_TOO_LARGE");
  });

  test("of another type: 415", async () => {
    for (const type of [
      "text/plain",
      "application/x-www-form-urlencoded",
      "multipart/form-data; boundary=x",
      "application/octet-stream",
      "nonsense",
      "application/jsonx",
    ]) {
      await expectFailure(
        await send("/sessions/a/speed", '{"speed":1}', type),
        "MEDIA_TYPE_UNSUPPORTED",
      );
    }
    for (const type of [JSON_TYPE, "Application/JSON; charset=utf-8", "application/vnd.api+json"]) {
      expect((await send("/sessions/a/speed", '{"speed":1}', type)).status).toBe(200);
    }
  });

  test("without a type is read as JSON, and refused as JSON", async () => {
    const bytes = (text: string) => new Uint8Array(Buffer.from(text));
    expect((await send("/sessions/a/speed", bytes('{"speed":1}'))).status).toBe(200);
    expect((await send("/sessions/a/play", null)).status).toBe(200);
    await expectFailure(await send("/sessions/a/speed", bytes("speed=1")), "REQUEST_MALFORMED");
    await expectFailure(await send("/sessions/a/speed", null), "REQUEST_INVALID");
  });

  test("malformed: 400", async () => {
    for (const body of [
      "{",
      '{"speed":}',
      "{'speed':1}",
      "speed=1",
      '{"speed":1}x',
      "[1,",
      '{"speed":NaNa}',
      "{NaN}",
    ]) {
      await expectFailure(await send("/sessions/a/speed", body, JSON_TYPE), "REQUEST_MALFORMED");
    }
  });

  test("in another encoding: 400", async () => {
    for (const bytes of [
      [0x7b, 0xff, 0x7d],
      [0xff, 0xfe, 0x7b, 0x00, 0x7d, 0x00],
      [0xc0, 0x80],
      [0xed, 0xa0, 0x80],
    ]) {
      const answer = await send("/sessions/a/speed", new Uint8Array(bytes), JSON_TYPE);
      await expectFailure(answer, "REQUEST_MALFORMED");
    }
  });

  test("JSON of another kind: 422", async () => {
    for (const body of ["null", "[]", "1", '"speed"', "true"]) {
      await expectFailure(await send("/sessions/a/speed", body, JSON_TYPE), "REQUEST_INVALID");
    }
  });

  test("nested too deep: 422, and nobody's stack overflows", async () => {
    const depth = (levels: number) => `{"speed":1,"x":${"[".repeat(levels)}${"]".repeat(levels)}}`;
    expect((await send("/sessions/a/speed", depth(100), JSON_TYPE)).status).toBe(200);
    for (const path of ["/sessions/a/speed", "/sessions/a/commands/echo", "/sessions"]) {
      await expectFailure(await send(path, depth(1_900), JSON_TYPE), "REQUEST_INVALID");
    }
  });

  test("a polluting one changes nothing", async () => {
    const answer = await send(
      "/sessions/a/speed",
      '{"__proto__":{"speed":3},"constructor":{}}',
      JSON_TYPE,
    );
    await expectFailure(answer, "REQUEST_INVALID");
    expect(({} as Json)["speed"]).toBeUndefined();
  });
});

describe("values out of range", () => {
  const cases = [
    ["speed", "speed", ["16.01", "-17", "1e999"], "between -16 and 16"],
    ["speed", "playback_speed", ["17"], "between -16 and 16"],
    ["fps", "fps", ["0", "0.99", "2001", "-60"], "between 1 and 2000"],
    ["seek", "time", ["-0.001", "86401"], "between 0 and"],
    ["seek", "fraction", ["-0.1", "1.0001"], "between 0 and 1"],
  ] as const;

  for (const [command, field, values, range] of cases) {
    test(`${command} {${field}}: 422 that names the field and "${range}"`, async () => {
      for (const value of [
        ...values,
        "NaN",
        "Infinity",
        "-Infinity",
        '"1"',
        "null",
        "true",
        "[1]",
      ]) {
        const answer = await send(`/sessions/a/${command}`, `{"${field}": ${value}}`, JSON_TYPE);
        const error = await expectFailure(answer, "REQUEST_INVALID");
        const [issue] = error["details"] as { path: string; message: string }[];
        expect(issue?.message).toContain(range);
        expect(error["message"]).toContain(range);
        if (field !== "playback_speed") expect(issue?.path).toBe(field);
      }
    });
  }

  test("beyond the clip: 422 that names the clip's range", async () => {
    for (const body of [{ time: 1.2 }, { frame: 40 }]) {
      const answer = await server.post("/sessions/a/seek", body);
      const error = await expectFailure(answer, "INVALID_ARGUMENT");
      expect(error["message"]).toMatch(/between 0 and (1\.0\d*|3[01]) /);
    }
    const swapped = await server.post("/sessions/a/loop", { mode: "repeat", start: 0.8, end: 0.2 });
    await expectFailure(swapped, "INVALID_ARGUMENT");
  });

  test("in creation: 422 that names the option", async () => {
    const cases = [
      [{ fps: 0 }, "options.fps"],
      [{ fps: 1e9 }, "options.fps"],
      [{ speed: 99 }, "options.speed"],
      [{ loop: "twice" }, "options.loop"],
      [{ fille: "x" }, "options"],
    ] as const;
    for (const [options, path] of cases) {
      const answer = await server.post("/sessions", {
        engine: "animation",
        options: { file: "step.bvh", ...options },
      });
      const error = await expectFailure(answer, "REQUEST_INVALID");
      expect((error["details"] as Json[])[0]?.["path"]).toBe(path);
    }
  });

  test("in a query: 422 that lists what there is", async () => {
    for (const query of ["dtype=f128", "space=", "order=ROW", "header=1", "dtype=f32&dtype=f64"]) {
      const error = await expectFailure(
        await server.request(`/sessions/a/frame?${query}`),
        "REQUEST_INVALID",
      );
      expect(error["message"]).toContain(query.split("=")[0] ?? "");
    }
  });
});

describe("who may ask", () => {
  const TOKEN = "correct horse/battery+staple";
  let guarded: TestServer;

  beforeAll(async () => {
    guarded = await startTestServer("--token", TOKEN, "--allow-origin", "https://stage.example");
  });
  afterAll(async () => await guarded.stop());

  async function get(path: string, headers: Record<string, string> = {}): Promise<Response> {
    return await guarded.request(path, { headers });
  }

  test("without the token, or with another: 401", async () => {
    const wrong = "correct horse/battery+stable";
    await expectFailure(await get("/sessions"), "UNAUTHORISED");
    await expectFailure(await get("/nope"), "UNAUTHORISED");
    await expectFailure(await get(`/sessions?token=${encodeURIComponent(wrong)}`), "UNAUTHORISED");
    for (const authorization of [
      `Bearer ${wrong}`,
      `Bearer ${TOKEN} `.trim().slice(0, -1),
      `Basic ${TOKEN}`,
      TOKEN,
      "Bearer",
    ]) {
      await expectFailure(await get("/sessions", { authorization }), "UNAUTHORISED");
    }
    for (const cookie of [`soma_token=${wrong}`, `other=${TOKEN}`, "soma_token=%", "soma_token"]) {
      await expectFailure(await get("/sessions", { cookie }), "UNAUTHORISED");
    }
  });

  test("with it in the header, the query or the cookie: 200", async () => {
    expect((await get("/sessions", { authorization: `Bearer ${TOKEN}` })).status).toBe(200);
    expect((await get("/sessions", { authorization: `bearer ${TOKEN}` })).status).toBe(200);
    expect((await get(`/sessions?token=${encodeURIComponent(TOKEN)}`)).status).toBe(200);
    const cookie = `theme=dark; soma_token=${encodeURIComponent(TOKEN)}`;
    expect((await get("/sessions", { cookie })).status).toBe(200);
  });

  test("a page opened with the token gets the cookie that goes on with it", async () => {
    const page = await get(`/docs?token=${encodeURIComponent(TOKEN)}`);
    const cookie = page.headers.get("set-cookie") ?? "";
    expect(cookie).toEndWith("; Path=/; HttpOnly; SameSite=Strict");
    expect((await get("/openapi.json", { cookie: cookie.split(";")[0] ?? "" })).status).toBe(200);
  });

  test("a preflight needs no token, and allows what clients send", async () => {
    const response = await guarded.request("/sessions/a/play", {
      method: "OPTIONS",
      headers: { origin: "https://elsewhere.example", "access-control-request-method": "POST" },
    });
    expect(response.status).toBe(204);
    expect(response.headers.get("access-control-allow-origin")).toBe("*");
    expect(response.headers.get("access-control-allow-methods")).toContain("POST");
    expect(response.headers.get("access-control-allow-headers")).toContain("content-type");
    expect(response.headers.get("access-control-allow-headers")).toContain("authorization");
  });

  test("pages of strangers may read and not write", async () => {
    const writing = (origin: string) =>
      server.request("/sessions/a/play", { method: "POST", headers: { origin } });
    for (const origin of [
      "https://evil.example",
      "null",
      "http://localhost.evil.example",
      "http://127.0.0.1.evil.example",
      "nonsense",
    ]) {
      await expectFailure(await writing(origin), "ORIGIN_REFUSED");
      const reading = await server.request("/sessions", { headers: { origin } });
      expect(reading.status).toBe(200);
      expect(reading.headers.get("access-control-allow-origin")).toBe("*");
    }
    for (const origin of ["http://localhost:3000", "http://127.0.0.1:5173", "http://[::1]:8080"]) {
      expect((await writing(origin)).status).toBe(200);
    }
  });

  test("origins of --allow-origin may write", async () => {
    const writing = (origin: string) =>
      guarded.request("/sessions/a/play", {
        method: "POST",
        headers: { origin, authorization: `Bearer ${TOKEN}` },
      });
    await expectFailure(await writing("https://stage.example"), "SESSION_NOT_FOUND");
    await expectFailure(await writing("https://stage.example:444"), "ORIGIN_REFUSED");
  });

  test("a foreign Host is refused where no token protects: DNS rebinding", async () => {
    for (const host of [
      "evil.example",
      "evil.example:8080",
      "127.0.0.1.evil.example",
      "localhost.evil",
    ]) {
      await expectFailure(await server.request("/sessions", { headers: { host } }), "HOST_REFUSED");
    }
    for (const host of ["localhost:1", "127.0.0.1", "LOCALHOST", "[::1]:8080"]) {
      expect((await server.request("/sessions", { headers: { host } })).status).toBe(200);
    }
  });
});
