/** What a run needs of memory against what this machine has, asked before it is queued. */
import type { ConfigCheck, ConfigProblem } from '../../preload/contract.ts';
import { EngineError, readFreeMemory, selectEngine } from '../engine/index.ts';
import type { DatasetRow } from '../store/datasets.ts';
import type { RunConfig } from '../training/config.ts';
import { memoryNeed, memoryProblem, type Device } from '../training/memoryFit.ts';
import type { Network } from '../training/networks/graph.ts';

export interface RunMemory {
  memory: ConfigCheck['memory'];
  /** More than the machine has in all. */
  problem: ConfigProblem | null;
  /** More than is free now; it may be free when the run starts, which looks again. */
  warning: ConfigProblem | null;
}

/** Images that each evaluation of a run on a dataset goes through. */
export function evaluatedImages({ manifest: { counts } }: Pick<DatasetRow, 'manifest'>): number {
  return counts.val + counts.test;
}

export async function runMemory(config: RunConfig, network: Network, images: number): Promise<RunMemory> {
  const device = await deviceOf(config.engine);
  const need = memoryNeed(config, network, { evaluatedImages: images, device });
  const [onDevice, host] = await Promise.all([readFreeMemory(device), readFreeMemory('cpu')]);
  const memory = {
    neededBytes: need.bytes,
    freeBytes: onDevice?.freeBytes ?? null,
    totalBytes: onDevice?.totalBytes ?? null,
    place: device === 'gpu' ? ('GPU memory' as const) : ('memory' as const),
  };
  const problemWith = (key: 'freeBytes' | 'totalBytes'): ConfigProblem | null => {
    const there = { device: onDevice?.[key] ?? null, host: host?.[key] ?? null };
    const message = memoryProblem(config, need, there, device);
    return message === null ? null : { key: 'batchSize', message };
  };
  const tooMuch = problemWith('totalBytes');
  return { memory, problem: tooMuch, warning: tooMuch === null ? problemWith('freeBytes') : null };
}

async function deviceOf(engine: RunConfig['engine']): Promise<Device> {
  try {
    return (await selectEngine(engine)).name === 'tensorflow-gpu' ? 'gpu' : 'cpu';
  } catch (error) {
    // An engine that can't be had is told when the run starts; until then the machine's memory is what is known.
    if (error instanceof EngineError) return 'cpu';
    throw error;
  }
}
