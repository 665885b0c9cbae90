/** How a run is called in one line, and which checkpoint stands for it. Pure. */
import type { RunSummary } from '../../preload/contract.ts';

type Named = Pick<RunSummary, 'title' | 'detail' | 'seed' | 'kind'>;

/** "ResLT β 0.995 · seed 2": the run's words wherever it stands alone. */
export function runLabel(run: Named): string {
  const name = run.detail === '' ? run.title : `${run.title} ${run.detail}`;
  return run.kind === 'train' ? `${name} · seed ${run.seed}` : name;
}
