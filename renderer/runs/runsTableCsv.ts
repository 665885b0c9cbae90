/**
 * The runs as a table of text for spreadsheets: one line a run, accuracies as fractions in full precision (the head
 * says which split), times in ISO form, nothing where there is no value.
 */
import type { GroupSchemeId, RunSummary } from '../../preload/contract.ts';
import type { DataTable } from '../charts/types.ts';

type Cell = string | number | null;

interface CsvColumn {
  label: string;
  value: (run: RunSummary, scheme: GroupSchemeId) => Cell;
}

const time = (atMs: number | null): string | null => (atMs === null ? null : new Date(atMs).toISOString());

const CSV_COLUMNS: CsvColumn[] = [
  { label: 'id', value: (run) => run.id },
  { label: 'name', value: (run) => run.name },
  { label: 'method', value: (run) => run.method },
  { label: 'detail', value: (run) => run.detail },
  { label: 'group', value: (run) => run.groupId },
  { label: 'seed', value: (run) => run.seed },
  { label: 'state', value: (run) => run.state },
  { label: 'dataset', value: (run) => run.datasetName },
  { label: 'network', value: (run) => run.network },
  { label: 'preset', value: (run) => run.preset },
  { label: 'group_scheme', value: (_run, scheme) => scheme },
  { label: 'last_epoch', value: (run) => run.last?.epoch ?? null },
  { label: 'last_split', value: (run) => run.last?.split ?? null },
  { label: 'last_top1', value: (run) => run.last?.top1 ?? null },
  { label: 'last_top5', value: (run) => run.last?.top5 ?? null },
  { label: 'last_many', value: (run, scheme) => run.last?.groups[scheme].many ?? null },
  { label: 'last_medium', value: (run, scheme) => run.last?.groups[scheme].medium ?? null },
  { label: 'last_few', value: (run, scheme) => run.last?.groups[scheme].few ?? null },
  { label: 'best_epoch', value: (run) => run.best?.epoch ?? null },
  { label: 'best_split', value: (run) => run.best?.split ?? null },
  { label: 'best_chosen_on', value: (run) => run.best?.selection.replace('best-', '') ?? null },
  { label: 'best_top1', value: (run) => run.best?.top1 ?? null },
  { label: 'training_seconds', value: (run) => (run.activeMs === null ? null : run.activeMs / 1000) },
  { label: 'queued_at', value: (run) => time(run.createdAtMs) },
  { label: 'started_at', value: (run) => time(run.startedAtMs) },
  { label: 'ended_at', value: (run) => time(run.endedAtMs) },
  { label: 'engine', value: (run) => run.engine },
  { label: 'size_bytes', value: (run) => run.sizeBytes },
  { label: 'note', value: (run) => run.note },
];

export function runsTable(runs: readonly RunSummary[], scheme: GroupSchemeId): DataTable {
  return {
    columns: CSV_COLUMNS.map(({ label }) => ({ label, isNumber: false })),
    rows: runs.map((run) => CSV_COLUMNS.map(({ value }) => value(run, scheme))),
  };
}
