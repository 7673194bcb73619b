/** Asks again and again, never twice at once, and not while nobody looks. */

export interface Poll {
  /** Asks at once instead of when the time comes. */
  now(): void;
}

/** Calls `task` now and `everyMs` after each time it ended. `task` deals with its own failures. */
export function poll(everyMs: number, task: () => Promise<void>): Poll {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isRunning = false;
  let isWanted = false;
  const run = async (): Promise<void> => {
    clearTimeout(timer);
    if (isRunning) {
      isWanted = true;
      return;
    }
    isRunning = true;
    isWanted = false;
    await task();
    isRunning = false;
    if (isWanted) void run();
    else if (!document.hidden) timer = setTimeout(() => void run(), everyMs);
  };
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) void run();
  });
  void run();
  return { now: () => void run() };
}
