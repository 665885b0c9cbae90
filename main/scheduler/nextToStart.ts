/** Which waiting runs may start now: a pure decision, so that every case is a row in a test. */

export interface WaitingRun {
  runId: number;
  /** The device whose slot it takes: "cpu", "gpu". */
  device: string;
}

export interface StartLimits {
  /** A paused queue starts nothing; what runs goes on. */
  paused: boolean;
  /** Runs at once on one device, from 1. */
  perDevice: number;
}

/**
 * Ids of the runs to start, in queue order. A run whose device is full does not hold up a later one for another device.
 *
 * `waiting` is in queue order; `running` has one entry for each slot taken.
 */
export function nextToStart(
  waiting: readonly WaitingRun[],
  running: readonly { device: string }[],
  limits: StartLimits,
): number[] {
  if (limits.paused) return [];
  const taken = new Map<string, number>();
  for (const { device } of running) taken.set(device, (taken.get(device) ?? 0) + 1);
  const starts: number[] = [];
  for (const { runId, device } of waiting) {
    const slots = taken.get(device) ?? 0;
    if (slots >= limits.perDevice) continue;
    taken.set(device, slots + 1);
    starts.push(runId);
  }
  return starts;
}
