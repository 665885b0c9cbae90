/** Which engine a run gets: the fastest that is here for `auto`, and never another than the one asked for by name. */
import { EngineError } from './errors.ts';
import { hasGpu } from './gpu.ts';
import { findEngine, type InstalledEngine } from './installed.ts';
import { unsupportedReason } from './platform.ts';

export type EngineName = 'tensorflow-gpu' | 'tensorflow-cpu' | 'wasm';

export interface SelectedEngine {
  name: EngineName;
  /** Null for wasm. */
  engine: InstalledEngine | null;
  /** True when the GPU engine is to compute on the CPU. */
  hideGpus: boolean;
  /** Why this one, as a sentence. */
  reason: string;
}

/** What selection depends on. */
export interface EngineSituation {
  gpuEngine: InstalledEngine | null;
  cpuEngine: InstalledEngine | null;
  hasGpu: boolean;
  /** Why this system can't run the native engine; null when it can. */
  unsupported: string | null;
}

/** Chooses among what is installed and plugged in now. Throws an EngineError when `requested` names what can't be had. */
export async function selectEngine(requested: 'auto' | EngineName): Promise<SelectedEngine> {
  const [gpuEngine, cpuEngine, gpu] = await Promise.all([
    findEngine('tensorflow-gpu'),
    findEngine('tensorflow-cpu'),
    hasGpu(),
  ]);
  return decideEngine(requested, { gpuEngine, cpuEngine, hasGpu: gpu, unsupported: unsupportedReason() });
}

/** The decision itself. Pure. */
export function decideEngine(requested: 'auto' | EngineName, situation: EngineSituation): SelectedEngine {
  switch (requested) {
    case 'tensorflow-gpu':
      return decideGpu(situation);
    case 'tensorflow-cpu':
      return decideCpu(situation, 'TensorFlow on the CPU was asked for.');
    case 'wasm':
      return { name: 'wasm', engine: null, hideGpus: false, reason: 'WebAssembly was asked for.' };
    default:
      return decideAuto(situation);
  }
}

function decideGpu({ gpuEngine, hasGpu: gpu, unsupported }: EngineSituation): SelectedEngine {
  if (unsupported !== null) throw unavailable('TensorFlow on the GPU', unsupported);
  if (!gpu)
    throw unavailable(
      'TensorFlow on the GPU',
      'No NVIDIA GPU with a loaded driver was found (`nvidia-smi` lists none). Install the driver, or choose another engine.',
    );
  if (gpuEngine === null)
    throw unavailable('TensorFlow on the GPU', 'It is not installed: run `reslt engine install --gpu`.');
  return {
    name: 'tensorflow-gpu',
    engine: gpuEngine,
    hideGpus: false,
    reason: 'TensorFlow on the GPU was asked for.',
  };
}

function decideCpu({ cpuEngine, gpuEngine, unsupported }: EngineSituation, reason: string): SelectedEngine {
  if (unsupported !== null) throw unavailable('TensorFlow on the CPU', unsupported);
  // The GPU wheel computes on the CPU as well.
  const engine = cpuEngine ?? gpuEngine;
  if (engine === null)
    throw unavailable('TensorFlow on the CPU', 'It is not installed: run `reslt engine install --cpu`.');
  return { name: 'tensorflow-cpu', engine, hideGpus: true, reason };
}

function decideAuto(situation: EngineSituation): SelectedEngine {
  const { gpuEngine, cpuEngine, hasGpu: gpu, unsupported } = situation;
  if (unsupported !== null)
    return { name: 'wasm', engine: null, hideGpus: false, reason: `${unsupported} WebAssembly is used.` };
  if (gpu && gpuEngine !== null)
    return {
      name: 'tensorflow-gpu',
      engine: gpuEngine,
      hideGpus: false,
      reason: 'An NVIDIA GPU and its engine are here.',
    };
  if (cpuEngine !== null || gpuEngine !== null)
    return decideCpu(
      situation,
      gpu
        ? 'An NVIDIA GPU is here, but its engine is not installed: run `reslt engine install --gpu` to use it.'
        : 'No NVIDIA GPU was found.',
    );
  return {
    name: 'wasm',
    engine: null,
    hideGpus: false,
    reason: 'The native engine is not installed: run `reslt engine install` to train many times faster.',
  };
}

function unavailable(engine: string, why: string): EngineError {
  return new EngineError('engine-unavailable', `${engine} can't be used. ${why}`);
}
