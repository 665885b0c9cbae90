/** The engine that parity runs on: the native one where it is installed, else WebAssembly. */
import os from 'node:os';

import { loadBackend } from '../../main/backends/index.ts';
import { selectEngine, type EngineName } from '../../main/engine/index.ts';
import type { Backend } from '../../main/training/ops.ts';

const NAMES: readonly string[] = ['auto', 'tensorflow-gpu', 'tensorflow-cpu', 'wasm'];

/** Throws Error when an engine that was named is not there. */
export async function loadParityEngine(requested: string): Promise<Backend> {
  if (!NAMES.includes(requested))
    throw new Error(`There is no engine "${requested}"; there are ${NAMES.join(', ')}.`);
  const { name, engine } = await selectEngine(requested as 'auto' | EngineName);
  return loadBackend({
    kind: name,
    bindingPath: engine?.bindingPath ?? null,
    threads: os.availableParallelism(),
  });
}
