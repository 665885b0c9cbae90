import test from 'node:test';
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { classifyStderr, readLastWords } from '../../main/scheduler/lastWords.ts';

test('messages of TensorFlow and Node have the level that they were written with', () => {
  const lines: [string, string][] = [
    ['WARNING: All log messages before absl::InitializeLog() is called are written to STDERR', 'info'],
    ['I0000 00:00:1795518261.826052   23631 port.cc:153] oneDNN custom operations are on.', 'info'],
    [
      '2026-11-24 10:00:00.123456: I tensorflow/core/platform/cpu_feature_guard.cc:210] This TensorFlow binary is optimized',
      'info',
    ],
    ['To enable the following instructions: AVX2 FMA, rebuild TensorFlow.', 'info'],
    ['W0000 00:00:1795518261.826052   23631 gpu_device.cc:2344] Cannot dlopen some GPU libraries.', 'warn'],
    [
      '2026-11-24 10:00:00.123456: E external/local_xla/xla/stream_executor/cuda/x.cc:477] no device',
      'error',
    ],
    ['F0000 00:00:1795518261.826052   23631 tensor.cc:1] Check failed: 1 == 2', 'error'],
    ['(node:4242) ExperimentalWarning: SQLite is an experimental feature', 'warn'],
    ['(Use `node --trace-warnings ...` to show where the warning was created)', 'info'],
    ['terminate called after throwing an instance of std::bad_alloc', 'error'],
    ['Killed', 'error'],
  ];
  assert.deepEqual(
    classifyStderr(lines.map(([text]) => text).join('\n\n')),
    lines.map(([text, level]) => ({ level, text })),
  );
});

test('an indented line goes on with the message before it', () => {
  const text = ['I0000 00:00:1.0   1 a.cc:1] two', '  lines', 'TypeError: x is not a function', '    at y'];
  assert.deepEqual(
    classifyStderr(text.join('\n')).map(({ level }) => level),
    ['info', 'info', 'error', 'error'],
  );
});

test('only the last lines are read, whole', async () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'reslt-words-'));
  const file = path.join(folder, 'stderr.log');
  const message = (number: number): string =>
    `I0000 00:00:1.0   1 a.cc:1] message ${number} ${'x'.repeat(300)}`;
  writeFileSync(file, Array.from({ length: 40 }, (_, index) => `${message(index)}\n`).join(''));
  const words = await readLastWords(file);
  assert.ok(words.length > 5 && words.every(({ level }) => level === 'info'));
  assert.equal(words.at(-1)!.text, message(39));
  assert.deepEqual(await readLastWords(path.join(folder, 'none.log')), []);
  rmSync(folder, { recursive: true });
});
