/** Entry point of the worker that reads assets. */
import { LoaderWorker } from "../src/engines/runtime/loader-worker.ts";
import type { ToLoader } from "../src/engines/runtime/messages.ts";

declare const self: Worker;

const worker = new LoaderWorker((message) => self.postMessage(message));
self.onmessage = (event: MessageEvent<ToLoader>) => worker.receive(event.data);
