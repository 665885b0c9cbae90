/** A training attempt: the training loop of main/training, with this process as its host. */
import { train } from '../training/loop.ts';
import type { TrainingHost } from '../training/types.ts';
import type { Attempt, Ending } from './attempt.ts';
import { loadCheckpoint, sweepCheckpoints } from './checkpoints.ts';
import { loadOrigin, loadTeacher } from './origins.ts';
import { prepare } from './prepare.ts';
import { requireMemory } from './requireMemory.ts';

/** Trains from the beginning or from the launch file's checkpoint, to the end or until asked to leave. */
export async function runTraining(attempt: Attempt): Promise<Ending> {
  const { launch, folder } = attempt;
  for (const file of await sweepCheckpoints(folder, launch.checkpoints)) {
    attempt.log('info', `Removed ${file}, which an earlier attempt did not finish.`);
  }
  const resume = launch.resume === null ? null : await loadCheckpoint(folder, launch.resume.file);
  if (launch.resume !== null) {
    attempt.log('info', `Goes on from epoch ${launch.resume.epoch}, step ${launch.resume.step}.`);
  }
  // A run that goes on has its own weights; a teacher is needed all the way.
  const initFrom = resume === null && launch.initFrom !== null ? await loadOrigin(launch.initFrom) : null;
  const teacher = launch.teacher === null ? null : await loadTeacher(launch.teacher);
  if (initFrom !== null) attempt.log('info', `Starts from the weights of ${launch.initFrom!.ref}.`);
  const { config, data, backend } = await prepare(attempt, null);
  try {
    await requireMemory(config, data, backend);
    await attempt.yieldToEvents();
    if (attempt.endAsked !== null) {
      return { state: attempt.endAsked === 'stop' ? 'stopped' : 'paused', message: null };
    }
    const host: TrainingHost = {
      emit: (event) => attempt.emit(event),
      takeRequest: () => attempt.takeRequest(),
      yieldToEvents: () => attempt.yieldToEvents(),
      saveCheckpoint: (checkpoint) => attempt.saveCheckpoint(checkpoint),
      now: () => performance.now(),
    };
    const { state } = await train({
      ...{ config, data, backend, host },
      ...(resume !== null && { resume }),
      ...(initFrom !== null && { initFrom }),
      ...(teacher !== null && { teacher }),
    });
    return { state, message: null };
  } finally {
    await data.close();
  }
}
