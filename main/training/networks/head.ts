/**
 * What a method puts on top of a network. The trunk (networks/index.ts) is chosen by the configuration, the head by
 * the method; each trunk builds every head, in the form that its reference implementation has.
 */
export type Head =
  /** One linear classifier; output "logits". With `evalTau`, at inference rows are divided by norm^evalTau and the bias is dropped. */
  | { kind: 'linear'; evalTau: number | null }
  /** One classifier by the cosine between features and class vectors, times `scale`; output "logits". */
  | { kind: 'cosine'; scale: number }
  /**
   * ResLT: outputs "h", "m", "t" by one shared classifier. The large networks' head is a 1x1 convolution ("fusion
   * block"): whether it stands before the pooling in training, and whether the map is pooled before it at inference
   * all the same (as the reference does, and the default). `tau` is the power of the row norms by which the classifier
   * is divided at inference, without bias; null leaves it as it is.
   */
  | {
      kind: 'branches';
      fusionBlockBeforePooling: boolean;
      poolFirstAtInference?: boolean;
      tau: number | null;
    }
  | ExpertsHead;

/** RIDE: the last two stages and the classifier once an expert; outputs "expert-0", "expert-1", … */
export interface ExpertsHead {
  kind: 'experts';
  /** At least 1. */
  experts: number;
  /** Experts three quarters as wide. */
  reduceDimension: boolean;
  classifier: 'cosine' | 'linear';
  /** Factor of the cosines; a linear classifier has none. */
  scale: number;
  /** Linear classifiers at inference: rows divided by norm^tau and no bias; null leaves them as they are. */
  tau: number | null;
  /** ResLT in every expert: outputs "expert-0-h", "expert-0-m", "expert-0-t", … instead. */
  branches: boolean;
  /** As in the head "branches", for the large networks with branches. */
  poolFirstAtInference?: boolean;
  /** Adds RIDE's routers: outputs "router-0" … of shape [batch, 1], one less than experts, and the size of their input. */
  router: { topChoices: number } | null;
}

/** The branches of ResLT, from the one for all classes to the one for rare ones. */
export const BRANCHES = ['h', 'm', 't'] as const;

/** Whether a head has ResLT's branches, its own or in every expert. */
export function hasBranches(head: Head): boolean {
  return head.kind === 'branches' || (head.kind === 'experts' && head.branches);
}

/** Names of the outputs of logits over all classes, in order. */
export function outputNames(head: Head): string[] {
  switch (head.kind) {
    case 'linear':
    case 'cosine':
      return ['logits'];
    case 'branches':
      return [...BRANCHES];
    case 'experts': {
      const experts = Array.from({ length: head.experts }, (_, expert) => `expert-${expert}`);
      if (!head.branches) return experts;
      return experts.flatMap((expert) => BRANCHES.map((branch) => `${expert}-${branch}`));
    }
  }
}

/** Prefixes that the reference implementations put before the trunk's names, by head. */
const TRUNK_PREFIX = /^(backbone|model)\./;

/** A tensor's name without the prefix of the trunk: the same below every head. */
export function withoutTrunkPrefix(tensorName: string): string {
  return tensorName.replace(TRUNK_PREFIX, '');
}

const HEAD_TENSOR =
  /^((linear|fc)\.(weight|bias)|linears\.|finalBlock\.|ResLTBlocks\.|BN[HMT]s?\.|expert_help_pred)/;

/** Whether a tensor belongs to a head: a classifier, ResLT's branches, a router. Experts' own stages are no head's. */
export function isHeadTensor(tensorName: string): boolean {
  return HEAD_TENSOR.test(withoutTrunkPrefix(tensorName));
}
