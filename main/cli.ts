/**
 * `reslt`: the command line over the same owner, library and services as the app. It parses words, calls a command and
 * prints; exit codes are 0 done, 1 failed, 2 bad usage. Every command takes --library and --json.
 */
import path from 'node:path';
import { Command, CommanderError, InvalidArgumentError } from 'commander';
import { benchStep, benchStepWorker, benchStore } from './commands/bench.ts';
import { benchLoader, benchLoaderWorker } from './commands/benchLoader.ts';
import { CliError, EXIT } from './commands/cliError.ts';
import { withOwner, type Client } from './commands/client.ts';
import { compare } from './commands/compare.ts';
import * as dataset from './commands/dataset.ts';
import * as engine from './commands/engine.ts';
import * as exchange from './commands/exchange.ts';
import { createOutput, type Output } from './commands/output.ts';
import * as preset from './commands/preset.ts';
import * as queue from './commands/queue.ts';
import * as runs from './commands/run.ts';
import { serve } from './headless/serve.ts';
import type { EngineName } from './engine/index.ts';
import { appVersion, defaultLibraryFolder } from './paths.ts';

interface CommonOptions {
  library?: string;
  json?: boolean;
}

type Act<O> = (context: { output: Output; library: string; options: O; words: string[] }) => Promise<void>;

const libraryOf = ({ library }: CommonOptions): string => path.resolve(library ?? defaultLibraryFolder());

/** A command with the options that all have; `act` gets its arguments as words, with absent ones left out. */
function add<O>(parent: Command, usage: string, summary: string, act: Act<O & CommonOptions>): Command {
  return parent
    .command(usage)
    .description(summary)
    .option('--library <dir>', 'library folder (default: RESLT_LIBRARY, else the per-user one)')
    .option('--json', 'print JSON')
    .action(async (...given: unknown[]) => {
      const options = given.at(-2) as O & CommonOptions;
      const words = given
        .slice(0, -2)
        .flat()
        .filter((word) => word !== undefined) as string[];
      const output = createOutput(options.json === true);
      await act({ output, library: libraryOf(options), options, words });
    });
}

/** The same for commands that talk to the library's owner. */
function addClient<O>(
  parent: Command,
  usage: string,
  summary: string,
  act: (client: Client, output: Output, words: string[], options: O) => Promise<void>,
): Command {
  return add<O>(parent, usage, summary, ({ output, library, options, words }) =>
    withOwner(library, (client) => act(client, output, words, options)),
  );
}

const collect = (value: string, before: string[] = []): string[] => [...before, value];

function whole(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0) throw new InvalidArgumentError('Expected a whole number.');
  return value;
}

const first = (words: string[]): string => words[0] ?? '';

