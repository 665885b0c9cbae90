/** The engines that can be loaded into this process. One process loads one engine. */
import type { Backend, EngineKind } from '../training/ops.ts';

export interface BackendOptions {
  kind: EngineKind;
  /** The compiled binding of the native engines. */
  bindingPath?: string | null;
  /** CPU threads that one kernel may use. */
  threads: number;
  /** For people, e.g. the GPU's name. */
  device?: string;
}

/** Loads an engine and makes it tfjs' backend. Throws Error with a sentence when it cannot be had. */
export async function loadBackend({ kind, bindingPath, threads, device }: BackendOptions): Promise<Backend> {
  if (kind === 'wasm') {
    const { loadWasm } = await import('./wasm.ts');
    return loadWasm();
  }
  if (!bindingPath)
    throw new Error(
      `The engine ${kind} needs TensorFlow's binding, which is not installed. Run "reslt engine install".`,
    );
  const { loadNative } = await import('./native.ts');
  return loadNative({ kind, bindingPath, threads, ...(device !== undefined && { device }) });
}
