/**
 * RIDE's topology over any trunk: some stages are shared, the rest exists once an expert, each expert with a classifier
 * of its own. Optionally ResLT's three branches in every expert, and routers that say when further experts are not
 * worth asking.
 */
import { linearClassifier, routers, sameForms, type Forms, type Outputs } from './classifiers.ts';
import type { NetworkBuilder } from './graph.ts';
import { BRANCHES, type ExpertsHead } from './head.ts';

export interface ExpertTrunk {
  /** Before every tensor's name, with its dot. */
  prefix: string;
  /** The stages that each expert has, in order: from the node before to the node behind. */
  stages: ((input: number, expert: number) => number)[];
  /** Channels of the last map. */
  channels: number;
  classes: number;
  /** The features of each branch of ResLT from an expert's last map. */
  branches(map: number, expert: number): Outputs;
  /** How fresh linear layers are drawn. */
  draw: 'uniform' | 'normal';
}

/** Outputs of all experts behind the shared node. Throws RangeError for a head that cannot be. */
export function expertOutputs(
  builder: NetworkBuilder,
  shared: number,
  head: ExpertsHead,
  trunk: ExpertTrunk,
): Outputs {
  checkHead(head);
  const { prefix, channels, classes, draw } = trunk;
  const experts = Array.from({ length: head.experts }, (_, expert) => expert);
  // Stage by stage over all experts, as their tensors stand in the state dict.
  let maps = experts.map(() => shared);
  for (const stage of trunk.stages) maps = maps.map((map, expert) => stage(map, expert));

  const classify = (features: Forms, expert: number): Forms => {
    const name = `${prefix}linears.${expert}`;
    if (head.classifier === 'linear') return linearClassifier(builder, features, name, head.tau);
    return sameForms(builder.cosine(features.training, name, { outputs: classes, scale: head.scale }));
  };
  const declare = (): void => {
    if (head.classifier === 'linear')
      for (const expert of experts)
        builder.declareLinear(`${prefix}linears.${expert}`, channels, classes, draw);
  };

  if (head.branches) {
    const features = experts.map((expert) => trunk.branches(maps[expert]!, expert));
    declare();
    return Object.fromEntries(
      experts.flatMap((expert) =>
        BRANCHES.map((branch) => [
          `expert-${expert}-${branch}`,
          classify(features[expert]![branch]!, expert),
        ]),
      ),
    );
  }
  const features = maps.map((map) => builder.globalAveragePool(map));
  declare();
  const logits = features.map((each, expert) => classify(sameForms(each), expert));
  const outputs: Outputs = Object.fromEntries(logits.map((forms, expert) => [`expert-${expert}`, forms]));
  if (!head.router) return outputs;
  const routed = routers(
    builder,
    features.map((each, expert) => ({ features: each, logits: logits[expert]!.training })),
    { prefix, topChoices: head.router.topChoices, width: channels, draw },
  );
  return { ...outputs, ...routed };
}

function checkHead({ experts, branches, classifier, router, tau }: ExpertsHead): void {
  if (!Number.isInteger(experts) || experts < 1)
    throw new RangeError(`the number of experts must be 1 or more, not ${experts}`);
  if (branches && classifier === 'cosine')
    throw new RangeError('experts with branches have linear classifiers, not cosine ones');
  if (branches && router) throw new RangeError('there are no routers over experts with branches');
  if (router && experts < 2) throw new RangeError('a router needs at least 2 experts to choose from');
  if (router && tau !== null)
    throw new RangeError('a router reads the logits of training: tau must be empty');
}
