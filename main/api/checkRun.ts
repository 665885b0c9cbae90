/**
 * What a configuration would do with a dataset, before anything is queued: what is wrong with it, what to mind, and the
 * facts that follow from both. Creating runs and the form's check go through the same function.
 */
import type { Config, ConfigCheck, ConfigProblem } from '../../preload/contract.ts';
import type { DatasetRow } from '../store/datasets.ts';
import { parseRunConfig, type RunConfig } from '../training/config.ts';
import { findMethod } from '../training/methods/index.ts';
import { resolveScopeRanks, usedBranches } from '../training/methods/reslt.ts';
import { buildNetwork, countAllSteps, countSteps } from '../training/model.ts';
import { countParameters, type Network } from '../training/networks/graph.ts';
import { hasBranches } from '../training/networks/head.ts';
import { findNetwork } from '../training/networks/index.ts';
import { findPreset } from '../training/presets/index.ts';
import { milestonesOf } from '../training/schedules.ts';
import { scopeFrom } from '../training/scopes.ts';

/** A dataset whose imbalance differs by less than this share is the preset's. Counts are whole numbers, so it never fits exactly. */
const IMBALANCE_TOLERANCE = 0.05;

/** Images below this are too small for networks whose last maps are a thirty-second of them, and above too large for ResNet-32. */
const SMALLEST_PHOTOGRAPH = 112;
const LARGEST_SMALL_IMAGE = 64;

export interface CheckedRun {
  /** Null when there are problems. */
  config: RunConfig | null;
  problems: ConfigProblem[];
  warnings: ConfigProblem[];
  resolved: ConfigCheck['resolved'];
  /** The network that it would train; null with a problem or without a dataset. */
  network: Network | null;
}

/** Checks a configuration, against a dataset and the preset that it came from where they are given. */
export function checkRun(config: Config, dataset: DatasetRow | null, presetName: string | null): CheckedRun {
  const named = dataset === null ? config : { ...config, dataset: dataset.name };
  const parsed = parseRunConfig(named);
  const problems = (parsed.problems ?? []).map(({ key, message }) => ({ key: key ?? '', message }));
  const warnings = parsed.warnings.map(({ key, message }) => ({ key: key ?? '', message }));
  const refused = (): CheckedRun => ({ config: null, problems, warnings, resolved: null, network: null });
  if (dataset !== null) {
    const fit = checkPreset(dataset, presetName);
    problems.push(...fit.problems);
    warnings.push(...fit.warnings);
  }
  if (parsed.config === null || problems.length > 0) return refused();
  if (dataset === null) return { config: parsed.config, problems, warnings, resolved: null, network: null };
  problems.push(...checkScopes(parsed.config, dataset), ...checkAugmentation(parsed.config, dataset));
  if (problems.length > 0) return refused();
  const { manifest } = dataset;
  warnings.push(...checkImages(parsed.config, dataset), ...checkBatch(parsed.config, dataset));
  try {
    const network = buildNetwork(parsed.config, { ...manifest, ...inputSize(parsed.config, manifest) });
    const resolved = resolve(parsed.config, dataset, network);
    return { config: parsed.config, problems, warnings, resolved, network };
  } catch (error) {
    // What a network can't be: of this image size, or with this head.
    if (!(error instanceof RangeError)) throw error;
    problems.push({ key: 'network', message: error.message });
    return refused();
  }
}

interface Found {
  problems: ConfigProblem[];
  warnings: ConfigProblem[];
}

/** An epoch of a split that is smaller than the batch is one step of a smaller batch, whatever `dropLast` says. */
function checkBatch({ batchSize }: RunConfig, { name, manifest }: DatasetRow): ConfigProblem[] {
  const { train } = manifest.counts;
  if (train >= batchSize) return [];
  return [
    {
      key: 'batchSize',
      message: `“${name}” has ${train} training images, fewer than the batch of ${batchSize}: each epoch is one step on all of them.`,
    },
  ];
}

/** Another number of classes is an error, another imbalance a warning that is kept with the run. */
function checkPreset({ name, manifest }: DatasetRow, presetName: string | null): Found {
  const preset = presetName === null ? null : findPreset(presetName);
  if (preset === null) return { problems: [], warnings: [] };
  const { classes, imbalanceFactor } = preset.benchmark;
  const found = manifest.classCounts.length;
  if (found !== classes)
    return {
      problems: [
        {
          key: 'dataset',
          message: `The preset ${preset.name} is made for ${classes} classes, and the dataset “${name}” has ${found}. Choose another dataset, or another preset.`,
        },
      ],
      warnings: [],
    };
  // Of a subset that was cut, the factor it was cut with: truncated counts make the measured one differ for small sets.
  const factor =
    manifest.subset.type === 'full'
      ? Math.min(...manifest.classCounts) / Math.max(...manifest.classCounts)
      : manifest.subset.imbalanceFactor;
  const differs = Math.abs(factor / imbalanceFactor - 1) > IMBALANCE_TOLERANCE;
  return {
    problems: [],
    warnings: differs
      ? [
          {
            key: 'dataset',
            message: `The preset ${preset.name} is made for IF ${Math.round(1 / imbalanceFactor)}, and the dataset “${name}” has IF ${Math.round(1 / factor)}.`,
          },
        ]
      : [],
  };
}

