/** The viewer page: a session's skeleton, moving, and the means to play with it. */
import { Bone, Group, Skeleton } from "three";
import { SomaError } from "../../client/soma-error.ts";
import type { Stream } from "../../client/stream.ts";
import { bindSkeleton } from "../../client/three.ts";
import type { SessionDetail } from "../../client/wire.ts";
import { byId, setText, showMessage } from "../shared/dom.ts";
import { inWords, openPageServer } from "../shared/page-server.ts";
import { poll } from "../shared/poll.ts";
import { Figures } from "./figures.ts";
import { hideNotice, showNotice } from "./notice.ts";
import { DARK, LIGHT } from "./palette.ts";
import { Playback } from "./playback.ts";
import { findOrStart, hasCode, wantedSession } from "./session-start.ts";
import { listenForShortcuts } from "./shortcuts.ts";
import { Stage } from "./stage.ts";

/** For tests and for the console. */
export interface ViewerProbe {
  readonly stream: Stream;
  readonly stage: Stage;
}

declare global {
  interface Window {
    somaViewer?: ViewerProbe;
  }
}

const DETAILS_EVERY_MS = 1_000;
const TOAST_MS = 6_000;

const { server } = openPageServer();
const wanted = wantedSession(new URL(location.href));
const darkness = matchMedia("(prefers-color-scheme: dark)");
const toast = byId("toast", HTMLElement);
const figures = new Figures();
const playback = new Playback({ onFailure: (error) => say(inWords(error), "bad") });
let toastTimer: ReturnType<typeof setTimeout> | undefined;
let isSmooth = true;

function say(text: string, tone: "bad" | "none" = "none"): void {
  clearTimeout(toastTimer);
  showMessage(toast, text, tone);
  toastTimer = setTimeout(() => showMessage(toast, ""), TOAST_MS);
}

const stage = openStage();
if (stage) await watch(stage);

function openStage(): Stage | undefined {
  try {
    const made = new Stage(byId("scene", HTMLCanvasElement), darkness.matches ? DARK : LIGHT);
    darkness.addEventListener("change", () => made.colour(darkness.matches ? DARK : LIGHT));
    return made;
  } catch (error) {
    showNotice({
      title: "This browser cannot draw in 3D",
      text: `WebGL is switched off or not supported here (${String(error)}). The stream itself is not affected.`,
      actions: [{ label: "All sessions", href: "/" }],
    });
    return undefined;
  }
}

/** Finds the session, connects, and hands everything its stream. */
async function watch(on: Stage): Promise<void> {
  document.title = `${wanted.id} · Soma`;
  hideNotice();
  try {
    const detail = await findOrStart(server, wanted);
    if (detail.error) throw new SomaError("SESSION_FAILED", detail.error.message);
    const stream = await server.connect(wanted.id, {
      onStatus: (status) => figures.showStatus(status),
    });
    start(on, stream, detail);
  } catch (error) {
    figures.showState("Not connected", "bad");
    await explain(error);
  }
}

function start(on: Stage, stream: Stream, detail: SessionDetail): void {
  const binding = bindSkeleton(
    {
      skeleton: stream.skeleton,
      form: stream.form,
      latest: () => stream.latest(),
      sample: (nowMs) => (isSmooth ? stream.sample(nowMs) : stream.latest()),
      onSkeleton: (listener) => stream.onSkeleton(listener),
    },
    { Bone, Group, Skeleton },
  );
  const attach = (): void => {
    on.show(binding, stream.skeleton);
    playback.attach(stream);
    figures.showBones(stream.skeleton.bone_names.length);
    showTitle(stream);
  };
  attach();
  figures.follow(stream);
  playback.showDetails(detail);
  stream.onSkeleton(attach);
  stream.onStatus(({ state, reason }) => {
    if (state === "closed" && reason) void explain(reason);
  });
  bindControls(on);
  inset(on);
  poll(DETAILS_EVERY_MS, async () => {
    if (stream.status.state !== "open") return;
    // The stream's own status tells when the server is gone.
    const news = await server.sessions.get(wanted.id).catch(() => undefined);
    if (news) playback.showDetails(news);
  });
  const draw = (nowMs: number): void => {
    on.render(nowMs);
    playback.showFrame();
    figures.show(stream, nowMs);
    requestAnimationFrame(draw);
  };
  requestAnimationFrame(draw);
  window.somaViewer = { stream, stage: on };
}

