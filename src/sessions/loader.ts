/**
 * The loader worker as main sees it: started for the first job, one job at a time, stopped when idle or when a job exceeds
 * its time (the job fails, those behind it go on in a new worker).
 */
import { Fault, fromFaultRecord, messageOf } from "../core/fault.ts";
import { writeLog } from "../core/log.ts";
import type { FromLoader, PluginFiles, ToLoader } from "../engines/runtime/messages.ts";
import { LIMITS } from "../protocol/limits.ts";
import { workerUrl } from "./worker-url.ts";

interface Job {
  readonly number: number;
  readonly engine: string;
  readonly method: "load" | "inspect";
  readonly options: unknown;
  resolve(value: unknown): void;
  reject(fault: Fault): void;
}

export interface LoaderSettings {
  readonly plugins: PluginFiles;
  readonly logLevel: string;
  readonly loadMs: number;
}

export class Loader {
  readonly #settings: LoaderSettings;
  readonly #queue: Job[] = [];
  #worker: Worker | undefined;
  #running: Job | undefined;
  #timer: Timer | undefined;
  #lastJob = 0;

  constructor(settings: LoaderSettings) {
    this.#settings = settings;
  }

  /** Runs an engine's `load` or `inspect`. Rejects with CLIP_LOAD_TIMEOUT or what the engine threw. */
  async run(engine: string, method: "load" | "inspect", options: unknown): Promise<unknown> {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    this.#queue.push({ number: ++this.#lastJob, engine, method, options, resolve, reject });
    this.#next();
    return await promise;
  }

  close(): void {
    this.#stop();
    const fault = new Fault("SHUTTING_DOWN", "the server is stopping");
    for (const job of [this.#running, ...this.#queue.splice(0)]) job?.reject(fault);
    this.#running = undefined;
  }

  #next(): void {
    if (this.#running) return;
    const job = this.#queue.shift();
    clearTimeout(this.#timer);
    if (!job) {
      this.#timer = setTimeout(() => this.#stop(), LIMITS.loaderIdleMs);
      this.#timer.unref();
      return;
    }
    this.#running = job;
    const worker = this.#start();
    const { loadMs } = this.#settings;
    this.#timer = setTimeout(() => {
      this.#stop();
      this.#settle((running) =>
        running.reject(new Fault("CLIP_LOAD_TIMEOUT", `loading took longer than ${loadMs} ms`)),
      );
    }, loadMs);
    const { number, engine, method, options } = job;
    worker.postMessage({ type: "load", job: number, engine, method, options } satisfies ToLoader);
  }

  #start(): Worker {
    if (this.#worker) return this.#worker;
    const worker = new Worker(workerUrl("loader"), { ref: false });
    this.#worker = worker;
    worker.onmessage = (event: MessageEvent<FromLoader>) => this.#receive(worker, event.data);
    worker.onerror = (event) => {
      event.preventDefault();
      this.#crashed(worker, messageOf(event.message));
    };
    worker.addEventListener("close", () => this.#crashed(worker, "the loader ended"));
    const { plugins, logLevel } = this.#settings;
    worker.postMessage({ type: "start", plugins, logLevel } satisfies ToLoader);
    return worker;
  }

  #stop(): void {
    this.#worker?.terminate();
    this.#worker = undefined;
  }

  #crashed(worker: Worker, reason: string): void {
    if (worker !== this.#worker) return;
    this.#stop();
    this.#settle((job) => job.reject(new Fault("INTERNAL", `loading failed: ${reason}`)));
  }

  #receive(worker: Worker, message: FromLoader): void {
    if (message.type === "log") return writeLog(message.record);
    if (
      message.type === "ready" ||
      worker !== this.#worker ||
      message.job !== this.#running?.number
    )
      return;
    this.#settle((job) => {
      if (message.type === "done") job.resolve(message.value);
      else job.reject(fromFaultRecord(message.fault));
    });
  }

  #settle(how: (job: Job) => void): void {
    const job = this.#running;
    this.#running = undefined;
    if (job) how(job);
    this.#next();
  }
}
