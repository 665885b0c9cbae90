/**
 * Checkpoints side by side. The numbers come from their stored logits, worked out in the background; here they get their
 * names, their epochs, their seed groups, and the reasons why some of them can't be compared image by image.
 */
import path from 'node:path';
import type {
  Api,
  CheckpointInfo,
  ComparedItem,
  Comparison,
  Config,
  GroupId,
  GroupSchemeId,
  Selection,
} from '../../preload/contract.ts';
import type { TaskResult } from '../owner/backgroundTasks.ts';
import type { CheckpointRow } from '../store/checkpoints.ts';
import type { DatasetRow } from '../store/datasets.ts';
import { StudioError } from '../store/errors.ts';
import type { RunRow } from '../store/runs.ts';
import { findCheckpointRow, infoOf } from './checkpoints.ts';
import { fieldLabel, methodInfoOf, sameValue } from './configText.ts';
import type { ApiContext } from './context.ts';

/** A comparison of large test splits takes some seconds; a minute means that something hangs. */
const COMPARE_TIMEOUT_MS = 120_000;

interface Candidate {
  ref: string;
  checkpoint: CheckpointRow;
  info: CheckpointInfo;
  run: RunRow;
  dataset: DatasetRow;
}

type Analysis = TaskResult<'compareCheckpoints'>['items'][number];

export function compareApi(context: ApiContext): Pick<Api, 'compare'> {
  return { compare: ({ refs, scheme }) => compare(context, refs, scheme) };
}

async function compare(context: ApiContext, refs: string[], scheme: GroupSchemeId): Promise<Comparison> {
  const { store, libraryFolder, background } = context;
  const candidates = refs.map((ref) => readCandidate(context, ref));
  const [first] = candidates;
  if (first === undefined)
    throw new StudioError('invalid-arguments', 'At least one checkpoint was expected, and none came.');
  const reason = whyNotPaired(candidates);

  const analyse = (group: Candidate[]): Promise<TaskResult<'compareCheckpoints'>> =>
    background.run(
      'compareCheckpoints',
      {
        checkpoints: group.map((candidate) => storedOutputs(context, candidate)),
        datasetFolder: path.join(libraryFolder, group[0]!.dataset.folder),
        split: 'test',
        schemes: [scheme],
      },
      { timeoutMs: COMPARE_TIMEOUT_MS },
    );
  const results = reason === null ? [await analyse(candidates)] : [];
  // Each on its own data then, without pairs.
  if (reason !== null) for (const candidate of candidates) results.push(await analyse([candidate]));
  const analyses = results.flatMap(({ items }) => items);
  const [whole] = results;

  const facts = store.datasets.facts(first.dataset.id);
  return {
    items: candidates.map((candidate, index) => toItem(context, candidate, analyses[index]!, scheme)),
    scheme: facts.schemes.find(({ id }) => id === scheme)!,
    images: whole!.examples,
    imagesByGroup: whole!.examplesByGroup[scheme] as Record<GroupId, number>,
    classNames: facts.classNames,
    classCounts: facts.classCounts,
    pairs:
      reason !== null
        ? []
        : whole!.pairs.map(({ a, b, bothRight, bothWrong, perClass, schemes }) => ({
            a,
            b,
            all: schemes[scheme]!.all,
            groups: schemes[scheme]!.groups as Comparison['pairs'][number]['groups'],
            perClass,
            bothRight,
            bothWrong,
          })),
    tests: reason === null ? (whole!.tests[scheme] ?? 0) : 0,
    settings: compareSettings(candidates.map(({ run }) => run.config)),
    warnings: [...(reason === null ? [] : [reason]), ...cautions(candidates)],
  };
}

function readCandidate(context: ApiContext, ref: string): Candidate {
  const { store } = context;
  const checkpoint = findCheckpointRow(context, ref);
  const run = store.runs.get(checkpoint.runId);
  if (checkpoint.logits === null || !checkpoint.logits.splits.some(({ split }) => split === 'test'))
    throw new StudioError(
      'not-found',
      `The checkpoint ${ref} has no stored outputs on the test split, so it can't be compared. ` +
        'Evaluate it (`reslt eval`), or choose one that was saved at the end of an epoch.',
    );
  return {
    ref,
    checkpoint,
    info: infoOf(context, checkpoint),
    run,
    // Logits were made on the images of a dataset.
    dataset: store.datasets.get(run.datasetId!),
  };
}

function storedOutputs(
  { libraryFolder }: ApiContext,
  { checkpoint, run }: Candidate,
): { logitsFile: string; fusedLabel: string; branches: { id: string; label: string }[]; residual: boolean } {
  const { fusedLabel, branches, addsUp } = methodInfoOf(run.config);
  const outputs = checkpoint.logits!.splits.find(({ split }) => split === 'test')!.outputs;
  const stored = branches.filter(({ id }) => outputs.includes(id));
  return {
    logitsFile: path.join(libraryFolder, checkpoint.runFolder, checkpoint.logits!.file),
    fusedLabel:
      stored.length === branches.length
        ? fusedLabel
        : stored.map(({ label }) => label).join('+') || fusedLabel,
    branches: stored,
    residual: addsUp,
  };
}

