/**
 * The trainer: a plain Node process that executes one attempt of one run. Started by an owner with the run's folder and
 * the attempt's number; everything else is in the launch file there.
 */
import { runAttempt } from './attempt.ts';

const [folder, attempt] = process.argv.slice(2);
if (folder === undefined || !/^\d+$/.test(attempt ?? '')) {
  console.error('Expected the run folder and the number of the attempt: trainer <folder> <attempt>.');
  process.exit(2);
}

await runAttempt(folder, Number(attempt), async (running) => {
  // Loaded only now, so that the process listens, and its journal is there, before the engine's code is read.
  if (running.launch.kind === 'evaluate') return (await import('./evaluate.ts')).runEvaluation(running);
  return (await import('./train.ts')).runTraining(running);
});
