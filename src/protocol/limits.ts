/**
 * Every bound of the server in one place: sizes, counts, rates and times, with their defaults. Those an operator may
 * change carry an option of the same name (app/config.ts). Depends on nothing.
 */

export const LIMITS = {
  // Sessions and clients
  maxSessions: 2_000,
  maxClients: 10_000,
  maxClientsPerSession: 5_000,
  sessionIdChars: 64,
  /** A session that nobody listens to or commands for so long is ended; 0 keeps it for ever. */
  idleTimeoutMs: 0,

  // Requests
  maxBodyBytes: 16 * 1024 * 1024,
  maxCommandBytes: 64 * 1024,
  /** Levels of nesting in JSON that clients send. */
  jsonDepth: 128,
  maxUrlBytes: 8 * 1024,
  httpIdleTimeoutS: 30,
  wsIdleTimeoutS: 120,

  // Commands
  /** Commands a session accepts per second over all its clients, and how many may arrive in one burst. */
  commandsPerSecond: 1_000,
  commandBurst: 2_000,
  /** How long a command that returns data may take. */
  commandTimeoutMs: 2_000,
  /** Commands sent to a worker and not yet applied, per session. */
  inboxCommands: 256,

  // Engines
  /** One tick over this ends the worker; the sessions beside the guilty one resume in another. */
  tickMs: 250,
  openMs: 10_000,
  loadMs: 10_000,
  closeMs: 1_000,
  /** Bytes of `save()` kept per session. */
  saveBytes: 1_024,
  /** How often a worker refreshes the saved state of each session; commands refresh it at once. */
  saveEveryMs: 1_000,

  // Streams
  minFps: 1,
  maxFps: 2_000,
  defaultFps: 60,
  maxSpeed: 16,
  /** Bytes Bun may queue for a client before frames are dropped whole; one partly written frame is always kept. */
  clientBacklogBytes: 16 * 1024,
  /** Unsent bytes the kernel may hold per client (TCP_NOTSENT_LOWAT). */
  notSentLowWaterBytes: 16 * 1024,

  // Clips
  maxClipBytes: 256 * 1024 * 1024,
  clipCacheBytes: 512 * 1024 * 1024,
  maxJoints: 4_096,
  maxClips: 10_000,

  // The server
  shutdownGraceMs: 5_000,
  /** A loader without work ends after this, giving its memory back. */
  loaderIdleMs: 30_000,
} as const;
