/**
 * Evaluations: one row each, with a small blob of scores (top-1 and group accuracies of the fused output and of each
 * branch) that curves read, and the per-class vectors apart. Also which epoch is a run's last and which its best.
 */
import type {
  ClassResult,
  EvaluationSeries,
  GroupId,
  GroupSchemeId,
  GroupValues,
  ResultSummary,
  Selection,
  Split,
} from '../../preload/contract.ts';
import { spearman } from '../analysis/statistics.ts';
import type { EvaluationResult } from '../training/types.ts';
import type { Database } from './database.ts';
import {
  GROUP_SLOTS,
  decodeScores,
  decodeVector,
  encodeScores,
  encodeVector,
  readScore,
  scoreSlot,
  scoreOutput,
} from './scores.ts';
import type { DatasetFacts, Datasets } from './datasets.ts';

/** Of a run that was imported without a dataset: no class is known, so no group has one. */
const NO_DATASET: DatasetFacts = { classNames: [], classCounts: [], schemes: [], selectionSplit: 'test' };

/** Name of the fused output among an evaluation's outputs; it is always the first. */
const FUSED = 'fused';

interface EvaluationRow {
  id: number;
  split: Split;
  epoch: number;
  step: number;
  timeMs: number;
  loss: number | null;
  top1: number;
  top5: number | null;
  outputs: string;
  scores: Uint8Array;
}

type EvaluationColumns = [
  epoch: number,
  step: number,
  timeMs: number,
  loss: number | null,
  top1: number,
  top5: number | null,
  outputs: string,
  scores: Uint8Array,
];

const EVALUATION_FIELDS = `e.id, e.split, e.epoch, e.step, e.time_ms AS timeMs, e.loss, e.top1, e.top5, e.outputs, e.scores`;

/** All of one evaluation: what the CLI prints for a run or a checkpoint. */
export interface EvaluationDetail {
  epoch: number;
  step: number;
  split: Split;
  loss: number | null;
  top1: number;
  top5: number | null;
  groups: Record<GroupSchemeId, GroupValues>;
  perClass: (number | null)[];
  branches: Record<
    string,
    { top1: number; groups: Record<GroupSchemeId, GroupValues>; perClass: (number | null)[] }
  >;
}

/** An evaluation as it is stored: one from a log may lack loss and time. */
export type StoredResult = Omit<EvaluationResult, 'loss' | 'seconds'> & {
  loss: number | null;
  seconds: number | null;
};

export class Evaluations {
  readonly #database: Database;
  readonly #datasets: Datasets;

  constructor(database: Database, datasets: Datasets) {
    this.#database = database;
    this.#datasets = datasets;
  }

  /**
   * Stores one evaluation inside the caller's transaction; one of the same split and epoch is replaced. groups: values of
   * the fused output that are known otherwise (an imported log prints them), in place of those worked out here.
   */
  add(
    run: { id: number; datasetId: number | null },
    result: StoredResult,
    { atMs, timeMs }: { atMs: number; timeMs: number },
    groups: Partial<Record<GroupSchemeId, GroupValues>> = {},
  ): void {
    const { schemes } = this.#facts(run.datasetId);
    const branches = Object.entries(result.branches);
    const outputs = [
      { top1: result.top1, perClass: result.perClass },
      ...branches.map(([, branch]) => branch),
    ];
    this.#database
      .statement<[number, string, number]>(
        'delete evaluation',
        'DELETE FROM evaluations WHERE run_id = ? AND split = ? AND epoch = ?',
      )
      .run([run.id, result.split, result.epoch]);
    const { lastInsertRowid } = this.#database
      .statement<Record<string, unknown>>(
        'insert evaluation',
        `INSERT INTO evaluations
           (run_id, split, epoch, step, time_ms, at_ms, seconds, loss, top1, top5, outputs, scores)
         VALUES (@runId, @split, @epoch, @step, @timeMs, @atMs, @seconds, @loss, @top1, @top5, @outputs, @scores)`,
      )
      .run({
        runId: run.id,
        split: result.split,
        epoch: result.epoch,
        step: result.step,
        timeMs,
        atMs,
        seconds: result.seconds,
        loss: result.loss,
        top1: result.top1,
        top5: result.top5,
        outputs: [FUSED, ...branches.map(([name]) => name)].join(','),
        scores: encodeScores(
          outputs.map(({ top1, perClass }, output) => {
            const scores = scoreOutput(top1, perClass, perClass.length === 0 ? [] : schemes);
            return output === 0 ? { ...scores, groups: { ...scores.groups, ...groups } } : scores;
          }),
        ),
      });
    this.#database
      .statement<[number, Uint8Array]>(
        'insert evaluation vectors',
        'INSERT INTO evaluation_vectors (evaluation_id, per_class) VALUES (?, ?)',
      )
      .run([lastInsertRowid, encodeVector(outputs.flatMap(({ perClass }) => perClass))]);
  }

