/**
 * Starts trainers: writes what a trainer is told into the run's folder and spawns it in a session of its own, with files
 * for its output, so that it outlives whoever started it and never waits for a reader.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdir, open } from 'node:fs/promises';
import path from 'node:path';
import { writeFileDurably } from '../durableFile.ts';
import { readProcessIdentity } from '../trainer/processIdentity.ts';
import { launchFileName, type LaunchFile, type ProcessIdentity } from '../trainer/protocol.ts';

/** Variables of the owner's process that would change what a plain Node child is or does. */
const NOT_INHERITED = ['ELECTRON_RUN_AS_NODE', 'NODE_OPTIONS', 'NODE_TEST_CONTEXT'];

export interface Launched {
  child: ChildProcess;
  /** Null when it was gone before it could be looked at. */
  identity: ProcessIdentity | null;
}

/**
 * Starts the trainer of an attempt. Throws with a sentence when the folder can't be written or the program not started.
 *
 * `folder` is the run's, absolute; it is made when missing. `environment` is laid over this process's own.
 */
export async function launchTrainer(options: {
  program: { command: string; args: readonly string[] };
  folder: string;
  launch: LaunchFile;
  environment: Record<string, string>;
}): Promise<Launched> {
  const { program, folder, launch } = options;
  await mkdir(folder, { recursive: true });
  await writeFileDurably(path.join(folder, launchFileName(launch.attempt)), JSON.stringify(launch, null, 2));
  const stdout = await open(path.join(folder, 'stdout.log'), 'a');
  const stderr = await open(path.join(folder, 'stderr.log'), 'a');
  try {
    const environment: NodeJS.ProcessEnv = { ...process.env, ...options.environment };
    for (const name of NOT_INHERITED) delete environment[name];
    const child = spawn(program.command, [...program.args, folder, String(launch.attempt)], {
      cwd: folder,
      detached: true,
      windowsHide: true,
      stdio: ['ignore', stdout.fd, stderr.fd],
      env: environment,
    });
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', (error) =>
        reject(
          new Error(`The trainer could not be started with ${program.command}: ${error.message}`, {
            cause: error,
          }),
        ),
      );
    });
    child.unref();
    return { child, identity: child.pid === undefined ? null : await readProcessIdentity(child.pid) };
  } finally {
    await stdout.close();
    await stderr.close();
  }
}
