/** Checkpoints that a run may start from or learn from, as a picker offers them. Pure. */
import type { RunSummary } from '../../preload/contract.ts';
import { DASH, formatPercentUnit } from '../lib/format.ts';
import { runLabel } from '../lib/runs.ts';

export interface CheckpointOption {
  /** As the owner takes it: "12@last". */
  value: string;
  label: string;
  detail: string;
}

/** Of each run with this network its last epoch, and its best one where that is another; runs on `datasetId` first. */
export function checkpointOptions(
  runs: readonly RunSummary[],
  { network, datasetId }: { network: string; datasetId: number | null },
): CheckpointOption[] {
  const usable = runs.filter(
    (run) =>
      run.kind !== 'evaluate' && run.network === network && (run.last !== null || run.kind === 'import'),
  );
  const onData = usable.filter((run) => run.datasetId === datasetId);
  const elsewhere = usable.filter((run) => run.datasetId !== datasetId);
  return [...onData, ...elsewhere].flatMap((run) => {
    const { id, last, best } = run;
    const option = (role: 'last' | 'best', result: RunSummary['last']): CheckpointOption => ({
      value: `${id}@${role}`,
      label: `${id}@${role}  ${runLabel(run)}`,
      detail: [
        run.datasetName ?? DASH,
        result === null ? '' : `epoch ${result.epoch}, ${formatPercentUnit(result.top1)}`,
      ]
        .filter((part) => part !== '')
        .join(', '),
    });
    return [
      option('last', last),
      ...(best !== null && best.epoch !== last?.epoch ? [option('best', best)] : []),
    ];
  });
}
