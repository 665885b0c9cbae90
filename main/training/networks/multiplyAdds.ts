/** How much computing a network is: multiplications with addition, of the layers that matter. */
import type { Network, NetworkNode } from './graph.ts';

/** Multiply-adds of the convolutions and classifiers for one image, forward, in the training form. */
export function multiplyAdds(network: Network): number {
  const { nodes } = network.training;
  const weights = new Map(network.tensors.map((spec) => [spec.name, sizeOf(spec.shape)]));
  return nodes.reduce((sum, node) => sum + ofNode(node, weights), 0);
}

function ofNode({ layer, shape }: NetworkNode, weights: Map<string, number>): number {
  switch (layer.kind) {
    case 'conv':
      // Each weight is used once a pixel of the output.
      return weights.get(layer.weight)! * shape[0]! * shape[1]!;
    case 'linear':
    case 'tauLinear':
    case 'cosine':
      return weights.get(`${layer.name}.weight`)!;
    default:
      return 0;
  }
}

function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, length) => product * length, 1);
}
