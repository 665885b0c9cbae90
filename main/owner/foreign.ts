/**
 * Reads files of other programs, each in a process of its own that is started for it and ends with it, under limits of
 * memory and time: such a file is hostile until it has been parsed, and whatever it does to its reader, it does to
 * nothing else.
 */
import { StudioError } from '../store/errors.ts';
import { BackgroundError, createTaskPool, type RunOptions } from './background.ts';
import type { foreignTasks } from './foreignTasks.ts';

type Tasks = typeof foreignTasks;

/**
 * Runs a task on a file. Throws StudioError `file-invalid` with a sentence for a file that is refused or that the
 * reader did not survive, `disk-full`, or the signal's reason when aborted.
 */
export type RunForeign = <Name extends keyof Tasks & string>(
  task: Name,
  args: Parameters<Tasks[Name]>[0],
  options?: Pick<RunOptions, 'onProgress' | 'signal'>,
) => Promise<Awaited<ReturnType<Tasks[Name]>>>;

export interface ForeignFiles {
  /** One task in a process of its own. */
  run: RunForeign;
  /** Several tasks on one file, one after another in one process. */
  read<T>(work: (run: RunForeign) => Promise<T>): Promise<T>;
  /** Ends what runs. */
  close(): Promise<void>;
}

export interface ForeignLimits {
  /** JavaScript heap: names, pickles, the text of a log. */
  heapMb: number;
  /** All memory that the process may map. Node itself maps somewhat more than 1 GB; the rest is for the largest weights. */
  addressSpaceMb: number;
  timeoutMs: number;
  /** How to start the process; tests pass their own. */
  child?: { command: string; args: string[] };
}

const LIMITS: ForeignLimits = { heapMb: 1024, addressSpaceMb: 8 * 1024, timeoutMs: 300_000 };

export function createForeignFiles(limits: Partial<ForeignLimits> = {}): ForeignFiles {
  const { heapMb, addressSpaceMb, timeoutMs, child } = { ...LIMITS, ...limits };
  const pools = new Set<{ close(): Promise<void> }>();

  const read: ForeignFiles['read'] = async (work) => {
    const pool = createTaskPool<Tasks>('foreign', {
      memoryMb: heapMb,
      addressSpaceMb,
      children: 1,
      ...(child === undefined ? {} : { child }),
    });
    pools.add(pool);
    try {
      const run = async <Name extends keyof Tasks & string>(
        task: Name,
        args: Parameters<Tasks[Name]>[0],
        options: Pick<RunOptions, 'onProgress' | 'signal'> = {},
      ): Promise<Awaited<ReturnType<Tasks[Name]>>> => {
        try {
          return await pool.run(task, args, { ...options, timeoutMs });
        } catch (error) {
          throw told(error, args.file);
        }
      };
      return await work(run);
    } finally {
      pools.delete(pool);
      await pool.close();
    }
  };
  return {
    run: (task, args, options) => read((run) => run(task, args, options)),
    read,
    async close() {
      await Promise.all([...pools].map((pool) => pool.close()));
    },
  };
}

/** A reader that dies of a file, or takes too long, says something about the file. */
function told(error: unknown, file: string): unknown {
  if (!(error instanceof BackgroundError)) return error;
  const { code, message, details } = error;
  if (code === 'cancelled') return new StudioError('conflict', message, details);
  if (code !== 'internal') return new StudioError(code, message, details);
  return new StudioError(
    'file-invalid',
    `${file} could not be read within the limits that files from elsewhere get: ${message} Nothing was written. ` +
      'If the file is yours, save its weights alone and try again.',
    details,
  );
}
