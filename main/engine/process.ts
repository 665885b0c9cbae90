/** Runs a program to its end and keeps what it said. Never through a shell. */
import { spawn } from 'node:child_process';

export interface ProgramResult {
  /** Exit code; null when a signal ended it or it could not be started. */
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
  /** The program does not exist or may not be run. */
  missing: boolean;
}

export interface ProgramOptions {
  env?: NodeJS.ProcessEnv;
  cwd?: string;
  signal?: AbortSignal | undefined;
  timeoutMs?: number;
  /** Told every piece of stdout and stderr as it comes. */
  onOutput?: (text: string) => void;
}

/** Resolves when the program has ended, whatever its exit code; rejects only when `signal` aborts. */
export function runProgram(
  command: string,
  args: readonly string[],
  options: ProgramOptions = {},
): Promise<ProgramResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(options.env && { env: options.env }),
      ...(options.cwd !== undefined && { cwd: options.cwd }),
      ...(options.signal && { signal: options.signal }),
      ...(options.timeoutMs !== undefined && { timeout: options.timeoutMs, killSignal: 'SIGKILL' as const }),
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
      options.onOutput?.(text);
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
      options.onOutput?.(text);
    });
    child.on('error', (error: NodeJS.ErrnoException) => {
      if (error.name === 'AbortError') reject(error);
      else resolve({ code: null, signal: null, stdout, stderr: stderr + error.message, missing: true });
    });
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr, missing: false }));
  });
}

/** The last lines of a program's output that say anything, for an error message. */
export function lastLines(text: string, count: number): string {
  return text
    .split(/\r?\n|\r/)
    .map((line) => line.trimEnd())
    .filter((line) => line.trim() !== '')
    .slice(-count)
    .join('\n');
}
