/** What a run needs of memory against what this machine has, asked before it is queued. */
import type { ConfigCheck, ConfigProblem } from '../../preload/contract.ts';
import { EngineError, readFreeMemory, selectEngine } from '../engine/index.ts';
import type { RunConfig } from '../training/config.ts';
import { memoryNeed, memoryProblem } from '../training/memoryFit.ts';
import type { Network } from '../training/networks/graph.ts';

export interface RunMemory {
  memory: ConfigCheck['memory'];
  /** More than the machine has in all. */
  problem: ConfigProblem | null;
  /** More than is free now; it may be free when the run starts, which looks again. */
  warning: ConfigProblem | null;
}

export async function runMemory(config: RunConfig, network: Network): Promise<RunMemory> {
  const need = memoryNeed(config, network);
  const device = await deviceOf(config.engine);
  const free = await readFreeMemory(device);
  const place = device === 'gpu' ? 'GPU memory' : 'memory';
  const memory = {
    neededBytes: need.bytes,
    freeBytes: free?.freeBytes ?? null,
    totalBytes: free?.totalBytes ?? null,
    place,
  };
  if (free === null) return { memory, problem: null, warning: null };
  const tooMuch = memoryProblem(config, need, free.totalBytes, place);
  const notNow = memoryProblem(config, need, free.freeBytes, place);
  const at = (message: string | null): ConfigProblem | null =>
    message === null ? null : { key: 'batchSize', message };
  return { memory, problem: at(tooMuch), warning: tooMuch === null ? at(notNow) : null };
}

async function deviceOf(engine: RunConfig['engine']): Promise<'gpu' | 'cpu'> {
  try {
    return (await selectEngine(engine)).name === 'tensorflow-gpu' ? 'gpu' : 'cpu';
  } catch (error) {
    // An engine that can't be had is told when the run starts; until then the machine's memory is what is known.
    if (error instanceof EngineError) return 'cpu';
    throw error;
  }
}