  /** Deletes evaluations beyond a step, inside the caller's transaction. */
  removeBeyond(runId: number, step: number): void {
    this.#database
      .statement<[number, number]>(
        'delete evaluations beyond step',
        'DELETE FROM evaluations WHERE run_id = ? AND step > ?',
      )
      .run([runId, step]);
  }

  /**
   * Writes the run's last and best epoch into its row, inside the caller's transaction. Best is the highest top-1 on the
   * selection split (val where the dataset has one, else test), the earliest of equals; its numbers are the test split's.
   */
  summarise(run: { id: number; datasetId: number | null }): void {
    const { selectionSplit } = this.#facts(run.datasetId);
    const last = this.#database
      .statement<[number], EvaluationRow>(
        'read last evaluation',
        `SELECT ${EVALUATION_FIELDS} FROM evaluations e
         WHERE e.run_id = ? AND e.split = 'test' ORDER BY e.epoch DESC LIMIT 1`,
      )
      .get([run.id]);
    // Only epochs with a test result: with two splits the val result of the newest epoch arrives a moment earlier.
    const best = this.#database
      .statement<[Split, number], EvaluationRow>(
        'read best evaluation',
        `SELECT ${EVALUATION_FIELDS} FROM evaluations e
         JOIN evaluations s ON s.run_id = e.run_id AND s.split = ? AND s.epoch = e.epoch
         WHERE e.run_id = ? AND e.split = 'test' ORDER BY s.top1 DESC, e.epoch LIMIT 1`,
      )
      .get([selectionSplit, run.id]);
    this.#database
      .statement<Record<string, unknown>>(
        'write run results',
        `UPDATE runs SET best_selection = @selection, ${(['last', 'best'] as const)
          .flatMap((prefix) =>
            ['epoch', 'top1', 'top5', ...GROUP_SLOTS.map(({ column }) => column)].map(
              (column) => `${prefix}_${column} = @${prefix}_${column}`,
            ),
          )
          .join(', ')} WHERE id = @runId`,
      )
      .run({
        runId: run.id,
        selection: best === undefined ? null : bestSelection(selectionSplit),
        ...resultColumns('last', last),
        ...resultColumns('best', best),
      });
  }

