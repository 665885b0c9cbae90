/** `reslt dataset …`: registering, listing, checking and removing datasets. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import type {
  DatasetKind,
  DatasetSummary,
  ListFiles,
  NormalisationId,
  PhotographOptions,
  SubsetOptions,
} from '../../preload/contract.ts';
import { CliError, usageError } from './cliError.ts';
import { waitForTask, type Client } from './client.ts';
import { findDataset, sampleDataset } from './lookup.ts';
import { bytes, count, facts, table, type Output } from './output.ts';
import { parseFraction, parseWhole } from './settings.ts';

const KINDS: readonly DatasetKind[] = [
  'cifar-10',
  'cifar-100',
  'fashion-mnist',
  'idx',
  'sample',
  'list',
  'folder',
];
const NORMALISATIONS: readonly NormalisationId[] = ['imagenet', 'inaturalist'];

export interface AddOptions {
  name?: string;
  imbalanceFactor?: string;
  imbalanceType?: string;
  valFraction?: string;
  valSeed?: string;
  /** Of photographs. */
  train?: string;
  val?: string;
  test?: string;
  root?: string;
  rankLabels?: boolean;
  normalisation?: string;
  testFraction?: string;
  leaveOutMissing?: boolean;
  leaveOutProblemsOf?: string;
}

/**
 * `add cifar-10 PATH`, `add PATH` (what it is, is found out), `add cifar-10` (on this machine, else downloaded),
 * `add sample`, `add list --train FILE --test FILE --root DIR`, `add folder DIR`.
 */
export async function datasetAdd(
  client: Client,
  output: Output,
  source: string,
  given: string | undefined,
  options: AddOptions,
): Promise<void> {
  if (source === 'sample') {
    const { id, name } = await sampleDataset(client, output);
    return printAdded(client, output, id, name);
  }
  const kind = KINDS.find((one) => one === source) ?? null;
  if (kind === null && given !== undefined) {
    throw usageError(
      `"${source}" is not a kind of dataset. Kinds: ${KINDS.join(', ')}; or give only a path.`,
    );
  }
  const lists = listsOf(kind, given, options);
  const location =
    given ?? (lists !== null ? options.root! : kind === null ? source : await obtain(client, output, kind));
  const task = await client.api.addDataset({
    path: path.resolve(location),
    kind,
    name: options.name ?? null,
    subset: subsetOf(options),
    validationFraction: options.valFraction === undefined ? 0 : parseFraction(options.valFraction),
    validationSeed: options.valSeed === undefined ? 0 : parseWhole(options.valSeed),
    photographs: await photographsOf(client, lists, options),
  });
  const done = await waitForTask(client, task, output);
  if (done.resultId === null)
    throw new CliError('The dataset was added but has no number.', { code: 'internal' });
  await printAdded(client, output, done.resultId, options.name ?? source);
}

/** The lists of `add list`; null for everything else, where they have no place. */
function listsOf(
  kind: DatasetKind | null,
  given: string | undefined,
  { train, val, test, root }: AddOptions,
): ListFiles | null {
  if (kind !== 'list') {
    const stray = Object.entries({ train, val, test, root }).find(([, value]) => value !== undefined);
    if (stray !== undefined)
      throw usageError(
        `--${stray[0]} goes with list files: reslt dataset add list --train FILE --test FILE --root DIR.`,
      );
    return null;
  }
  if (train === undefined || test === undefined || (root === undefined && given === undefined)) {
    throw usageError(
      'List files are added with: reslt dataset add list --train FILE --test FILE --root DIR [--val FILE]. ' +
        '--root is the folder that the paths in the lists start from.',
    );
  }
  return {
    train: path.resolve(train),
    val: val === undefined ? null : path.resolve(val),
    test: path.resolve(test),
  };
}

/** What is set of photographs; null where nothing is, so that a packed source stays one. */
async function photographsOf(
  client: Client,
  lists: ListFiles | null,
  { rankLabels, normalisation, testFraction, leaveOutMissing, leaveOutProblemsOf }: AddOptions,
): Promise<PhotographOptions | null> {
  const set = [rankLabels, normalisation, testFraction, leaveOutMissing, leaveOutProblemsOf];
  if (lists === null && set.every((value) => value === undefined)) return null;
  const chosen =
    normalisation === undefined ? 'imagenet' : NORMALISATIONS.find((one) => one === normalisation);
  if (chosen === undefined)
    throw usageError(`--normalisation expects ${NORMALISATIONS.join(' or ')}, got "${normalisation}".`);
  return {
    lists,
    rankLabels: rankLabels === true,
    normalisation: chosen,
    testFraction: testFraction === undefined ? 0 : parseFraction(testFraction),
    leaveOutMissing: leaveOutMissing === true,
    leaveOutProblemsOf:
      leaveOutProblemsOf === undefined ? null : (await findDataset(client, leaveOutProblemsOf)).id,
  };
}

/** A copy that is on this machine, or the official download where the network allows. */
async function obtain(client: Client, output: Output, kind: DatasetKind): Promise<string> {
  const offer = (await client.api.listDatasetOffers()).find((one) => one.kind === kind);
  if (offer?.localPath) return offer.localPath;
  if (!offer?.download) throw usageError(`There is no download for ${kind}: give the path of its files.`);
  const done = await waitForTask(client, await client.api.downloadDataset({ kind }), output);
  if (done.resultPath === null || !existsSync(done.resultPath)) {
    throw new CliError(`The download of ${kind} left no file. Give the path of its files instead.`, {
      code: 'dataset-invalid',
    });
  }
  return done.resultPath;
}

