/**
 * What the backward pass of a graph computes and reads, when only some tensors are trained: gradients flow down to
 * these and no further, and only activations on the way survive the forward pass.
 */
import type { Graph, Layer } from './graph.ts';

export interface GradientNeeds {
  /** For each node, whether the gradient by its value is computed. */
  needed: boolean[];
  /** Nodes whose values the backward pass reads, and the outputs. */
  kept: Set<number>;
}

export function gradientNeeds(
  graph: Graph,
  trained: ReadonlySet<string>,
  inputGradient: boolean,
): GradientNeeds {
  const { nodes } = graph;
  const needed: boolean[] = [];
  for (const { layer, inputs } of nodes) {
    const below = !stopsGradient(layer) && inputs.some((input) => needed[input]);
    const own = tensorNames(layer).some((name) => trained.has(name));
    needed.push(layer.kind === 'input' ? inputGradient : below || own);
  }
  const kept = new Set<number>([0, ...Object.values(graph.outputs)]);
  nodes.forEach(({ layer, inputs }, index) => {
    if (!needed[index]) return;
    switch (layer.kind) {
      case 'relu':
        kept.add(index);
        return;
      case 'maxPool':
        kept.add(index).add(inputs[0]!);
        return;
      case 'conv':
      case 'linear':
      case 'batchNorm':
      case 'cosine':
        kept.add(inputs[0]!);
    }
  });
  return { needed, kept };
}

/** The trainable tensors that a layer reads. */
export function tensorNames(layer: Layer): string[] {
  switch (layer.kind) {
    case 'conv':
      return [layer.weight];
    case 'batchNorm':
    case 'linear':
      return [`${layer.name}.weight`, `${layer.name}.bias`];
    case 'cosine':
    case 'tauLinear':
      return [`${layer.name}.weight`];
    default:
      return [];
  }
}

function stopsGradient({ kind }: Layer): boolean {
  return kind === 'unitRows' || kind === 'mean' || kind === 'topValues';
}
