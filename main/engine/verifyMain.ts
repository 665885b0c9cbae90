/**
 * The program that checks a new engine: it loads the binding, takes one gradient step through a convolution, and prints
 * what it found as one JSON line. It runs in a process of its own, since a wrong library may crash it.
 *
 * Arguments: the path of the binding.
 */
import '../backends/nodeUtilShim.ts';

import { createRequire } from 'node:module';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-node-gpu/dist/register_all_kernels.js';
import { NodeJSKernelBackend } from '@tensorflow/tfjs-node-gpu/dist/nodejs_kernel_backend.js';
import type { EngineCheck } from './verify.ts';

const [bindingPath] = process.argv.slice(2);
if (bindingPath === undefined) throw new Error('The path of the binding was expected as the only argument.');

const binding = createRequire(import.meta.url)(bindingPath) as ConstructorParameters<
  typeof NodeJSKernelBackend
>[0] & { TF_Version: string };
const backend = new NodeJSKernelBackend(binding, '@tensorflow/tfjs-node-gpu');
tf.registerBackend('tensorflow', () => backend);
await tf.setBackend('tensorflow');

// Four positions of a 3x3 kernel over ones: every weight has the gradient 4, and steps from 1 to 1 - 0.1 * 4.
const images = tf.ones([1, 4, 4, 1]) as tf.Tensor4D;
const weights = tf.ones([3, 3, 1, 1]) as tf.Tensor4D;
const { value, grad } = tf.valueAndGrad((kernel: tf.Tensor) =>
  tf.sum(tf.conv2d(images, kernel as tf.Tensor4D, 1, 'valid')),
)(weights);
const check: EngineCheck = {
  tensorflowVersion: binding.TF_Version,
  usesGpu: backend.isUsingGpuDevice,
  loss: (await value.data())[0]!,
  weights: [...(await weights.sub(grad.mul(0.1)).data())],
};
console.log(JSON.stringify(check));