/** Networks for photographs on small images and the other way round. */
function checkImages(config: RunConfig, { manifest }: DatasetRow): ConfigProblem[] {
  const warnings: ConfigProblem[] = [];
  const { label, imageKind } = findNetwork(config.network);
  const size = inputSize(config, manifest);
  if (imageKind === 'large' && size.height < SMALLEST_PHOTOGRAPH)
    warnings.push({
      key: 'network',
      message: `${label} is made for photographs (224 pixels), and it is given images of ${size.height} pixels: its last maps are ${Math.ceil(size.height / 32)} x ${Math.ceil(size.width / 32)}.`,
    });
  if (imageKind === 'small' && size.height > LARGEST_SMALL_IMAGE)
    warnings.push({
      key: 'network',
      message: `${label} is made for small images (32 pixels), and it is given images of ${size.height} pixels. Choose a network for photographs, or a smaller imageSize.`,
    });
  return warnings;
}

/** Height and width of what the network is given: photographs are cut to the size that the run asks for. */
function inputSize(
  config: RunConfig,
  { height, width, photographs }: DatasetRow['manifest'],
): { height: number; width: number } {
  if (photographs === null || config.imageSize === null) return { height, width };
  return { height: config.imageSize, width: config.imageSize };
}

/** Photographs are cut to the network's size, small images have it already. */
function checkAugmentation(config: RunConfig, { name, manifest }: DatasetRow): ConfigProblem[] {
  const isPhotographs = manifest.photographs !== null;
  const problems: ConfigProblem[] = [];
  if (isPhotographs && config.augmentation === 'crop')
    problems.push({
      key: 'augmentation',
      message: `“${name}” has photographs of many sizes: set augmentation to resized-crop, which cuts them to one.`,
    });
  if (!isPhotographs && config.augmentation === 'resized-crop')
    problems.push({
      key: 'augmentation',
      message: `“${name}” has small images of one size: set augmentation to crop; resized-crop is for photographs.`,
    });
  if (isPhotographs && config.rotation > 0)
    problems.push({
      key: 'rotation',
      message: `Photographs are not turned: set rotation to 0. It is for small images.`,
    });
  if (!isPhotographs && config.imageSize !== null && config.imageSize !== manifest.height)
    problems.push({
      key: 'imageSize',
      message: `“${name}” has images of ${manifest.height} pixels, which no run changes: leave imageSize empty. It is for photographs.`,
    });
  return problems;
}

function checkScopes(config: RunConfig, { name, manifest }: DatasetRow): ConfigProblem[] {
  const classes = manifest.classCounts.length;
  return ['mediumFrom', 'tailFrom'].flatMap((key) => {
    const rank = config[key];
    return typeof rank === 'number' && rank > classes
      ? [
          {
            key,
            message: `${key} must be a rank from 0 to ${classes}, the number of classes of “${name}”, not ${rank}.`,
          },
        ]
      : [];
  });
}

function resolve(
  config: RunConfig,
  { manifest }: DatasetRow,
  network: Network,
): NonNullable<ConfigCheck['resolved']> {
  const { classCounts, counts } = manifest;
  return {
    stepsPerEpoch: countSteps(config, counts.train),
    totalSteps: countAllSteps(config, counts.train),
    milestones: milestonesOf(config),
    parameters: countParameters(network),
    branches: branchScopes(config, classCounts),
  };
}

/** What each branch of the method sees of the training images; empty for a method without branches. */
function branchScopes(
  config: RunConfig,
  classCounts: number[],
): NonNullable<ConfigCheck['resolved']>['branches'] {
  const head = findMethod(config.method).head(config);
  if (!hasBranches(head)) return [];
  const { mediumFrom, tailFrom } = resolveScopeRanks(config, classCounts.length);
  const ranks: Record<string, number> = { h: 0, m: mediumFrom, t: tailFrom };
  return usedBranches(config).map((id) => {
    const fromRank = ranks[id] ?? 0;
    const classes = scopeFrom(classCounts, fromRank);
    return {
      id,
      label: id.toUpperCase(),
      fromRank,
      classes: classes.length,
      images: classes.reduce((sum, index) => sum + classCounts[index]!, 0),
    };
  });
}
