/** The contract's functions about checkpoints: listing, pinning, deleting, evaluating again. */
import { rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Api, CheckpointInfo, RunSummary, Split } from '../../preload/contract.ts';
import type { CheckpointRow } from '../store/checkpoints.ts';
import { StudioError } from '../store/errors.ts';
import type { RunRow } from '../store/runs.ts';
import { pinMarkerFile } from '../trainer/protocol.ts';
import { runDetail } from './configText.ts';
import type { ApiContext } from './context.ts';
import { evaluationConfig } from './evaluationConfig.ts';
import { readShapes } from './origins.ts';
import { referencedCheckpoints, refuseUsed, relativePath } from './retention.ts';
import { findRunId, live, slugOf } from './runs.ts';
import { whyOtherOrder } from './sameClasses.ts';

type CheckpointApi = Pick<
  Api,
  'listCheckpoints' | 'pinCheckpoint' | 'deleteCheckpoints' | 'findCheckpoint' | 'evaluateCheckpoint'
>;

export function checkpointApi(context: ApiContext): CheckpointApi {
  const { store, libraryFolder, scheduler, trashFiles, notify } = context;

  const info = (row: CheckpointRow): CheckpointInfo => infoOf(context, row);

  return {
    async listCheckpoints({ runId }) {
      store.runs.get(runId);
      return store.checkpoints.list(runId).map(info);
    },

    async pinCheckpoint({ id, pinned }) {
      const row = store.checkpoints.get(id);
      // The trainer looks for the marker before it removes anything; so it comes before the pin and goes after it.
      const marker = path.join(libraryFolder, row.runFolder, pinMarkerFile(row.file));
      if (!pinned) refuseUsed(store, row.id, 'it stays pinned');
      if (pinned) await writeFile(marker, '');
      store.checkpoints.setPinned(id, pinned);
      if (!pinned) await rm(marker, { force: true });
      notify({ type: 'runs-changed', runIds: [row.runId] });
      return info(store.checkpoints.get(id));
    },

    async deleteCheckpoints({ ids }) {
      const rows = ids.map((id) => store.checkpoints.get(id));
      const entry = store.transaction(() => {
        refuseNeeded(context, rows);
        return store.trash.putCheckpoints(rows, Date.now());
      });
      await trashFiles.putAway(entry.token);
      notify({ type: 'runs-changed', runIds: [...new Set(rows.map(({ runId }) => runId))] });
      return {
        count: rows.length,
        bytes: rows.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
        undo: entry.token,
      };
    },

    async findCheckpoint({ ref }) {
      return info(findCheckpointRow(context, ref));
    },

    async evaluateCheckpoint({ ref, datasetId, settings = {} }): Promise<RunSummary> {
      const checkpoint = findCheckpointRow(context, ref);
      const source = store.runs.get(checkpoint.runId);
      if (source.kind === 'evaluate')
        throw new StudioError(
          'invalid-arguments',
          `Run ${source.id} is an evaluation and has no weights of its own. Evaluate the checkpoint that it was about.`,
        );
      const wanted = datasetId ?? source.datasetId;
      if (wanted === null)
        throw new StudioError(
          'invalid-arguments',
          `The checkpoint ${ref} was imported without a dataset. Say on which one it is to be evaluated (--dataset).`,
        );
      const dataset = store.datasets.get(wanted);
      const expected = source.imported?.classes ?? store.datasets.facts(source.datasetId!).classNames.length;
      const classes = dataset.manifest.classNames.length;
      if (classes !== expected)
        throw new StudioError(
          'invalid-arguments',
          `The checkpoint ${ref} tells ${expected} classes apart, and the dataset “${dataset.name}” has ${classes}. Choose one with ${expected}.`,
        );
      const learnt = source.datasetId === null ? null : store.datasets.get(source.datasetId);
      const otherOrder = whyOtherOrder(learnt, dataset);
      if (otherOrder !== null)
        throw new StudioError(
          'invalid-arguments',
          `The checkpoint ${ref} can't be evaluated on it. ${otherOrder}`,
        );
      const splits: Split[] = dataset.manifest.counts.val === 0 ? ['test'] : ['val', 'test'];
      const evaluate = {
        checkpointPath: path.join(libraryFolder, relativePath(checkpoint)),
        splits,
        // An imported one may have been trained on other images than those that it was evaluated on.
        ...(source.kind === 'train' && learnt !== null && { trainedCounts: learnt.manifest.classCounts }),
      };
      const changes = Object.keys(settings).length > 0;
      const config = changes
        ? evaluationConfig(source.config, settings, dataset, await readShapes(evaluate.checkpointPath))
        : { ...source.config, dataset: dataset.name };
      if (
        source.kind === 'import' &&
        !changes &&
        (source.datasetId === null || source.datasetId === dataset.id)
      ) {
        // Its own run shows it: there is no training whose results it would replace.
        store.transaction(() => {
          store.runs.change(source.id, { datasetId: dataset.id, config, evaluate });
          scheduler.evaluateImported(source.id);
        });
        notify({ type: 'queue-changed' });
        notify({ type: 'datasets-changed' });
        return live(context, store.runs.summary(source.id));
      }
      const name = `eval-${source.name}-epoch-${checkpoint.epoch}`;
      const id = store.transaction(() => {
        const created = store.runs.create({
          kind: 'evaluate',
          name,
          title: 'Evaluate',
          detail: [`${source.name}, epoch ${checkpoint.epoch}`, runDetail(config, source.config)]
            .filter((part) => part !== '')
            .join(' · '),
          slug: slugOf(name),
          groupId: null,
          seed: source.seed,
          method: String(config['method']),
          network: source.network,
          datasetId: dataset.id,
          preset: source.preset,
          parentRunId: source.id,
          note: '',
          config,
          evaluate,
          warnings: [],
          createdAtMs: Date.now(),
        });
        scheduler.enqueue([created], { first: false });
        return created;
      });
      notify({ type: 'runs-changed', runIds: [id] });
      notify({ type: 'queue-changed' });
      return live(context, store.runs.summary(id));
    },
  };
}

