/** Checks an engine by running one gradient step on it in a process of its own, and says in words what went wrong. */
import { entry } from '../paths.ts';
import { engineEnvironment } from './environment.ts';
import { installFailed } from './errors.ts';
import type { InstalledEngine } from './installed.ts';
import { lastLines, runProgram } from './process.ts';

/** What verifyMain.ts prints. */
export interface EngineCheck {
  tensorflowVersion: string;
  usesGpu: boolean;
  /** Expected: 4 positions of 9 ones, 36. */
  loss: number;
  /** Expected: nine times 0.6. */
  weights: number[];
}

/** Loading a CUDA engine for the first time compiles kernels. */
const VERIFY_TIMEOUT_MS = 5 * 60_000;
const TOLERANCE = 1e-5;

/** Throws an EngineError when the engine does not load, computes wrong numbers or is another TensorFlow. */
export async function verifyEngine(engine: InstalledEngine, signal?: AbortSignal): Promise<EngineCheck> {
  const { command, args } = entry('verifyEngine');
  const environment = await engineEnvironment(
    { engine, hideGpus: engine.device === 'cpu' },
    { threads: null },
  );
  const result = await runProgram(command, [...args, engine.bindingPath], {
    env: { ...process.env, ...environment },
    timeoutMs: VERIFY_TIMEOUT_MS,
    signal,
  });
  if (result.code !== 0) {
    const ending =
      result.signal === null ? `ended with code ${result.code}` : `was ended by ${result.signal}`;
    const said = lastLines(result.stderr, 8);
    throw installFailed(
      `The engine was built but does not run: its check ${ending}.` +
        (said === '' ? '' : ` It said:\n${said}`),
    );
  }
  const check = JSON.parse(lastLines(result.stdout, 1)) as EngineCheck;
  if (check.tensorflowVersion !== engine.tensorflowVersion)
    throw installFailed(
      `The engine's libraries are TensorFlow ${check.tensorflowVersion}, and ${engine.tensorflowVersion} was expected.`,
    );
  const wrong = check.weights.find((weight) => Math.abs(weight - 0.6) > TOLERANCE);
  if (Math.abs(check.loss - 36) > TOLERANCE || wrong !== undefined)
    throw installFailed(
      `The engine computes wrong numbers: a gradient step gave the loss ${check.loss} (36 expected) and the weight ${wrong ?? 0.6} (0.6 expected).`,
    );
  return check;
}
