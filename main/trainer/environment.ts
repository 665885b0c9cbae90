/** What a run was computed with, for its page and for whoever wants to repeat it. */
import { execFile } from 'node:child_process';
import os from 'node:os';
import { promisify } from 'node:util';
import { readGpus } from '../engine/gpu.ts';
import type { Backend } from '../training/ops.ts';
import type { LaunchFile } from './protocol.ts';

const run = promisify(execFile);

/** How long git may take to name the commit. */
const GIT_TIMEOUT_MS = 2000;

/** Name, value pairs; null where something could not be found out. */
export async function describeEnvironment(
  launch: LaunchFile,
  backend: Backend,
): Promise<Record<string, string | number | null>> {
  const gpu = backend.kind === 'tensorflow-gpu' ? ((await readGpus())[0] ?? null) : null;
  return {
    host: os.hostname(),
    platform: `${os.type()} ${os.release()} ${os.arch()}`,
    processor: os.cpus()[0]?.model ?? null,
    cores: os.availableParallelism(),
    memoryBytes: os.totalmem(),
    node: process.versions.node,
    app: launch.appVersion,
    commit: await readCommit(),
    engine: backend.kind,
    engineReason: launch.engine.reason,
    engineVersion: backend.version,
    device: backend.device,
    driver: gpu?.driverVersion ?? null,
    threads: launch.threads,
  };
}

/** The commit that the app runs from, marked where files differ from it; null outside a checkout. */
async function readCommit(): Promise<string | null> {
  const folder = import.meta.dirname;
  try {
    const { stdout } = await run(
      'git',
      ['-C', folder, 'describe', '--always', '--dirty', '--abbrev=12', '--exclude=*'],
      { timeout: GIT_TIMEOUT_MS },
    );
    return stdout.trim();
  } catch {
    return null;
  }
}
