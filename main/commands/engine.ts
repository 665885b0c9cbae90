/** `reslt engine …` and `reslt doctor`: the native runtime of this user, shared by all libraries. */
import {
  formatDoctorReport,
  describeProgress,
  installEngine,
  listEngines,
  removeEngine,
  runDoctor,
  type InstallOptions,
} from '../engine/index.ts';
import { CliError, usageError } from './cliError.ts';
import { bytes, table, type Output } from './output.ts';

export interface EngineInstallOptions {
  cpu?: boolean;
  gpu?: boolean;
  wheel?: string[];
  index?: string;
  allowUnlisted?: boolean;
}

export async function engineInstall(output: Output, options: EngineInstallOptions): Promise<void> {
  if (options.cpu && options.gpu) throw usageError('--cpu and --gpu exclude each other.');
  const wanted: InstallOptions = {
    ...(options.cpu ? { device: 'cpu' } : options.gpu ? { device: 'gpu' } : {}),
    ...(options.wheel === undefined ? {} : { wheels: options.wheel }),
    ...(options.index === undefined ? {} : { index: options.index }),
    allowUnlisted: options.allowUnlisted === true,
  };
  const engine = await installEngine(wanted, (progress) => output.progress(describeProgress(progress)));
  output.result(
    engine,
    () => `TensorFlow ${engine.tensorflowVersion} (${engine.device}) is ready in ${engine.folder}.`,
  );
}

export async function engineList(output: Output): Promise<void> {
  const engines = await listEngines();
  output.result(engines, () =>
    engines.length === 0
      ? 'No native engine is installed. `reslt engine install` installs one; until then runs use WebAssembly.'
      : table(
          ['id', 'TensorFlow', 'device', 'size'],
          engines.map((one) => [one.id, one.tensorflowVersion, one.device, bytes(one.sizeBytes)]),
        ),
  );
}

export async function engineRemove(output: Output, id: string): Promise<void> {
  const removed = await removeEngine(id);
  output.result(removed, () => `Removed ${removed.id}, ${bytes(removed.freedBytes)} freed.`);
}

/** Prints every finding; exit 1 when one is a problem. */
export async function doctor(output: Output, libraryFolder: string): Promise<void> {
  const report = await runDoctor({ libraryFolder });
  output.result(report, () => formatDoctorReport(report));
  const problems = report.items.filter(({ status }) => status === 'problem');
  if (problems.length > 0) {
    throw new CliError(
      `${problems.length} ${problems.length === 1 ? 'problem' : 'problems'} found: ${problems.map(({ name }) => name).join(', ')}.`,
      { code: 'conflict', details: problems },
    );
  }
}
