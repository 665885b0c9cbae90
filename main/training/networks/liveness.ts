/** Which values of a graph live how long in a forward pass, for freeing them in time and for estimating memory. */
import type { Graph } from './graph.ts';

/** For each node, the nodes whose value nobody reads after it in the forward pass (outputs excepted). */
export function lastUses(graph: Graph): number[][] {
  const last = new Map<number, number>();
  graph.nodes.forEach((node, index) => node.inputs.forEach((input) => last.set(input, index)));
  for (const output of Object.values(graph.outputs)) last.delete(output);
  const plan: number[][] = graph.nodes.map(() => []);
  for (const [input, index] of last) plan[index]!.push(input);
  return plan;
}
