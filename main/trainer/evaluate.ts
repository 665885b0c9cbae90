/** An evaluation attempt: the logits and accuracies of a stored checkpoint, kept in the job's own folder. */
import path from 'node:path';
import { evaluate, evaluationMetrics, type SplitLogits } from '../training/evaluate.ts';
import { createModel } from '../training/model.ts';
import { disposeState, fromTensorMap } from '../training/weights.ts';
import type { Attempt, Ending } from './attempt.ts';
import { loadWeights, writeLogits } from './checkpoints.ts';
import { learntFrom, prepare } from './prepare.ts';

/** Evaluates the launch file's checkpoint on its splits. A stop takes effect between two splits. */
export async function runEvaluation(attempt: Attempt): Promise<Ending> {
  const { launch, folder } = attempt;
  if (launch.evaluate === null) throw new Error('The launch file names no checkpoint to evaluate.');
  const { checkpointPath, splits } = launch.evaluate;
  const { weights, epoch, step } = await loadWeights(checkpointPath);
  const { config, data, backend } = await prepare(attempt, splits);
  const model = createModel(config, learntFrom(launch, data));
  const state = fromTensorMap(model.network, weights);
  const logits: SplitLogits[] = [];
  try {
    for (const split of splits) {
      await attempt.yieldToEvents();
      if (attempt.endAsked !== null) return { state: 'stopped', message: null };
      attempt.emit({ type: 'phase', phase: 'evaluating' });
      const evaluated = await evaluate({
        ...model,
        backend,
        state,
        data,
        split,
        batchSize: config.evalBatchSize,
        epoch,
        step,
        now: () => performance.now(),
        yieldToEvents: () => attempt.yieldToEvents(),
      });
      attempt.emit({ type: 'evaluation', result: evaluated.result });
      attempt.emit({ type: 'metrics', step, epoch, values: evaluationMetrics(evaluated) });
      const { top1, seconds } = evaluated.result;
      attempt.log('info', `${split}: top-1 ${(100 * top1).toFixed(2)} %, ${seconds.toFixed(1)} s.`);
      logits.push(evaluated.logits);
    }
    attempt.emit({ type: 'phase', phase: 'saving' });
    const file = await writeLogits(folder, `logits/${path.basename(checkpointPath)}`, logits);
    if (file !== null) attempt.record({ type: 'logits', checkpointPath, epoch, step, logits: file });
    return { state: 'completed', message: null };
  } finally {
    disposeState(state);
    model.bound.dispose();
    await data.close();
  }
}
