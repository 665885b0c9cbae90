/** NVIDIA GPUs of this machine, as the driver's own tool reports them. Reading never throws: no tool, no GPU. */
import { existsSync, readFileSync } from 'node:fs';
import { runProgram } from './process.ts';

export interface GpuReading {
  name: string;
  driverVersion: string;
  /** 0…1; null when the driver does not tell. */
  utilisation: number | null;
  memoryUsedBytes: number | null;
  memoryTotalBytes: number | null;
  temperatureC: number | null;
}

const QUERY = 'name,driver_version,utilization.gpu,memory.used,memory.total,temperature.gpu';
const QUERY_TIMEOUT_MS = 5_000;
const MIB = 1024 * 1024;

/** Every GPU that nvidia-smi lists, in its order. */
export async function readGpus(): Promise<GpuReading[]> {
  const result = await runProgram('nvidia-smi', [`--query-gpu=${QUERY}`, '--format=csv,noheader,nounits'], {
    timeoutMs: QUERY_TIMEOUT_MS,
  });
  return result.code === 0 ? parseGpuQuery(result.stdout) : [];
}

/** Parses the CSV of QUERY; `[N/A]` and `[Not Supported]` are null. Memory comes in MiB, utilisation in percent. */
export function parseGpuQuery(text: string): GpuReading[] {
  return text
    .split('\n')
    .map((line) => line.split(',').map((field) => field.trim()))
    .filter((fields) => fields.length === QUERY.split(',').length)
    .map(([name, driverVersion, utilisation, used, total, temperature]) => ({
      name: name!,
      driverVersion: driverVersion!,
      utilisation: scaled(utilisation!, 1 / 100),
      memoryUsedBytes: scaled(used!, MIB),
      memoryTotalBytes: scaled(total!, MIB),
      temperatureC: scaled(temperature!, 1),
    }));
}

function scaled(field: string, factor: number): number | null {
  const value = Number.parseFloat(field);
  return Number.isFinite(value) ? value * factor : null;
}

/** Version of the loaded NVIDIA kernel driver; null when none is loaded. Also there when nvidia-smi is not. */
export function readKernelDriver(): string | null {
  const file = '/proc/driver/nvidia/version';
  if (!existsSync(file)) return null;
  return /Kernel Module[^\d]*([\d.]+)/.exec(readFileSync(file, 'utf8'))?.[1] ?? 'unknown version';
}

/** Whether an NVIDIA GPU with its driver is here. */
export async function hasGpu(): Promise<boolean> {
  // A container sees the host's driver also when it was given no device.
  if (readKernelDriver() !== null && existsSync('/dev/nvidia0')) return true;
  return (await readGpus()).length > 0;
}
