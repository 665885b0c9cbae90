/**
 * Loads the native engine: a tfjs-node binding that was compiled against a current TensorFlow and lies anywhere on
 * disk. tfjs-node's own entry looks for its binding only inside its package, so the parts are put together here.
 *
 * TensorFlow reads its environment when the binding is loaded: the number of threads must be set before, and one
 * process can load one binding only.
 */
import './nodeUtilShim.ts';

import { createRequire } from 'node:module';
import process from 'node:process';

import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-node-gpu/dist/register_all_kernels.js';
import { NodeJSKernelBackend } from '@tensorflow/tfjs-node-gpu/dist/nodejs_kernel_backend.js';

import type { Backend } from '../training/ops.ts';
import { NativeOps, type KernelRunner } from './nativeOps.ts';

const require = createRequire(import.meta.url);

interface Binding {
  TF_Version?: string;
}

export interface NativeOptions {
  kind: 'tensorflow-gpu' | 'tensorflow-cpu';
  /** The compiled `tfjs_binding.node`, beside its TensorFlow libraries. */
  bindingPath: string;
  /** Threads within one kernel. */
  threads: number;
  /** For people, e.g. the GPU's name; the default names the CPU threads. */
  device?: string;
}

let loaded: { options: NativeOptions; backend: Backend } | null = null;

/**
 * Loads TensorFlow and makes it tfjs' backend; asked again for the same, gives what is loaded. Throws Error when the
 * binding does not load, has no GPU for 'tensorflow-gpu', or something else is loaded already.
 */
export async function loadNative(options: NativeOptions): Promise<Backend> {
  const { kind, bindingPath, threads, device } = options;
  if (loaded) {
    const before = loaded.options;
    if (before.kind !== kind || before.bindingPath !== bindingPath || before.threads !== threads)
      throw new Error(
        `This process has loaded ${before.kind} with ${before.threads} threads from ${before.bindingPath}; ` +
          'anything else needs another process.',
      );
    await tf.setBackend('tensorflow');
    return loaded.backend;
  }
  setThreads(threads);
  if (kind === 'tensorflow-cpu') process.env['CUDA_VISIBLE_DEVICES'] = '-1';
  process.env['TF_FORCE_GPU_ALLOW_GROWTH'] ??= 'true';
  process.env['TF_CPP_MIN_LOG_LEVEL'] ??= '1';

  let binding: Binding;
  try {
    binding = require(bindingPath) as Binding;
  } catch (error) {
    throw new Error(
      `Could not load the TensorFlow binding ${bindingPath}: ${(error as Error).message}. ` +
        'Run "reslt engine install" to build it again, or choose the engine "wasm".',
      { cause: error },
    );
  }
  const Runner = NodeJSKernelBackend as unknown as new (
    binding: unknown,
    packageName: string,
  ) => tf.KernelBackend & KernelRunner & { isUsingGpuDevice: boolean };
  const runner = new Runner(binding, '@tensorflow/tfjs-node-gpu');
  if (kind === 'tensorflow-gpu' && !runner.isUsingGpuDevice)
    throw new Error(
      'TensorFlow found no GPU that it can use. Run "reslt doctor" to see why, or choose the engine "tensorflow-cpu".',
    );
  tf.registerBackend('tensorflow', () => runner, 3);
  await tf.setBackend('tensorflow');
  const backend: Backend = {
    kind,
    ops: new NativeOps(runner),
    threads,
    device:
      device ?? (kind === 'tensorflow-gpu' ? 'GPU' : `CPU, ${threads} thread${threads === 1 ? '' : 's'}`),
    version: binding.TF_Version ?? 'unknown',
  };
  loaded = { options, backend };
  return backend;
}

/** Pins TensorFlow's thread pools. Another number of threads sums in another order, so results differ in the last bits. */
function setThreads(threads: number): void {
  process.env['TF_NUM_INTRAOP_THREADS'] = String(threads);
  process.env['TF_NUM_INTEROP_THREADS'] = '1';
}
