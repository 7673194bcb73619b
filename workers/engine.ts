/** Entry point of the workers that run sessions. */
import { EngineWorker } from "../src/engines/runtime/engine-worker.ts";
import type { ToEngineWorker } from "../src/engines/runtime/messages.ts";

declare const self: Worker;

const worker = new EngineWorker((message) => self.postMessage(message));
self.onmessage = (event: MessageEvent<ToEngineWorker>) => worker.receive(event.data);
