/** The status page: asks the server once a second and shows what it says. */
import type { ServerStatus, SessionSummary } from "../../client/wire.ts";
import { byId, setText, showMessage, type Tone } from "../shared/dom.ts";
import { bytes, count, duration, figure, plural } from "../shared/format.ts";
import { inWords, openPageServer } from "../shared/page-server.ts";
import { poll } from "../shared/poll.ts";
import { clipCards, clipsNote } from "./clip-list.ts";
import { CreateForm } from "./create-form.ts";
import { FrameChart } from "./frame-chart.ts";
import { SessionsTable, SHOWN_SESSIONS } from "./sessions-table.ts";
import { WorkersTable } from "./workers-table.ts";

const STATUS_EVERY_MS = 1_000;
const CLIPS_EVERY_MS = 15_000;

const { server } = openPageServer();
const trouble = byId("trouble", HTMLElement);
/** What became of the last thing somebody did here; `trouble` is about the server as a whole. */
const notice = byId("notice", HTMLElement);
const state = byId("state", HTMLElement);
const chart = new FrameChart(byId("chart", HTMLElement));
const workers = new WorkersTable(byId("workers", HTMLTableSectionElement));
const sessions = new SessionsTable({
  rows: byId("session-rows", HTMLTableSectionElement),
  onDelete: async (id) => {
    const failure = await server.sessions.delete(id).then(() => "", inWords);
    showMessage(notice, failure);
    statusPoll.now();
  },
});
const form = new CreateForm({
  create: async (request) => {
    const { session_id } = await server.sessions.create(request);
    statusPoll.now();
    return session_id;
  },
});

let before: { readonly atMs: number; readonly sent: number; readonly lost: number } | undefined;

const statusPoll = poll(STATUS_EVERY_MS, async () => {
  await attempt(async () => {
    const [status, list] = await Promise.all([server.status(), server.sessions.list()]);
    showStatus(status);
    showSessions(list);
    showMessage(trouble, "");
  });
});

poll(CLIPS_EVERY_MS, async () => {
  await attempt(async () => {
    const { clips } = await server.animations();
    form.offer(clips);
    byId("clips", HTMLElement).replaceChildren(...clipCards(clips));
    setText(byId("clips-note", HTMLElement), clipsNote(clips));
  });
});

async function attempt(task: () => Promise<void>): Promise<void> {
  try {
    await task();
  } catch (error) {
    showState("No answer", "bad");
    showMessage(trouble, inWords(error));
    before = undefined;
  }
}

function showState(text: string, tone: Tone): void {
  setText(state, text);
  state.dataset["tone"] = tone;
}

function showStatus(status: ServerStatus): void {
  if (status.status === "running") showState("Running", "good");
  else showState("Stopping", "warn");
  const { version, uptime_s, native, limits } = status;
  setText(byId("about", HTMLElement), `${version} · up ${duration(uptime_s)}`);
  const nowMs = performance.now();
  showRates(status, nowMs);
  showTile("sessions", count(status.sessions), `${count(status.sessions_created)} since the start`);
  showTile("clients", count(status.clients), `of ${count(limits.max_clients)} at most`);
  setText(byId("memory", HTMLElement), bytes(status.rss_bytes));
  setText(byId("memory-note", HTMLElement), `${bytes(status.clip_cache_bytes)} of it clips`);
  workers.show(status.workers, nowMs);
  const kernel = native.loaded
    ? `native kernels: ${native.simd}`
    : `no native kernels: ${native.reason ?? "not built"}`;
  setText(
    byId("workers-note", HTMLElement),
    `${kernel} · ${plural(status.worker_restarts, "restart")}`,
  );
}

function showRates(status: ServerStatus, nowMs: number): void {
  const { frames_sent: sent, frames_lost: lost } = status;
  const total = sent + lost;
  setText(byId("lost-share", HTMLElement), total === 0 ? "0" : `${share(lost / total)} %`);
  setText(byId("lost-note", HTMLElement), `${count(lost)} of ${count(total)}`);
  if (before && sent >= before.sent) {
    const seconds = (nowMs - before.atMs) / 1000;
    const sentHz = (sent - before.sent) / seconds;
    const lostHz = (lost - before.lost) / seconds;
    setText(byId("frame-rate", HTMLElement), figure(sentHz));
    chart.add({ atMs: nowMs, sentHz, lostHz });
  }
  before = { atMs: nowMs, sent, lost };
}

/** A per cent value with digits enough to tell little from nothing. */
function share(part: number): string {
  const percent = part * 100;
  if (percent === 0) return "0";
  return percent < 0.01 ? "< 0.01" : percent.toFixed(percent < 10 ? 2 : 1);
}

function showTile(name: "sessions" | "clients", value: string, note: string): void {
  setText(byId(`${name}-count`, HTMLElement), value);
  setText(byId(`${name}-note`, HTMLElement), note);
}

function showSessions(list: readonly SessionSummary[]): void {
  sessions.show(list);
  byId("sessions", HTMLElement).hidden = list.length === 0;
  byId("sessions-empty", HTMLElement).hidden = list.length > 0;
  const hidden = list.length - SHOWN_SESSIONS;
  setText(
    byId("sessions-shown", HTMLElement),
    hidden > 0 ? `${SHOWN_SESSIONS} of ${count(list.length)} shown` : "",
  );
}
