/**
 * What heads are made of, whatever the trunk: classifiers, ResLT's fusion block, and RIDE's routers. Where the
 * references compute something else at inference than in training, a value has both forms.
 */
import type { NetworkBuilder } from './graph.ts';
import { BRANCHES } from './head.ts';

/** A node in training and the one in its place at inference. */
export interface Forms {
  training: number;
  inference: number;
}

export type Outputs = Record<string, Forms>;

export function sameForms(node: number): Forms {
  return { training: node, inference: node };
}

/** The two lists of outputs that `NetworkBuilder.build` takes. */
export function outputsOf(outputs: Outputs, form: keyof Forms): Record<string, number> {
  return Object.fromEntries(Object.entries(outputs).map(([name, forms]) => [name, forms[form]]));
}

/** A declared linear layer. With `tau`, its rows are normalised at inference and it has no bias there. */
export function linearClassifier(
  builder: NetworkBuilder,
  { training, inference }: Forms,
  name: string,
  tau: number | null,
): Forms {
  const logits = builder.linear(training, name);
  if (tau !== null) return { training: logits, inference: builder.tauLinear(inference, name, tau) };
  return { training: logits, inference: inference === training ? logits : builder.linear(inference, name) };
}

/**
 * ResLT's block for large networks: a 1x1 convolution to three times the channels, batch norm and ReLU; a third of the
 * channels is one branch's. In training it stands before the pooling or behind; at inference behind, unless it is to
 * stand where it was trained. Returns the features of each branch.
 */
export function fusionBlock(
  builder: NetworkBuilder,
  map: number,
  name: string,
  {
    beforePooling,
    poolFirstAtInference = true,
    channels,
  }: { beforePooling: boolean; poolFirstAtInference?: boolean | undefined; channels: number },
): Outputs {
  const features = (input: number): number[] => {
    const geometry = { channels: BRANCHES.length * channels, kernel: 1, stride: 1, padding: 0 };
    const wide = builder.batchNorm(builder.conv(input, `${name}.0`, geometry), `${name}.1`);
    return builder.split(builder.globalAveragePool(builder.relu(wide)), BRANCHES.length);
  };
  const pooled = features(builder.asMap(builder.globalAveragePool(map)));
  const training = beforePooling ? features(map) : pooled;
  const inference = poolFirstAtInference ? pooled : training;
  return Object.fromEntries(
    BRANCHES.map((branch, index) => [branch, { training: training[index]!, inference: inference[index]! }]),
  );
}

/** Width of a router's hidden layer. */
const ROUTER_WIDTH = 16;

/**
 * RIDE's routers: one before each expert but the first, which says from the features of the expert before it and the
 * largest logits of the mean of all before it whether the next one is worth asking. The last layer is shared.
 * Returns outputs "router-0", … of shape [batch, 1].
 */
export function routers(
  builder: NetworkBuilder,
  experts: { features: number; logits: number }[],
  {
    prefix,
    topChoices,
    width,
    draw,
  }: {
    prefix: string;
    topChoices: number;
    /** Features of one expert. */
    width: number;
    draw: 'uniform' | 'normal';
  },
): Outputs {
  const count = experts.length - 1;
  const hiddenName = (index: number): string => `${prefix}expert_help_pred_hidden_fcs.${index}`;
  const shared = `${prefix}expert_help_pred_fc`;
  for (let index = 0; index < count; index++)
    builder.declareLinear(hiddenName(index), width, ROUTER_WIDTH, draw);
  builder.declareLinear(shared, topChoices + ROUTER_WIDTH, 1, draw);
  return Object.fromEntries(
    Array.from({ length: count }, (_, index) => {
      const hidden = builder.relu(
        builder.linear(builder.unitRows(experts[index]!.features), hiddenName(index)),
      );
      const mean = builder.mean(experts.slice(0, index + 1).map(({ logits }) => logits));
      const top = builder.topValues(mean, topChoices);
      return [`router-${index}`, sameForms(builder.linear(builder.concat([top, hidden]), shared))];
    }),
  );
}
