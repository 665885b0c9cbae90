/**
 * Finds which network a file's tensors belong to, from names and shapes alone: every network is built with every head
 * and compared. Numbers that a head leaves open (classes, input channels, choices of a router) are read off the sizes
 * that depend on them. Settings that no tensor shows (scales, powers of norms) get the reference's values.
 */
import type { Network, TensorSpec } from './graph.ts';
import type { Head } from './head.ts';
import { NETWORKS, type NetworkDefinition } from './index.ts';

export interface NamedShape {
  name: string;
  shape: readonly number[];
}

export interface Recognition {
  /** A name of NETWORKS. */
  network: string;
  head: Head;
  /** Null where the file lacks every tensor that shows it. */
  classes: number | null;
  channels: number;
  /** What the file puts before its names and was taken off ("module."). */
  prefix: string;
  /** Name in the file → name in the network, of everything that fits. */
  names: Map<string, string>;
  /** Tensors of the network that the file lacks, by the network's names; counters are not missed. */
  missing: string[];
  /** Tensors of the file that the network has no place for, by the file's names. */
  leftOver: string[];
  misshapen: { name: string; shape: number[]; expected: number[] }[];
  /** Whether the network can be evaluated: nothing is missing or misshapen. */
  complete: boolean;
}

/** Experts a file may have; all of them have the same layers, so a first comparison takes one number for all. */
const EXPERTS = [1, 2, 3, 4, 5, 6];
const FIRST_EXPERTS = 3;
/** The largest network, six experts of ResNet-152, has 4,500 tensors. */
const MAX_TENSORS = 20_000;
/** A prefix has at most so many parts and characters. */
const MAX_PREFIX_PARTS = 4;
const MAX_PREFIX_CHARACTERS = 200;
/** Below this share of agreement the tensors are of something else. */
const LEAST_AGREEMENT = 0.5;
/** Candidates that are built with the numbers of the file and compared exactly. */
const FINALISTS = 6;

interface Numbers {
  classes: number;
  channels: number;
  topChoices: number;
}

/** No layer of a network has such sizes, so whatever shows one of the first two depends on it. */
const PLACEHOLDERS: Numbers = { classes: 10_007, channels: 10_009, topChoices: 5 };
const OTHER_NUMBERS: Numbers = { classes: 10_037, channels: 10_039, topChoices: 7 };

interface Candidate {
  definition: NetworkDefinition;
  /** For heads without experts the number means nothing. */
  experts: number;
  head(topChoices: number, experts: number, tau: number | null): Head;
}

/** Null when no network agrees with half of the tensors. Takes about half a second. */
export function recogniseNetwork(tensors: readonly NamedShape[]): Recognition | null {
  if (tensors.length > MAX_TENSORS) return null;
  const prefixes = commonPrefixes(tensors.map(({ name }) => name));
  const rank = (candidates: readonly Candidate[]): Ranked[] =>
    candidates
      .flatMap((candidate) => {
        const network = build(candidate, PLACEHOLDERS);
        return network === null
          ? []
          : { candidate, network, match: bestMatch(network, tensors, prefixes, isPlaceholder) };
      })
      .sort((a, b) => b.match.agreement - a.match.agreement)
      .slice(0, FINALISTS);

  const first = rank(candidates());
  const others = first.flatMap(({ candidate, network }) =>
    'expert-0' in network.training.outputs || 'expert-0-h' in network.training.outputs
      ? EXPERTS.filter((experts) => experts !== candidate.experts).map((experts) => ({
          ...candidate,
          experts,
        }))
      : [],
  );
  const finalists = [...first, ...rank(others)].sort((a, b) => b.match.agreement - a.match.agreement);

  let best: { recognition: Recognition; agreement: number } | null = null;
  for (const { candidate, network, match: open } of finalists.slice(0, FINALISTS)) {
    const numbers = readNumbers(candidate, network, tensors, open.names);
    const final = build(candidate, { ...PLACEHOLDERS, channels: 3, ...numbers });
    if (final === null) continue;
    const match = bestMatch(final, tensors, prefixes, () => false);
    if (best !== null && best.agreement >= match.agreement) continue;
    best = { agreement: match.agreement, recognition: describe(candidate, final, tensors, match, numbers) };
  }
  return best === null || best.agreement < LEAST_AGREEMENT ? null : best.recognition;
}

