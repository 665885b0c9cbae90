/** What training and evaluating both need before they begin: configuration, data and engine, and a record of them. */
import path from 'node:path';
import { stringify } from 'yaml';
import { loadBackend } from '../backends/index.ts';
import { readGpus } from '../engine/gpu.ts';
import type { InstalledEngine } from '../engine/index.ts';
import { readManifest } from '../datasets/manifest.ts';
import { openTrainingData } from '../datasets/trainingData.ts';
import { parseRunConfig, type RunConfig } from '../training/config.ts';
import { createModel, resolveRun } from '../training/model.ts';
import type { Backend } from '../training/ops.ts';
import type { DataDescription, Split, TrainingData } from '../training/types.ts';
import type { Attempt } from './attempt.ts';
import { writeFileDurably } from '../durableFile.ts';
import { describeEnvironment } from './environment.ts';

export interface Prepared {
  config: RunConfig;
  data: TrainingData;
  backend: Backend;
}

/**
 * Loads everything, writes `config.yaml` and `env.json`, and records the environment. The caller closes the data.
 * Throws with a sentence for settings, a dataset or an engine that can't be used. `splits`: null for all.
 */
export async function prepare(attempt: Attempt, splits: Split[] | null): Promise<Prepared> {
  const { launch, folder } = attempt;
  attempt.emit({ type: 'phase', phase: 'preparing' });
  const { config, problems, warnings } = parseRunConfig(launch.config);
  if (config === null) throw new Error(problems.map((problem) => problem.message).join(' '));
  for (const { message } of warnings) attempt.log('warn', message);
  await writeFileDurably(path.join(folder, 'config.yaml'), stringify(config));

  const manifest = await readManifest(launch.datasetFolder);
  if (manifest.manifestHash !== launch.manifestHash) {
    throw new Error(
      `The dataset in ${launch.datasetFolder} was expected to have the manifest hash ${launch.manifestHash}, ` +
        `but has ${manifest.manifestHash}: it is not the one that this run was made for. Register it again.`,
    );
  }
  attempt.log('info', launch.engine.reason);
  const backend = await loadEngine(attempt);
  const data = await openTrainingData(launch.datasetFolder, {
    splits: splits ?? undefined,
    workers: config.loaderWorkers ?? undefined,
    imageSize: config.imageSize,
    onWarning: (text) => attempt.log('warn', text),
  });
  attempt.rankLabels = manifest.photographs?.rankLabels ?? null;

  const model = createModel(config, learntFrom(launch, data));
  const resolved = { ...resolveRun(config, data, backend, model), threads: launch.threads };
  model.bound.dispose();
  const environment = await describeEnvironment(launch, backend);
  const { name: engine } = launch.engine;
  attempt.record({ type: 'environment', environment, resolved, engine, device: backend.device });
  const written = { attempt: launch.attempt, atMs: Date.now(), environment, resolved };
  await writeFileDurably(path.join(folder, 'env.json'), JSON.stringify(written, null, 2));
  return { config, data, backend };
}

/**
 * The data that a method is bound to: those of the run, but for the evaluation of a checkpoint the training images of
 * each class are those that it has learnt from. An adjustment by their frequencies belongs to the weights.
 */
export function learntFrom({ evaluate }: Attempt['launch'], data: DataDescription): DataDescription {
  const { classNames, classCounts, height, width, channels, sizes } = data;
  return { classNames, classCounts: evaluate?.trainedCounts ?? classCounts, height, width, channels, sizes };
}

async function loadEngine({ launch }: Attempt): Promise<Backend> {
  const { name, installed } = launch.engine;
  const gpu = name === 'tensorflow-gpu' ? ((await readGpus())[0] ?? null) : null;
  return loadBackend({
    kind: name,
    bindingPath: (installed as InstalledEngine | null)?.bindingPath ?? null,
    threads: launch.threads,
    ...(gpu === null ? {} : { device: gpu.name }),
  });
}