function subsetOf({ imbalanceFactor, imbalanceType }: AddOptions): SubsetOptions {
  const type = imbalanceType ?? (imbalanceFactor === undefined ? 'full' : 'exp');
  if (type !== 'exp' && type !== 'step' && type !== 'full') {
    throw usageError(`--imbalance-type expects exp, step or full, got "${type}".`);
  }
  if (type !== 'full' && imbalanceFactor === undefined) {
    throw usageError(`--imbalance-type ${type} needs --imbalance-factor, in (0, 1]: 0.01 is "IF 100".`);
  }
  return { type, imbalanceFactor: imbalanceFactor === undefined ? 1 : parseFraction(imbalanceFactor) };
}

/** Images with a problem that are printed for people. */
const NAMED_PROBLEMS = 20;

/** The names that other programs rely on. */
const asJson = (dataset: DatasetSummary): object => ({
  id: dataset.id,
  name: dataset.name,
  kind: dataset.kind,
  classes: dataset.classes,
  classCounts: dataset.classCounts,
  counts: dataset.counts,
  imbalanceFactor: dataset.imbalanceFactor,
  imbalanceRatio: dataset.imbalanceRatio,
  manifestHash: dataset.manifestHash,
});

async function printAdded(client: Client, output: Output, id: number, name: string): Promise<void> {
  const dataset = (await client.api.listDatasets()).find((one) => one.id === id);
  if (!dataset) throw new CliError(`The dataset ${name} was added but is not listed.`, { code: 'internal' });
  output.result(
    asJson(dataset),
    () =>
      `${dataset.name}: ${dataset.classes} classes, ${count(dataset.counts.train)} training and ${count(dataset.counts.test)} test images, IF ${Math.round(dataset.imbalanceRatio)}.`,
  );
}

export async function datasetList(client: Client, output: Output): Promise<void> {
  const datasets = await client.api.listDatasets();
  output.result(datasets.map(asJson), () =>
    datasets.length === 0
      ? 'No datasets. `reslt dataset add sample` registers the bundled one.'
      : table(
          ['id', 'name', 'classes', 'train', 'val', 'test', 'IF', 'size', 'runs'],
          datasets.map((one) => [
            String(one.id),
            one.name,
            String(one.classes),
            count(one.counts.train),
            one.counts.val === 0 ? '–' : count(one.counts.val),
            count(one.counts.test),
            String(Math.round(one.imbalanceRatio)),
            bytes(one.sizeBytes),
            String(one.runCount),
          ]),
        ),
  );
}

export async function datasetShow(client: Client, output: Output, text: string): Promise<void> {
  const detail = await client.api.getDataset({ id: (await findDataset(client, text)).id });
  output.result(detail, () =>
    [
      facts([
        ['dataset', `${detail.id}  ${detail.name}`],
        ['source', `${detail.kind}, ${detail.source.path}`],
        [
          'images',
          detail.photographs === null
            ? `${detail.height} × ${detail.width} × ${detail.channels}`
            : `photographs${detail.photographs.rootExists ? '' : ' (the root folder is not there)'}`,
        ],
        ['train', count(detail.counts.train)],
        ['validation', detail.counts.val === 0 ? '–' : count(detail.counts.val)],
        ['test', count(detail.counts.test)],
        ['imbalance', `IF ${detail.imbalanceRatio.toFixed(1)}, Gini ${detail.gini.toFixed(2)}`],
        ['manifest', detail.manifestHash],
        ['folder', detail.folder],
      ]),
      '',
      table(
        ['class', 'name', 'train'],
        detail.classNames.map((name, index) => [String(index), name, count(detail.classCounts[index] ?? 0)]),
      ),
    ].join('\n'),
  );
}

export async function datasetVerify(client: Client, output: Output, text: string): Promise<void> {
  const { id } = await findDataset(client, text);
  await waitForTask(client, await client.api.verifyDataset({ id }), output);
  const { name, verification, photographs } = await client.api.getDataset({ id });
  const found =
    photographs === null
      ? null
      : await client.api.listDatasetProblems({ id, reason: null, offset: 0, limit: 100_000 });
  output.result(
    { id, name, verification, problems: found?.items ?? [], problemCounts: found?.counts ?? null },
    () =>
      [
        `${name}: ${verification.message ?? verification.state}`,
        ...(found?.items ?? [])
          .slice(0, NAMED_PROBLEMS)
          .map(({ split, reason, message }) => `  ${split}  ${reason}  ${message}`),
        ...((found?.total ?? 0) > NAMED_PROBLEMS
          ? [`  and ${count(found!.total - NAMED_PROBLEMS)} more (--json lists all)`]
          : []),
      ].join('\n'),
  );
  if (verification.state !== 'verified') {
    throw new CliError(verification.message ?? `${name} is not as it was registered.`, {
      code: 'dataset-invalid',
    });
  }
}

export async function datasetRelocate(
  client: Client,
  output: Output,
  text: string,
  root: string,
): Promise<void> {
  const { id, name } = await findDataset(client, text);
  await waitForTask(client, await client.api.relocateDataset({ id, root: path.resolve(root) }), output);
  const { photographs, manifestHash } = await client.api.getDataset({ id });
  output.result(
    { id, name, root: photographs?.root ?? null, manifestHash },
    () => `${name} takes its images from ${photographs?.root ?? root}.`,
  );
}

export async function datasetRemove(client: Client, output: Output, text: string): Promise<void> {
  const { id, name } = await findDataset(client, text);
  const { undo } = await client.api.deleteDataset({ id });
  output.result({ id, name, undo }, () => `${name} is in the trash.`);
}