function build(): Command {
  const program = new Command('reslt')
    .description('ResLT Studio: experiments in long-tailed image recognition')
    .version(appVersion())
    .showHelpAfterError('(add --help for the options)')
    .exitOverride();

  add(
    program,
    'doctor',
    'check engine, devices, Node, library and disk, with a mend for each problem',
    ({ output, library }) => engine.doctor(output, library),
  );

  const engines = program.command('engine').description('the native engine (TensorFlow)');
  add<engine.EngineInstallOptions>(
    engines,
    'install',
    'install TensorFlow for this user',
    ({ output, options }) => engine.engineInstall(output, options),
  )
    .option('--cpu', 'the CPU build')
    .option('--gpu', 'the NVIDIA CUDA build')
    .option('--wheel <file>', 'a wheel that is already here (repeat for several)', collect)
    .option('--index <url>', 'a PEP 503 package index')
    .option('--allow-unlisted', 'accept a wheel whose checksum is not on the list');
  add(engines, 'ls', 'list installed engines', ({ output }) => engine.engineList(output));
  add(engines, 'remove <id>', 'remove an engine', ({ output, words }) =>
    engine.engineRemove(output, first(words)),
  );

  const datasets = program.command('dataset').description('registered datasets');
  addClient<dataset.AddOptions>(
    datasets,
    'add <source> [path]',
    'register a dataset: `add cifar-10 PATH`, `add PATH`, `add sample`, `add folder DIR`, `add list --train FILE --test FILE --root DIR`',
    (client, output, words, options) => dataset.datasetAdd(client, output, first(words), words[1], options),
  )
    .option('--name <name>', 'its name here')
    .option('--imbalance-factor <factor>', 'cut a long-tailed subset; in (0, 1], 0.01 is "IF 100"')
    .option('--imbalance-type <type>', 'exp (default), step or full')
    .option('--val-fraction <share>', 'share of the training images carved off for validation')
    .option('--val-seed <seed>', 'seed of that choice')
    .option('--train <file>', 'list file of the training images, one "path label" a line')
    .option('--val <file>', 'list file of the validation images')
    .option('--test <file>', 'list file of the test images')
    .option('--root <folder>', 'folder that the paths in the lists start from')
    .option('--rank-labels', 'number the classes by ascending training count, as the reference does')
    .option('--normalisation <set>', 'mean and deviation of imagenet (default) or inaturalist')
    .option('--test-fraction <share>', 'share of each class carved off as test split, for one folder without')
    .option('--leave-out-missing', 'leave out images that are not there')
    .option('--leave-out-problems-of <dataset>', 'leave out what the last check of that dataset listed');
  addClient(datasets, 'ls', 'list datasets', (client, output) => dataset.datasetList(client, output));
  addClient(datasets, 'show <dataset>', 'one dataset', (client, output, words) =>
    dataset.datasetShow(client, output, first(words)),
  );
  addClient(
    datasets,
    'verify <dataset>',
    'check every image: packed ones against their hash, photographs by reading them',
    (client, output, words) => dataset.datasetVerify(client, output, first(words)),
  );
  addClient(
    datasets,
    'relocate <dataset> <folder>',
    'take the photographs of a dataset from another folder',
    (client, output, words) => dataset.datasetRelocate(client, output, first(words), words[1] ?? ''),
  );
  addClient(datasets, 'rm <dataset>', 'move a dataset to the trash', (client, output, words) =>
    dataset.datasetRemove(client, output, first(words)),
  );

  const presets = program.command('preset').description('ready-made configurations');
  addClient(presets, 'ls', 'list presets', (client, output) => preset.presetList(client, output));
  addClient(presets, 'show <name>', 'one preset', (client, output, words) =>
    preset.presetShow(client, output, first(words)),
  );

  addClient<runs.RunOptions>(
    program,
    'run <preset-or-file>',
    'queue a run for each seed',
    (client, output, words, options) => runs.run(client, output, first(words), options),
  )
    .option('--dataset <dataset>', 'name or number of a registered dataset')
    .option('--set <key=value>', 'change a setting (repeat for several)', collect)
    .option('--seed <seeds>', 'seeds: 0,1,2 or 0-4')
    .option('--name <name>', 'name of the run')
    .option('--note <text>', 'why this run')
    .option('--next', 'put it at the head of the queue')
    .option('--wait', 'wait for the end and print the results');

  const list = program.command('runs').description('runs in the library');
  addClient<{ search?: string; limit?: number; archived?: boolean }>(
    list,
    'ls',
    'list runs, newest first',
    (client, output, _words, options) => runs.runsList(client, output, options),
  )
    .option('--search <words>', 'words in name, method, dataset, note, or key=value')
    .option('--limit <n>', 'at most so many', whole)
    .option('--archived', 'the archived ones');
  addClient(list, 'show <run>', 'one run with its results', (client, output, words) =>
    runs.runsShow(client, output, first(words)),
  );

  addClient<{ follow?: boolean }>(
    program,
    'logs <run>',
    'print the log of a run',
    (client, output, words, options) => runs.logs(client, output, first(words), options.follow === true),
  ).option('-f, --follow', 'go on until the run ends');

  const line = program.command('queue').description('what runs and what waits');
  addClient(line, 'ls', 'show the queue', (client, output) => queue.queueList(client, output));
  addClient(line, 'pause', 'start nothing new', (client, output) => queue.queuePause(client, output, true));
  addClient(line, 'resume', 'start the next ones again', (client, output) =>
    queue.queuePause(client, output, false),
  );
  addClient<{ before?: string }>(line, 'move <run>', 'move a waiting run', (client, output, words, options) =>
    queue.queueMove(client, output, first(words), options.before),
  ).option('--before <run>', 'before this one; without it, to the end');
  addClient(line, 'rm <run>', 'take a waiting run out', (client, output, words) =>
    queue.queueRemove(client, output, first(words)),
  );

  for (const [word, action, summary] of [
    ['stop', 'stopRun', 'stop a run; its checkpoints and metrics stay'],
    ['pause', 'pauseRun', 'pause a run after a checkpoint, freeing its device'],
    ['resume', 'resumeRun', 'go on with a run from its last checkpoint'],
  ] as const) {
    addClient(program, `${word} <run>`, summary, (client, output, words) =>
      runs.changeRun(client, output, action, first(words)),
    );
  }

  addClient<{ dataset?: string; set?: string[] }>(
    program,
    'eval <checkpoint>',
    'evaluate a checkpoint again: RUN@last, RUN@best, RUN@epoch-N or its file',
    (client, output, words, options) => runs.evaluate(client, output, first(words), options),
  )
    .option('--dataset <dataset>', 'another dataset with the same classes')
    .option(
      '--set <key=value>',
      'change how it predicts, such as method=tau-norm tau=0.5 (repeat for several)',
      collect,
    );
  addClient<{ groupScheme: string }>(
    program,
    'compare <checkpoints...>',
    'compare two or more checkpoints image by image',
    (client, output, words, options) => compare(client, output, words, options.groupScheme),
  ).option('--group-scheme <scheme>', 'count-100-20 or reslt-ranges', 'count-100-20');

  const imports = program.command('import').description('files of other programs');
  addClient<exchange.ImportCheckpointOptions>(
    imports,
    'checkpoint <file>',
    'make a run of a PyTorch checkpoint (.pth, .pth.tar) or of safetensors',
    (client, output, words, options) => exchange.importCheckpoint(client, output, first(words), options),
  )
    .option('--dataset <dataset>', 'the dataset it is about; it is evaluated there at once')
    .option('--name <name>', 'name of the run')
    .option('--network <network>', 'refuse the file unless it holds this network')
    .option('--recipe <preset>', 'preset whose other settings are taken (default: the likeliest)')
    .option(
      '--classes-order <order>',
      "how the file's classes are numbered: as-stored (as in the dataset), ascending-count (the rarest first) or source-order (as in the dataset's source); default: the likeliest",
    )
    .option('--again', 'also when the same file was imported before')
    .option('--dry-run', 'only say what the file is; nothing is written');
  addClient<exchange.ImportCommandOptions>(
    imports,
    'log <file>',
    "make a run with curves of a log of the reference programs (ResLT, RIDE, LDAM-DRW, PyTorch's ImageNet example)",
    (client, output, words, options) => exchange.importLog(client, output, first(words), options),
  )
    .option('--dataset <dataset>', 'the dataset it is about')
    .option('--name <name>', 'name of the run')
    .option('--again', 'also when the same file was imported before')
    .option('--dry-run', 'only say what the file is; nothing is written');
  const exports = program.command('export').description('files for other programs');
  addClient<{ format?: string; output?: string; force?: boolean }>(
    exports,
    'checkpoint <checkpoint>',
    'write the weights of RUN@last, RUN@best or RUN@epoch-N',
    (client, output, words, options) => exchange.exportCheckpoint(client, output, first(words), options),
  )
    .option('--format <format>', "pth (default; PyTorch's state dict) or safetensors")
    .option('--output <file>', 'where to (default: a name in this folder)')
    .option('--force', 'overwrite a file that is there');

  const bench = program.command('bench').description('measure this machine');
  add<{ engine?: string; peer?: string; steps?: number }>(
    bench,
    'step',
    'training step (ResNet-32, ResLT, batch 128): images/s of each engine',
    ({ output, options }) => benchStep(output, options),
  )
    .option('--engine <engine>', 'only this one: tensorflow-gpu, tensorflow-cpu or wasm')
    .option('--peer <python>', 'measure the same step in PyTorch with this Python, alternating')
    .option('--steps <n>', 'steps of each measurement', whole);
  // The measuring child of `bench step`, not for people.
  bench
    .command('step-worker', { hidden: true })
    .requiredOption('--engine <engine>')
    .action(({ engine: name }: { engine: EngineName }) => benchStepWorker(name));
  add<{ images: string; peer?: string }>(
    bench,
    'loader',
    'photographs prepared for training: images/s per core, exact and scaled decoding, beside Pillow',
    ({ output, options }) => benchLoader(output, options),
  )
    .requiredOption('--images <folder>', 'folder with photographs')
    .option('--peer <python>', 'the Python that has Pillow and NumPy (default: python3 where it has them)');
  bench.command('loader-worker', { hidden: true }).action(() => benchLoaderWorker());
  add(bench, 'store', 'metric rows/s, and time to list 10,000 runs and read 50 curves', ({ output }) =>
    benchStore(output),
  );

  add<{ port?: number; exitWhenIdle?: boolean }>(
    program,
    'serve',
    'serve the app on this machine (for a browser, also over an SSH tunnel)',
    ({ library, options }) =>
      serve({ libraryFolder: library, port: options.port ?? 0, exitWhenIdle: options.exitWhenIdle === true }),
  )
    .option('--port <port>', 'port on 127.0.0.1 (default: a free one)', whole)
    .option('--exit-when-idle', 'end when nothing is queued or running');

  return program;
}