/** Why the images of one can't be paired with those of another, or null. */
function whyNotPaired(candidates: readonly Candidate[]): string | null {
  const [first, ...others] = candidates;
  for (const other of others) {
    if (other.dataset.id === first!.dataset.id) continue;
    const [a, b] = [first!.dataset, other.dataset];
    if (a.manifest.classNames.length !== b.manifest.classNames.length)
      return `“${a.name}” has ${a.manifest.classNames.length} classes and “${b.name}” ${b.manifest.classNames.length}: nothing can be compared image by image, so there are no differences or tests.`;
    const same = (['test.images', 'test.labels'] as const).every((part) => {
      const [x, y] = [a.manifest.files[part]?.sha256, b.manifest.files[part]?.sha256];
      return x !== undefined && x === y;
    });
    if (!same)
      return `“${a.name}” and “${b.name}” have different test images: nothing can be compared image by image, so there are no differences or tests.`;
  }
  return null;
}

/** What to mind where a comparison is possible. */
function cautions(candidates: readonly Candidate[]): string[] {
  const warnings: string[] = [];
  const datasets = new Set(candidates.map(({ dataset }) => dataset.id));
  if (datasets.size > 1)
    warnings.push('They were trained on different subsets; groups follow the training counts of the first.');
  if (candidates.some((candidate) => selectionOf(candidate) === 'best-test'))
    warnings.push('A best epoch was chosen on the test split itself, which is optimistic.');
  const last = candidates.filter(({ info }) => info.roles.includes('last')).length;
  if (last > 0 && last < candidates.length) warnings.push('Some are a last epoch and some are not.');
  return warnings;
}

/** How its epoch was chosen: one asked for as the last epoch was not chosen by accuracy, also where it is the best. */
function selectionOf({ ref, info }: Candidate): Selection {
  return ref.endsWith('@last') ? 'last' : info.selection;
}

function toItem(
  context: ApiContext,
  candidate: Candidate,
  analysis: Analysis,
  scheme: GroupSchemeId,
): ComparedItem {
  const { store } = context;
  const { ref, run, checkpoint } = candidate;
  const { report, branches, calibration } = analysis;
  if (report.top1 === null)
    throw new StudioError('dataset-invalid', `The dataset “${candidate.dataset.name}” has no test images.`);
  const group = run.groupId === null ? null : (store.runs.groups([run.groupId]).get(run.groupId) ?? null);
  return {
    ref,
    runId: run.id,
    title: run.title,
    detail: run.detail,
    seed: run.seed,
    series: run.series,
    epoch: checkpoint.epoch,
    split: 'test',
    selection: selectionOf(candidate),
    top1: report.top1,
    top5: report.top5,
    groups: report.groups[scheme] as ComparedItem['groups'],
    perClass: report.perClass,
    outputWord: methodInfoOf(run.config).outputWord,
    branches: branches.map(({ id, label, top1, groups }) => ({
      id,
      label,
      top1,
      groups: groups[scheme] as ComparedItem['groups'],
    })),
    calibration: {
      ece: calibration.ece,
      groups: calibration.groups[scheme] as ComparedItem['groups'],
      bins: calibration.bins,
    },
    seeds: group === null ? null : { top1: group.last.top1, groups: group.last.groups[scheme] },
    available: available(context, run),
  };
}

/** The checkpoints of a run that could be compared instead. */
function available(context: ApiContext, run: RunRow): ComparedItem['available'] {
  return context.store.checkpoints
    .list(run.id)
    .filter(({ logits }) => logits !== null)
    .flatMap((row) => [
      ...(row.roles.includes('best') ? [{ ref: `${run.id}@best`, label: `Best, epoch ${row.epoch}` }] : []),
      ...(row.roles.includes('last') ? [{ ref: `${run.id}@last`, label: `Last, epoch ${row.epoch}` }] : []),
      ...(row.roles.includes('best') || row.roles.includes('last')
        ? []
        : [{ ref: `${run.id}@epoch-${row.epoch}`, label: `Epoch ${row.epoch}` }]),
    ]);
}

function compareSettings(configs: readonly Config[]): Comparison['settings'] {
  const keys = [...new Set(configs.flatMap((config) => Object.keys(config)))].filter(
    (key) => key !== 'schemaVersion',
  );
  return keys.map((key) => {
    const values = configs.map((config) => config[key]);
    return {
      key,
      label: fieldLabel(key),
      values,
      differs: values.some((value) => !sameValue(value, values[0])),
    };
  });
}