interface Ranked {
  candidate: Candidate;
  network: Network;
  match: Match;
}

function candidates(): Candidate[] {
  const heads: Candidate['head'][] = [
    () => ({ kind: 'linear', evalTau: null }),
    () => ({ kind: 'cosine', scale: 30 }),
    (_topChoices, _experts, tau) => ({ kind: 'branches', fusionBlockBeforePooling: true, tau }),
  ];
  for (const reduceDimension of [true, false])
    for (const classifier of ['cosine', 'linear'] as const)
      for (const extra of ['none', 'branches', 'router'] as const)
        heads.push((topChoices, experts, tau) => ({
          kind: 'experts',
          experts,
          reduceDimension,
          classifier,
          scale: 30,
          tau: extra === 'branches' ? tau : null,
          branches: extra === 'branches',
          router: extra === 'router' ? { topChoices } : null,
        }));
  return NETWORKS.flatMap((definition) =>
    heads.map((head) => ({ definition, head, experts: FIRST_EXPERTS })),
  );
}

/** ResLT divides the classifiers of its large networks by row norms to this power at inference; no tensor shows it. */
function referenceTau({ imageKind }: NetworkDefinition): number | null {
  return imageKind === 'large' ? 0.7 : null;
}

/** Null for a head that the network cannot take. */
function build(
  { definition, head, experts }: Candidate,
  { classes, channels, topChoices }: Numbers,
): Network | null {
  const size = definition.imageKind === 'small' ? 32 : 224;
  try {
    return definition.build({
      height: size,
      width: size,
      channels,
      classes,
      head: head(topChoices, experts, referenceTau(definition)),
    });
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

function isPlaceholder(size: number): boolean {
  return size === PLACEHOLDERS.classes || size === PLACEHOLDERS.channels;
}

interface Match {
  prefix: string;
  /** File → network, whether the shape fits or not. */
  names: Map<string, string>;
  /** 0…1: tensors that fit, of all in the file and the network. */
  agreement: number;
}

/** The way to translate names under which most tensors fit; of equals the one that changes least. */
function bestMatch(
  network: Network,
  tensors: readonly NamedShape[],
  prefixes: readonly string[],
  isOpen: (size: number) => boolean,
): Match {
  const specs = new Map(network.tensors.map((spec) => [spec.name, spec]));
  const counted =
    network.tensors.filter(isCounted).length + tensors.filter(({ name }) => !isCounter(name)).length;
  let best: Match | null = null;
  for (const own of commonPrefixes([...specs.keys()]))
    for (const prefix of prefixes) {
      // Changing "backbone." into "backbone." is changing nothing, which is tried anyway.
      if (own !== '' && prefix.endsWith(own)) continue;
      const names = new Map<string, string>();
      for (const { name } of tensors) {
        const translated = own + name.slice(prefix.length);
        if (name.startsWith(prefix) && specs.has(translated)) names.set(name, translated);
      }
      if (names.size === 0) continue;
      addRenamedLayer(names, specs, tensors);
      const fitting = tensors.filter(({ name, shape }) => {
        const spec = specs.get(names.get(name) ?? '');
        return spec !== undefined && isCounted(spec) && fits(shape, spec.shape, isOpen);
      }).length;
      const agreement = (2 * fitting) / counted;
      if (best === null || agreement > best.agreement) best = { prefix, names, agreement };
    }
  return best ?? { prefix: '', names: new Map(), agreement: 0 };
}

/**
 * Programs name the classifier as they like ("fc", "linear"). Where exactly one layer of the network and one of the file
 * are without a partner and both have the same parts, they are one.
 */
function addRenamedLayer(
  names: Map<string, string>,
  specs: ReadonlyMap<string, TensorSpec>,
  tensors: readonly NamedShape[],
): void {
  const taken = new Set(names.values());
  const missing = layersOf([...specs.values()].filter((spec) => isCounted(spec) && !taken.has(spec.name)));
  const leftOver = layersOf(tensors.filter(({ name }) => !isCounter(name) && !names.has(name)));
  if (missing.size !== 1 || leftOver.size !== 1) return;
  const [[ourLayer, ours]] = [...missing] as [[string, string]];
  const [[theirLayer, theirs]] = [...leftOver] as [[string, string]];
  if (ours !== theirs) return;
  for (const { name } of tensors)
    if (layerOf(name) === theirLayer) names.set(name, ourLayer + name.slice(theirLayer.length));
}

/** Layer → its parts and their ranks, "weight 2, bias 1". */
function layersOf(tensors: readonly NamedShape[]): Map<string, string> {
  const layers = new Map<string, string>();
  for (const { name, shape } of tensors) {
    const layer = layerOf(name);
    const part = `${name.slice(layer.length)} ${shape.length}`;
    const parts = layers.get(layer);
    layers.set(layer, parts === undefined ? part : `${parts}, ${part}`);
  }
  return layers;
}

function layerOf(name: string): string {
  return name.slice(0, Math.max(0, name.lastIndexOf('.')));
}

function fits(
  shape: readonly number[],
  expected: readonly number[],
  isOpen: (size: number) => boolean,
): boolean {
  return (
    shape.length === expected.length && expected.every((size, axis) => size === shape[axis] || isOpen(size))
  );
}

/** Each open number, from a size that changes with it. */
function readNumbers(
  candidate: Candidate,
  network: Network,
  tensors: readonly NamedShape[],
  names: ReadonlyMap<string, string>,
): Partial<Numbers> {
  const shapes = new Map(
    tensors.flatMap(({ name, shape }) => (names.has(name) ? [[names.get(name)!, shape]] : [])),
  );
  const numbers: Partial<Numbers> = {};
  for (const key of Object.keys(PLACEHOLDERS) as (keyof Numbers)[]) {
    const other = build(candidate, { ...PLACEHOLDERS, [key]: OTHER_NUMBERS[key] });
    other?.tensors.forEach(({ name, shape }, index) => {
      shape.forEach((size, axis) => {
        const before = network.tensors[index]!.shape[axis]!;
        const found = shapes.get(name)?.[axis];
        if (size === before || found === undefined || numbers[key] !== undefined) return;
        const perUnit = (size - before) / (OTHER_NUMBERS[key] - PLACEHOLDERS[key]);
        const value = PLACEHOLDERS[key] + (found - before) / perUnit;
        if (Number.isInteger(value) && value > 0) numbers[key] = value;
      });
    });
  }
  return numbers;
}

function describe(
  { definition, head, experts }: Candidate,
  network: Network,
  tensors: readonly NamedShape[],
  { prefix, names }: Match,
  numbers: Partial<Numbers>,
): Recognition {
  const specs = new Map(network.tensors.map((spec) => [spec.name, spec]));
  const fitting = new Map<string, string>();
  const leftOver: string[] = [];
  const misshapen: Recognition['misshapen'] = [];
  for (const { name, shape } of tensors) {
    const spec = specs.get(names.get(name) ?? '');
    if (spec === undefined) leftOver.push(name);
    else if (fits(shape, spec.shape, () => false)) fitting.set(name, spec.name);
    else misshapen.push({ name, shape: [...shape], expected: spec.shape });
  }
  const found = new Set(names.values());
  const missing = network.tensors
    .filter((spec) => isCounted(spec) && !found.has(spec.name))
    .map(({ name }) => name);
  return {
    network: definition.name,
    head: head(numbers.topChoices ?? PLACEHOLDERS.topChoices, experts, referenceTau(definition)),
    classes: numbers.classes ?? null,
    channels: numbers.channels ?? 3,
    prefix,
    names: fitting,
    missing,
    leftOver,
    misshapen,
    complete: missing.length === 0 && misshapen.length === 0,
  };
}

/** "" and every beginning, up to a dot, that two thirds of the names share. */
function commonPrefixes(names: readonly string[]): string[] {
  const counts = new Map<string, number>();
  for (const name of names) {
    let dot = -1;
    for (let part = 0; part < MAX_PREFIX_PARTS; part++) {
      dot = name.indexOf('.', dot + 1);
      if (dot < 0 || dot >= MAX_PREFIX_CHARACTERS) break;
      const prefix = name.slice(0, dot + 1);
      counts.set(prefix, (counts.get(prefix) ?? 0) + 1);
    }
  }
  return ['', ...[...counts].filter(([, count]) => 3 * count >= 2 * names.length).map(([prefix]) => prefix)];
}

/** Counters of batches matter to nothing but a momentum that is not used, and old files lack them. */
function isCounted({ kind }: TensorSpec): boolean {
  return kind !== 'batchCount';
}

function isCounter(name: string): boolean {
  return name.endsWith('.num_batches_tracked');
}
