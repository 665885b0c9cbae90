/** How much memory a training could get now: of the first NVIDIA GPU, or of this machine within the limits set on it. */
import os from 'node:os';
import { readGpus } from './gpu.ts';

export interface FreeMemory {
  freeBytes: number;
  totalBytes: number;
}

/** Null where the driver does not tell. */
export async function readFreeMemory(device: 'gpu' | 'cpu'): Promise<FreeMemory | null> {
  if (device === 'gpu') {
    const [gpu] = await readGpus();
    if (gpu === undefined || gpu.memoryTotalBytes === null || gpu.memoryUsedBytes === null) return null;
    return { freeBytes: gpu.memoryTotalBytes - gpu.memoryUsedBytes, totalBytes: gpu.memoryTotalBytes };
  }
  // A container's limit is what counts there; 0 or a huge number means that there is none.
  const limit = node.constrainedMemory?.() ?? 0;
  const totalBytes = limit > 0 && limit < os.totalmem() ? limit : os.totalmem();
  return { freeBytes: Math.min(node.availableMemory?.() ?? os.freemem(), totalBytes), totalBytes };
}

/** Electron's main process may have an older Node, which does not look at limits. */
const node: Partial<Pick<NodeJS.Process, 'constrainedMemory' | 'availableMemory'>> = process;
