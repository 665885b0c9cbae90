/**
 * Queues every preset for three steps, on small datasets of the right kind, through the owner and real trainers, and
 * prints how each ended. `npm run -s presets [-- WORD…]` takes those whose names contain all the words. Photographs
 * come from the folder in RESLT_PHOTOGRAPHS; without it the presets for photographs are skipped.
 */
import { copyFile, link, mkdir, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Api, ApiMethod, Config, Preset, RunSummary, Task } from '../../preload/contract.ts';
import { openServices, type Services } from '../../main/services.ts';
import { PRESETS } from '../../main/training/presets/index.ts';
import { tempLibrary } from '../helpers/library.ts';
import { cifar100Files, cifar10Files } from '../helpers/sources.ts';

/** Side of the network's input for photographs; at 224 a step of the large networks takes minutes on a CPU. */
const IMAGE_SIZE = 32;
const SETTINGS: Config = { epochs: 1, maxSteps: 3 };
/** Images to evaluate. */
const TESTED = 24;

type Reply<M extends ApiMethod> = Awaited<ReturnType<Api[M]>>;

class Trial {
  readonly #services: Services;
  readonly #folder: string;
  readonly #photographs: string | null;
  readonly #datasets = new Map<string, number | null>();
  /** The run of each preset that ended well. */
  readonly #runs = new Map<string, number>();

  constructor(services: Services, folder: string, photographs: string | null) {
    this.#services = services;
    this.#folder = folder;
    this.#photographs = photographs;
  }

  async call<M extends ApiMethod>(method: M, argument: unknown): Promise<Reply<M>> {
    const reply = await this.#services.dispatch(method, argument);
    if (!reply.ok) throw new Error(reply.error.message);
    return reply.value as Reply<M>;
  }

