/**
 * Marked runs as a table of text for spreadsheets: one line a run, accuracies as fractions in full precision, times in
 * ISO form, nothing where there is no value. The columns are those of the owner's `/resource/runs`, which exports whole
 * lists.
 */
import type { GroupId, GroupSchemeId, RunSummary } from '../../preload/contract.ts';
import type { DataTable } from '../charts/types.ts';

type Column = [label: string, value: (run: RunSummary) => string | number | null];

const SCHEME_IDS: GroupSchemeId[] = ['count-100-20', 'reslt-ranges'];
const GROUP_IDS: GroupId[] = ['many', 'medium', 'few'];

const COLUMNS: Column[] = [
  ['id', (run) => run.id],
  ['name', (run) => run.name],
  ['title', (run) => `${run.title} ${run.detail}`.trim()],
  ['state', (run) => run.state],
  ['dataset', (run) => run.datasetName],
  ['method', (run) => run.method],
  ['network', (run) => run.network],
  ['preset', (run) => run.preset],
  ['seed', (run) => run.seed],
  ...resultColumns('last'),
  ...resultColumns('best'),
  ['created', (run) => new Date(run.createdAtMs).toISOString()],
  ['activeSeconds', (run) => (run.activeMs === null ? null : run.activeMs / 1000)],
  ['device', (run) => run.device],
  ['note', (run) => run.note],
];

function resultColumns(which: 'last' | 'best'): Column[] {
  return [
    [`${which}/epoch`, (run) => run[which]?.epoch ?? null],
    [`${which}/selection`, (run) => run[which]?.selection ?? null],
    [`${which}/test/top1`, (run) => run[which]?.top1 ?? null],
    [`${which}/test/top5`, (run) => run[which]?.top5 ?? null],
    ...SCHEME_IDS.flatMap((scheme) =>
      GROUP_IDS.map((group): Column => [
        `${which}/test/top1/${group} (${scheme})`,
        (run) => run[which]?.groups[scheme][group] ?? null,
      ]),
    ),
  ];
}

export function runsTable(runs: readonly RunSummary[]): DataTable {
  return {
    columns: COLUMNS.map(([label]) => ({ label, isNumber: false })),
    rows: runs.map((run) => COLUMNS.map(([, value]) => value(run))),
  };
}
