/** How long the owner waits for a trainer before it does something about it. */
export interface Deadlines {
  /** A trainer that was asked to stop finishes its step, saves a checkpoint and leaves; an evaluation takes seconds. */
  stopMs: number;
  /** After SIGTERM it leaves at once, unless its loop is blocked. After that: SIGKILL. */
  terminateMs: number;
  /** A trainer that said its last word has so long to leave before it is killed. */
  exitMs: number;
  /** Silence after which a living trainer is shown as not responding. It is never killed for that. */
  silenceMs: number;
  /** A trainer whose pid was not noted, because the owner died then, has so long to write the first record. */
  firstRecordMs: number;
}

export const DEADLINES: Deadlines = {
  stopMs: 30_000,
  terminateMs: 10_000,
  exitMs: 15_000,
  silenceMs: 15_000,
  firstRecordMs: 3_000,
};

/** The journal is looked at so often also without word from the socket, and a lost connection tried again. */
export const POLL_INTERVAL_MS = 250;
/** Without a connection the pid is looked at so often: a dead trainer is known well within 5 s. */
export const CHECK_INTERVAL_MS = 1000;