/** A checkpoint as tables show it, with the absolute path of its file. */
export function infoOf({ store, libraryFolder }: ApiContext, row: CheckpointRow): CheckpointInfo {
  const shown = store.checkpoints.info(row, store.runs.get(row.runId).datasetId);
  return { ...shown, path: path.join(libraryFolder, relativePath(row)) };
}

/**
 * The checkpoint of the library that `RUN@last`, `RUN@best`, `RUN@epoch-N` or the absolute path of its file means. Throws `invalid-arguments` for another form,
 * `not-found` with what there is instead.
 */
export function findCheckpointRow(context: ApiContext, ref: string): CheckpointRow {
  const { store, libraryFolder } = context;
  if (path.isAbsolute(ref)) {
    const row = store.checkpoints.atPath(path.relative(libraryFolder, ref).replaceAll('\\', '/'));
    if (row !== null) return row;
    throw new StudioError('not-found', `${ref} is no checkpoint of this library. Import it first.`);
  }
  const match = /^(.+)@(last|best|epoch-(\d+))$/.exec(ref);
  if (match === null)
    throw new StudioError(
      'invalid-arguments',
      `“${ref}” names no checkpoint: RUN@last, RUN@best, RUN@epoch-N or the path of a file was expected, such as 12@best.`,
    );
  const [, runText, which, epoch] = match as unknown as [string, string, string, string | undefined];
  const run = store.runs.get(findRunId(context, runText));
  const rows = store.checkpoints.list(run.id);
  const found = choose(run, rows, which, epoch === undefined ? null : Number(epoch));
  if (found !== undefined) return found;
  const there = rows.map(
    (row) => `epoch-${row.epoch}${row.roles.length > 0 ? ` (${row.roles.join(', ')})` : ''}`,
  );
  throw new StudioError(
    'not-found',
    `Run ${run.id} (${run.name}) has no checkpoint ${which}. ` +
      (there.length === 0 ? 'It has none at all.' : `It has ${[...new Set(there)].join(', ')}.`),
  );
}

function choose(
  run: RunRow,
  rows: readonly CheckpointRow[],
  which: string,
  epoch: number | null,
): CheckpointRow | undefined {
  // One that was asked for in the middle of an epoch has that epoch's number too; the one at its end has more steps.
  if (epoch !== null) return rows.findLast((row) => row.epoch === epoch);
  const withRole = rows.findLast((row) => row.roles.includes(which as 'last' | 'best'));
  // An evaluation and an imported run have a single one, whatever it is called.
  return withRole ?? (run.kind === 'train' ? undefined : rows.at(-1));
}

/** A run that a trainer has decides over its own checkpoints; one to resume from, and one that is to be evaluated, stay. */
function refuseNeeded({ store }: ApiContext, rows: readonly CheckpointRow[]): void {
  const referenced = referencedCheckpoints(store);
  for (const row of rows) {
    const run = store.runs.get(row.runId);
    if (['preparing', 'running', 'queued'].includes(run.state))
      throw new StudioError(
        'in-use',
        `Run ${run.id} (${run.name}) is ${run.state}, and needs its checkpoints. Stop it first; nothing was deleted.`,
      );
    if (run.state === 'paused' && row.id === store.checkpoints.list(run.id).at(-1)?.id)
      throw new StudioError(
        'in-use',
        `Run ${run.id} (${run.name}) is paused and goes on from this checkpoint. Stop it first; nothing was deleted.`,
      );
    if (referenced.some((file) => file.endsWith(`/${relativePath(row)}`)))
      throw new StudioError(
        'in-use',
        `The checkpoint of epoch ${row.epoch} of run ${run.id} waits to be evaluated. Stop that evaluation first; nothing was deleted.`,
      );
    refuseUsed(store, row.id, 'nothing was deleted');
    if (row.pinned)
      throw new StudioError(
        'in-use',
        `The checkpoint of epoch ${row.epoch} of run ${run.id} is pinned. Unpin it first; nothing was deleted.`,
      );
  }
}