  /** Every evaluation of a split over training, as columns. */
  series(runId: number, split: Split, scheme: GroupSchemeId): EvaluationSeries {
    const rows = this.#database.rows<[number, Split], EvaluationColumns>(
      'read evaluations',
      `SELECT epoch, step, time_ms, loss, top1, top5, outputs, scores FROM evaluations
       WHERE run_id = ? AND split = ? ORDER BY epoch`,
    )([runId, split]);
    const views = rows.map((row) => new DataView(row[7].buffer, row[7].byteOffset, row[7].byteLength));
    const lists = new Map([...new Set(rows.map((row) => row[6]))].map((text) => [text, text.split(',')]));
    const column = (output: string, what: Parameters<typeof scoreSlot>[0]): (number | null)[] => {
      const slot = scoreSlot(what);
      return rows.map((row, at) => {
        const index = lists.get(row[6])!.indexOf(output);
        return index === -1 ? null : readScore(views[at]!, index, slot);
      });
    };
    const groups = (output: string): Record<GroupId, (number | null)[]> => ({
      many: column(output, { scheme, group: 'many' }),
      medium: column(output, { scheme, group: 'medium' }),
      few: column(output, { scheme, group: 'few' }),
    });
    const branches = new Set([...lists.values()].flat());
    branches.delete(FUSED);
    return {
      runId,
      split,
      scheme,
      epochs: rows.map((row) => row[0]),
      steps: rows.map((row) => row[1]),
      times: rows.map((row) => row[2]),
      loss: rows.map((row) => row[3]),
      top1: rows.map((row) => row[4]),
      top5: rows.map((row) => row[5]),
      groups: groups(FUSED),
      branches: Object.fromEntries(
        [...branches].map((output) => [output, { top1: column(output, 'top1'), groups: groups(output) }]),
      ),
    };
  }

  /** One evaluation with its per-class accuracies. epoch null: the last evaluated. Null where there is none. */
  read(runId: number, split: Split, epoch: number | null): EvaluationDetail | null {
    const row = this.#database
      .statement<Record<string, unknown>, EvaluationRow & { perClass: Uint8Array }>(
        'read evaluation',
        `SELECT ${EVALUATION_FIELDS}, v.per_class AS perClass
         FROM evaluations e JOIN evaluation_vectors v ON v.evaluation_id = e.id
         WHERE e.run_id = @runId AND e.split = @split AND e.epoch <= @epoch ORDER BY e.epoch DESC LIMIT 1`,
      )
      .get({ runId, split, epoch: epoch ?? Number.MAX_SAFE_INTEGER });
    if (row === undefined || (epoch !== null && row.epoch !== epoch)) return null;
    const names = row.outputs.split(',');
    const scores = decodeScores(row.scores);
    const vectors = decodeVector(row.perClass);
    const classes = vectors.length / names.length;
    const perClass = (output: number): (number | null)[] =>
      vectors.slice(output * classes, (output + 1) * classes);
    return {
      epoch: row.epoch,
      step: row.step,
      split: row.split,
      loss: row.loss,
      top1: row.top1,
      top5: row.top5,
      groups: scores[0]!.groups,
      perClass: perClass(0),
      branches: Object.fromEntries(
        names.slice(1).map((name, index) => [name, { ...scores[index + 1]!, perClass: perClass(index + 1) }]),
      ),
    };
  }

  /** Per-class accuracies as the class chart shows them, of the test split. epoch null: the last evaluated. */
  classResult(run: { id: number; datasetId: number | null }, epoch: number | null): ClassResult | null {
    const evaluation = this.read(run.id, 'test', epoch);
    // A log without accuracies of classes has evaluations all the same.
    if (evaluation === null || evaluation.perClass.length === 0) return null;
    const { classCounts } = this.#facts(run.datasetId);
    const known = evaluation.perClass.flatMap((accuracy, index) =>
      accuracy === null ? [] : [[accuracy, classCounts[index] ?? 0] as const],
    );
    return {
      runId: run.id,
      epoch: evaluation.epoch,
      split: 'test',
      perClass: evaluation.perClass,
      branches: Object.fromEntries(
        Object.entries(evaluation.branches).map(([name, branch]) => [name, branch.perClass]),
      ),
      spearman: spearman(
        known.map(([accuracy]) => accuracy),
        known.map(([, count]) => count),
      ),
      neverRight: known.filter(([accuracy]) => accuracy === 0).length,
    };
  }

  /** The test result of one epoch as tables show it, or null where it was not evaluated. */
  summary(runId: number, epoch: number, selection: Selection): ResultSummary | null {
    const row = this.#database
      .statement<[number, number], EvaluationRow>(
        'read evaluation summary',
        `SELECT ${EVALUATION_FIELDS} FROM evaluations e WHERE e.run_id = ? AND e.split = 'test' AND e.epoch = ?`,
      )
      .get([runId, epoch]);
    if (row === undefined) return null;
    const { groups } = decodeScores(row.scores)[0]!;
    return { epoch, split: 'test', selection, top1: row.top1, top5: row.top5, groups };
  }

  #facts(datasetId: number | null): DatasetFacts {
    return datasetId === null ? NO_DATASET : this.#datasets.facts(datasetId);
  }
}

/** How the best epoch of a run was chosen, by the split it was chosen on. */
export function bestSelection(selectionSplit: Split): Selection {
  return selectionSplit === 'val' ? 'best-val' : 'best-test';
}

function resultColumns(
  prefix: 'last' | 'best',
  row: EvaluationRow | undefined,
): Record<string, number | null> {
  const groups = row === undefined ? null : decodeScores(row.scores)[0]!.groups;
  return Object.fromEntries([
    [`${prefix}_epoch`, row?.epoch ?? null],
    [`${prefix}_top1`, row?.top1 ?? null],
    [`${prefix}_top5`, row?.top5 ?? null],
    ...GROUP_SLOTS.map(({ scheme, group, column }) => [
      `${prefix}_${column}`,
      groups === null ? null : groups[scheme][group],
    ]),
  ]) as Record<string, number | null>;
}
