/** Looks once more whether a training fits into the memory that is free now, before the first step needs it. */
import { readFreeMemory } from '../engine/index.ts';
import type { RunConfig } from '../training/config.ts';
import { memoryNeed, memoryProblem } from '../training/memoryFit.ts';
import { buildNetwork } from '../training/model.ts';
import type { Backend } from '../training/ops.ts';
import type { DataDescription } from '../training/types.ts';

/** Throws Error with what to do. The engine is loaded already, so its own share counts as taken. */
export async function requireMemory(
  config: RunConfig,
  data: DataDescription,
  backend: Backend,
): Promise<void> {
  const device = backend.kind === 'tensorflow-gpu' ? 'gpu' : 'cpu';
  const [onDevice, host] = await Promise.all([readFreeMemory(device), readFreeMemory('cpu')]);
  const problem = memoryProblem(
    config,
    memoryNeed(config, buildNetwork(config, data), {
      evaluatedImages: data.sizes.val + data.sizes.test,
      device,
    }),
    { device: onDevice?.freeBytes ?? null, host: host?.freeBytes ?? null },
    device,
  );
  if (problem !== null)
    throw new Error(`${problem} Resume it when there is more, or queue it again with such settings.`);
}
