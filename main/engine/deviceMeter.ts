/**
 * The device meter of the top bar: the first NVIDIA GPU, or the processor where there is none. CPU utilisation is that
 * of the whole machine since the previous reading, so the first one has none.
 */
import os from 'node:os';
import { readFileSync } from 'node:fs';
import { readGpus } from './gpu.ts';

export interface DeviceReading {
  name: string;
  kind: 'gpu' | 'cpu';
  /** 0…1. */
  utilisation: number | null;
  memoryUsedBytes: number | null;
  memoryTotalBytes: number | null;
  temperatureC: number | null;
}

/** A machine without nvidia-smi is asked for GPUs this often only: a driver is not installed every second. */
const GPU_RECHECK_MS = 60_000;

let noGpuUntilMs = 0;
let previousTimes: CpuTimes | null = null;

interface CpuTimes {
  busyMs: number;
  totalMs: number;
}

/** One reading; made to be called every second or two. */
export async function readDevice(): Promise<DeviceReading> {
  if (Date.now() >= noGpuUntilMs) {
    const [gpu] = await readGpus();
    if (gpu !== undefined) {
      const { driverVersion: _, ...reading } = gpu;
      return { kind: 'gpu', ...reading };
    }
    noGpuUntilMs = Date.now() + GPU_RECHECK_MS;
  }
  return readCpu();
}

function readCpu(): DeviceReading {
  const cpus = os.cpus();
  const times = sumTimes(cpus);
  const utilisation = previousTimes === null ? null : utilisationBetween(previousTimes, times);
  previousTimes = times;
  return {
    name: `${cpus[0]?.model.trim() ?? 'CPU'}, ${cpus.length} ${cpus.length === 1 ? 'core' : 'cores'}`,
    kind: 'cpu',
    utilisation,
    memoryUsedBytes: os.totalmem() - availableMemory(),
    memoryTotalBytes: os.totalmem(),
    temperatureC: null,
  };
}

function sumTimes(cpus: os.CpuInfo[]): CpuTimes {
  let busyMs = 0;
  let totalMs = 0;
  for (const { times } of cpus) {
    const busy = times.user + times.nice + times.sys + times.irq;
    busyMs += busy;
    totalMs += busy + times.idle;
  }
  return { busyMs, totalMs };
}

/** Share of time that was busy between two readings, 0…1; null when no time passed. Pure. */
export function utilisationBetween(before: CpuTimes, after: CpuTimes): number | null {
  const total = after.totalMs - before.totalMs;
  if (total <= 0) return null;
  return Math.min(1, Math.max(0, (after.busyMs - before.busyMs) / total));
}

/** os.freemem() counts the page cache as used on Linux, where MemAvailable is what programs can still get. */
function availableMemory(): number {
  if (process.platform !== 'linux') return os.freemem();
  const kib = /^MemAvailable:\s+(\d+) kB/m.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1];
  return kib === undefined ? os.freemem() : Number(kib) * 1024;
}
