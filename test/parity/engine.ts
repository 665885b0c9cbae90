/** The engine that parity runs on: the native one where it is installed, else WebAssembly. */
import os from 'node:os';

import { loadBackend } from '../../main/backends/index.ts';
import { findEngine, selectEngine, type EngineName } from '../../main/engine/index.ts';
import type { Backend, EngineKind } from '../../main/training/ops.ts';

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

/** An engine that tests run on where it is installed. */
export interface TestEngine {
  kind: EngineKind;
  /** Why it is not here; false when it is. */
  missing: string | false;
  load(): Promise<Backend>;
}

/** WebAssembly, and the native CPU engine. */
export async function findTestEngines(): Promise<TestEngine[]> {
  const engine = (await findEngine('tensorflow-cpu')) ?? (await findEngine('tensorflow-gpu'));
  const options = { bindingPath: engine?.bindingPath ?? null, threads: os.availableParallelism() };
  return (['wasm', 'tensorflow-cpu'] as const).map((kind) => ({
    kind,
    missing: kind === 'wasm' || engine ? false : 'the native engine is not installed',
    load: () => loadBackend({ kind, ...options }),
  }));
}