  /** How a preset ended, in words; null where its data is not at hand. */
  async run(preset: Preset): Promise<string | null> {
    const datasetId = await this.#dataset(preset);
    if (datasetId === null) return null;
    const config: Config = { ...preset.config, ...SETTINGS, ...(await this.#stages(preset)) };
    if (preset.kinds.includes('list')) config['imageSize'] = IMAGE_SIZE;
    const { runs } = await this.call('createRuns', {
      ...{ preset: preset.name, parentRunId: null, config, datasetId, seeds: [0] },
      ...{ name: null, note: '', runNext: false },
    });
    const ended = await this.#end(runs[0]!.id);
    if (ended.state === 'completed') this.#runs.set(preset.name, ended.id);
    return ended.state === 'completed' ? 'completed' : `${ended.state}: ${ended.stateMessage ?? ''}`;
  }

  /** Trains what the preset starts from or learns from, and names it. */
  async #stages(preset: Preset): Promise<Config> {
    const entries = preset.needs.map(async (key) => {
      const name =
        key === 'teacher'
          ? preset.name.replace(/ride-distill$/, 'ride-teacher')
          : preset.name.replace(/ride-router$/, 'ride').replace(/crt$/, 'ce');
      if (!this.#runs.has(name)) {
        const first = (await this.call('listPresets', null)).find((one) => one.name === name);
        const said = await this.run(first!);
        if (said !== 'completed') throw new Error(`${name}, which it needs, ${said}`);
      }
      return [key, `${this.#runs.get(name)}@last`] as const;
    });
    return Object.fromEntries(await Promise.all(entries));
  }

  async #end(id: number): Promise<RunSummary> {
    for (;;) {
      const run = await this.call('getRun', { id });
      if (!['queued', 'preparing', 'running'].includes(run.state)) return run;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }

  async #dataset({ dataset, classes }: Preset): Promise<number | null> {
    const data = dataset === 'sample' ? 'sample' : dataset.startsWith('cifar') ? `cifar-${classes}` : dataset;
    if (!this.#datasets.has(data)) this.#datasets.set(data, await this.#add(data, classes));
    return this.#datasets.get(data)!;
  }

  async #add(data: string, classes: number): Promise<number | null> {
    if (data === 'sample') return this.#finished(await this.call('addSampleDataset', null));
    const folder = path.join(this.#folder, 'sources', data);
    await mkdir(folder, { recursive: true });
    const common = {
      name: data,
      subset: { type: 'full', imbalanceFactor: 1 },
      validationFraction: 0,
      validationSeed: 0,
    };
    if (data.startsWith('cifar')) {
      const files = classes === 10 ? cifar10Files() : cifar100Files();
      for (const [name, bytes] of Object.entries(files)) await writeFile(path.join(folder, name), bytes);
      return this.#finished(await this.call('addDataset', { ...common, path: folder, kind: data }));
    }
    if (this.#photographs === null) return null;
    const lists = { train: path.join(folder, 'train.txt'), val: null, test: path.join(folder, 'test.txt') };
    // Every class needs a training image.
    await listPhotographs(lists.train, this.#photographs, { classes, images: classes });
    await listPhotographs(lists.test, this.#photographs, { classes, images: TESTED });
    const task = await this.call('addDataset', {
      ...common,
      path: folder,
      kind: 'list',
      photographs: {
        lists,
        rankLabels: true,
        normalisation: data === 'inaturalist' ? 'inaturalist' : 'imagenet',
        testFraction: 0,
        leaveOutMissing: false,
        leaveOutProblemsOf: null,
      },
    });
    return this.#finished(task);
  }

  async #finished(task: Task): Promise<number> {
    let current = task;
    while (current.state === 'running') {
      await new Promise((resolve) => setTimeout(resolve, 100));
      current = await this.call('getTask', { id: task.id });
    }
    if (current.resultId === null) throw new Error(current.error?.message ?? current.message);
    return current.resultId;
  }
}

/**
 * Writes a list of so many photographs, whose labels go evenly from the first class to the last, and their files in a
 * folder beside it: those of `source` in turn, under names of their own since a list takes a file once.
 */
async function listPhotographs(
  listFile: string,
  source: string,
  { classes, images }: { classes: number; images: number },
): Promise<void> {
  const names = (await readdir(source, { recursive: true })).filter((name) => /\.jpe?g$/i.test(name)).sort();
  if (names.length === 0) throw new Error(`There are no JPEG files in ${source}.`);
  const split = path.basename(listFile, '.txt');
  const folder = path.join(path.dirname(listFile), split);
  await mkdir(folder);
  const lines: string[] = [];
  for (let index = 0; index < images; index++) {
    const label = Math.round((index / (images - 1)) * (classes - 1));
    const [from, to] = [path.join(source, names[index % names.length]!), path.join(folder, `${index}.jpg`)];
    // A second name costs no space, where both are on one disk.
    await link(from, to).catch(() => copyFile(from, to));
    lines.push(`${split}/${index}.jpg ${label}`);
  }
  await writeFile(listFile, `${lines.join('\n')}\n`);
}

const words = process.argv.slice(2);
const { folder, remove } = tempLibrary();
const services = await openServices({ libraryFolder: folder, shell: 'headless', report: () => undefined });
const trial = new Trial(services, folder, process.env['RESLT_PHOTOGRAPHS'] ?? null);
const counts = { completed: 0, failed: 0, skipped: 0 };
try {
  const presets = await trial.call('listPresets', null);
  const width = Math.max(...PRESETS.map(({ name }) => name.length));
  for (const preset of presets.filter(({ name }) => words.every((word) => name.includes(word)))) {
    const startedAt = performance.now();
    let said: string | null;
    try {
      said = await trial.run(preset);
    } catch (error) {
      said = (error as Error).message;
    }
    counts[said === null ? 'skipped' : said === 'completed' ? 'completed' : 'failed']++;
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(0);
    console.log(
      `${preset.name.padEnd(width)}  ${seconds.padStart(4)} s  ${said ?? 'skipped: no photographs'}`,
    );
  }
} finally {
  await services.close();
  remove();
}
console.log(`${counts.completed} completed, ${counts.failed} failed, ${counts.skipped} skipped`);
process.exitCode = counts.failed > 0 ? 1 : 0;