/** Runs one command line and returns the exit code. Nothing but this prints errors. */
async function main(words: string[]): Promise<number> {
  const asJson = words.includes('--json');
  const report = (code: string, message: string, details: unknown): void => {
    process.stderr.write(
      asJson ? `${JSON.stringify({ error: { code, message, details } })}\n` : `${message}\n`,
    );
  };
  const program = build();
  // Commander's own complaints become ours, so that --json holds for them too.
  const quiet = (command: Command): void => {
    command
      .exitOverride()
      .configureOutput({ writeErr: asJson ? () => undefined : (text) => process.stderr.write(text) });
    command.commands.forEach(quiet);
  };
  quiet(program);
  try {
    await program.parseAsync(words, { from: 'user' });
    return EXIT.done;
  } catch (error) {
    if (error instanceof CommanderError) {
      if (error.exitCode === 0) return EXIT.done;
      if (asJson) report('usage', error.message, null);
      return EXIT.usage;
    }
    if (error instanceof CliError) {
      report(error.code, error.message, error.details);
      return error.exitCode;
    }
    const { message, code, details } = error as Error & { code?: string; details?: unknown };
    report(typeof code === 'string' ? code : 'internal', message, details ?? null);
    return EXIT.failed;
  }
}

process.exitCode = await main(process.argv.slice(2));
