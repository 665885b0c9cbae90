/**
 * Loads the portable engine: tfjs compiled to WebAssembly with SIMD. Under Node it computes in one thread (its
 * threaded build needs a browser), so it is for machines without the native engine and for quick tests.
 */
// For its gradients: tfjs-core's build for Node registers none, and losses are differentiated by tfjs.
import '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs-core';
import { version_wasm } from '@tensorflow/tfjs-backend-wasm';

import type { Backend } from '../training/ops.ts';
import { CompositeOps } from './compositeOps.ts';

/** Makes WebAssembly tfjs' backend. Throws Error when it does not start. */
export async function loadWasm(): Promise<Backend> {
  if (!(await tf.setBackend('wasm')))
    throw new Error('WebAssembly did not start: this system cannot run tfjs-backend-wasm.');
  await tf.ready();
  return {
    kind: 'wasm',
    ops: new CompositeOps(),
    threads: 1,
    device: 'CPU, 1 thread',
    version: version_wasm,
  };
}
