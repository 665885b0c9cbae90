/**
 * The registry of parity cases. A source looks into a golden folder and returns the cases that it finds there, each
 * runnable or skipped with a reason. Add a file under cases/ and a line in SOURCES.
 */
import type { Backend } from '../../main/training/ops.ts';
import type { GoldenFolder } from './golden.ts';
import { checkpointCases } from './cases/checkpoints.ts';
import { datasetCases } from './cases/datasets.ts';
import { layerCases } from './cases/layers.ts';
import { logCases } from './cases/logs.ts';
import { lossCases } from './cases/losses.ts';
import { methodMetricCases } from './cases/methodMetrics.ts';
import { metricCases } from './cases/metrics.ts';
import { modelCases } from './cases/models.ts';
import { optimizerCases } from './cases/optimizer.ts';
import { partGCases } from './cases/partG.ts';
import { partGNetworkCases } from './cases/partGNetworks.ts';
import { partGRideCases } from './cases/partGRide.ts';
import { scheduleCases } from './cases/schedules.ts';
import { transformCases } from './cases/transforms.ts';
import { excess, type Check, type ParityCase } from './parityCase.ts';

const SOURCES: readonly ((golden: GoldenFolder) => ParityCase[])[] = [
  modelCases,
  lossCases,
  layerCases,
  optimizerCases,
  scheduleCases,
  partGCases,
  partGNetworkCases,
  partGRideCases,
  datasetCases,
  transformCases,
  metricCases,
  methodMetricCases,
  checkpointCases,
  logCases,
];

/** All cases of a folder, in the order of the registry. */
export function findCases(golden: GoldenFolder): ParityCase[] {
  return SOURCES.flatMap((source) => source(golden));
}

export interface CaseOutcome {
  name: string;
  verdict: 'passed' | 'failed' | 'skipped';
  /** The check that came nearest to its tolerance, or went farthest beyond; null when nothing was compared. */
  worst: Check | null;
  /** Why it was skipped or could not run, or what must be known of how it passed. */
  reason: string | null;
}

/** Runs one case. Never throws: an error in a case is its failure. */
export async function runCase(parityCase: ParityCase, backend: Backend): Promise<CaseOutcome> {
  const { name } = parityCase;
  if ('skipped' in parityCase) return { name, verdict: 'skipped', worst: null, reason: parityCase.skipped };
  const unable = parityCase.needs?.(backend) ?? null;
  if (unable) return { name, verdict: 'skipped', worst: null, reason: unable };
  try {
    const checks = await parityCase.run(backend);
    if (checks.length === 0) return { name, verdict: 'failed', worst: null, reason: 'nothing was compared' };
    const worst = checks.reduce((a, b) => (excess(b) > excess(a) ? b : a));
    const notes = checks.flatMap(({ note }) => note ?? []);
    return {
      name,
      verdict: excess(worst) <= 1 ? 'passed' : 'failed',
      worst,
      reason: notes.length > 0 ? notes.join('; ') : null,
    };
  } catch (error) {
    return { name, verdict: 'failed', worst: null, reason: (error as Error).stack ?? String(error) };
  }
}
