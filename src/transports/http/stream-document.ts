/** What the document says of the stream's WebSocket, `/ws/{session_id}`. The socket itself is in transports/ws. */
import { z } from "zod";
import type { EngineSpec } from "../../engines/contract.ts";
import { formQuery } from "../../protocol/schemas/session.ts";
import { socketAnswers, socketRequests } from "../../protocol/schemas/socket.ts";
import type { SocketDocument } from "./documented.ts";

const DESCRIPTION = `
Open it as a WebSocket: binary messages are frames, text messages are JSON. A message \`{"type", …, "id"?}\` is answered to its sender
only, with the same \`id\`; commands take the same fields and give the same answers as \`POST /sessions/{id}/…\`. A session whose
engine knows more commands takes those too. A message that is wrong is answered with \`error\` and changes nothing.

A client that cannot keep up loses whole frames, never parts of one, and gets the newest one as soon as it has read what it was sent.
An unknown session is accepted, then closed with 4000.
`.trim();

const FRAMES =
  "One message per frame: the header that `header` asks for, then one 4×4 matrix per bone in the skeleton's order, little-endian, in the " +
  "`dtype`, `space` and `order` asked for. `GET /sessions/{id}/layout` with the same parameters gives every offset.";

export function streamDocument(specs: readonly EngineSpec[]): SocketDocument {
  const commands = Object.fromEntries(specs.flatMap((spec) => Object.entries(spec.commands)));
  return {
    path: "/ws/{session_id}",
    operationId: "streamSession",
    summary: "Stream a session's frames (WebSocket)",
    description: DESCRIPTION,
    tags: ["stream"],
    params: z.object({ session_id: z.string().min(1).max(256).describe("Session id.") }),
    query: formQuery,
    frames: FRAMES,
    requests: socketRequests(commands),
    answers: socketAnswers,
    closes: [
      "SESSION_NOT_FOUND",
      "SESSION_ENDED",
      "SESSION_FAILED",
      "REQUEST_INVALID",
      "NOT_ACCEPTABLE",
      "CLIENT_LIMIT",
      "BODY_TOO_LARGE",
      "ENGINE_CRASHED",
      "ENGINE_STALLED",
      "ENGINE_EXITED",
      "SHUTTING_DOWN",
    ],
  };
}
