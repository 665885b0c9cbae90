/** A child process that answers each line it is given with one line of JSON. */
import { spawn, type SpawnOptionsWithoutStdio } from 'node:child_process';
import { createInterface } from 'node:readline';

export interface LineProcess {
  /** The next line it prints, parsed. Rejects with what it said on stderr when it ends instead. */
  read(): Promise<unknown>;
  ask(line: string): Promise<unknown>;
  end(): void;
}

export function startLineProcess(
  command: string,
  args: readonly string[],
  options: SpawnOptionsWithoutStdio,
): LineProcess {
  const child = spawn(command, args, { ...options, stdio: 'pipe' });
  let complaint = '';
  child.stderr.on('data', (data: Buffer) => {
    complaint = (complaint + data.toString()).slice(-4000);
  });
  let failure: Error | null = null;
  child.on('error', (error) => {
    failure = error;
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const read = async (): Promise<unknown> => {
    const { value, done } = await lines.next();
    if (done !== true) return JSON.parse(value) as unknown;
    throw failure ?? new Error(complaint.trim() || `${command} ended without an answer.`);
  };
  return {
    read,
    ask(line) {
      child.stdin.write(`${line}\n`);
      return read();
    },
    end: () => child.stdin.end(),
  };
}