function showTitle({ skeleton, session }: Stream): void {
  const { source, animator } = skeleton;
  setText(byId("clip", HTMLElement), source?.clip ?? animator);
  const take = source && source.takes.length > 1 ? ` · ${source.take}` : "";
  setText(byId("about", HTMLElement), `${session}${take}`);
  document.title = `${source?.clip ?? session} · Soma`;
  const [warning] = source?.warnings ?? [];
  if (warning !== undefined) say(`About this clip: ${warning}`);
}

/** Tells the stage how much of the window the panels take. */
function inset(on: Stage): void {
  const header = document.querySelector("header");
  const controls = byId("controls", HTMLElement);
  const measure = (): void =>
    on.inset({
      topPx: header?.getBoundingClientRect().bottom ?? 0,
      bottomPx: innerHeight - controls.getBoundingClientRect().top,
    });
  const observer = new ResizeObserver(measure);
  observer.observe(controls);
  if (header) observer.observe(header);
  addEventListener("resize", measure);
  measure();
}

function bindControls(on: Stage): void {
  const help = byId("help", HTMLDialogElement);
  const follow = byId("follow", HTMLButtonElement);
  const smooth = byId("smooth", HTMLButtonElement);
  const toggleFollow = (): void => {
    on.follow = !on.follow;
    follow.setAttribute("aria-pressed", String(on.follow));
  };
  const toggleSmooth = (): void => {
    isSmooth = !isSmooth;
    smooth.setAttribute("aria-pressed", String(isSmooth));
  };
  follow.addEventListener("click", toggleFollow);
  smooth.addEventListener("click", toggleSmooth);
  byId("frame", HTMLButtonElement).addEventListener("click", () => on.frame());
  byId("keys", HTMLButtonElement).addEventListener("click", () => help.showModal());
  listenForShortcuts({
    " ": () => playback.toggle(),
    ArrowLeft: ({ shiftKey }) => (shiftKey ? playback.jump(-1) : playback.step(-1)),
    ArrowRight: ({ shiftKey }) => (shiftKey ? playback.jump(1) : playback.step(1)),
    ArrowUp: () => playback.shiftSpeed(1),
    ArrowDown: () => playback.shiftSpeed(-1),
    Home: () => playback.seekTo(0),
    End: () => playback.seekToEnd(),
    l: () => playback.nextLoop(),
    f: toggleFollow,
    s: toggleSmooth,
    r: () => on.frame(),
    u: () => say({ found: "Up axis: as found", y: "Up axis: Y", z: "Up axis: Z" }[on.nextUp()]),
    "?": () => help.showModal(),
  });
}

/** Says why there is nothing to watch, and what can be done. */
async function explain(error: unknown): Promise<void> {
  const home = { label: "All sessions", href: "/" };
  const again = { label: "Try again", run: () => location.reload() };
  if (!hasCode(error, "SESSION_NOT_FOUND")) {
    showNotice({ title: "The stream stopped", text: inWords(error), actions: [again, home] });
    return;
  }
  const clips = await server.animations().then(
    (answer) => answer.clips,
    () => [],
  );
  const hasFile = wanted.file !== undefined;
  showNotice({
    title: `There is no session “${wanted.id}”`,
    text: hasFile
      ? "It has ended. Start it again, or choose another clip for it."
      : "It has ended or was never started. Choose a clip to start it with:",
    clips,
    hrefOfClip: (clip) => `/view/${encodeURIComponent(wanted.id)}?file=${encodeURIComponent(clip)}`,
    actions: hasFile ? [{ ...again, label: "Start it again" }, home] : [home],
  });
}
