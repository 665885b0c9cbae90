/** The scripts as users call them: exit codes, arguments, and sentences instead of stack traces. */
import test from 'node:test';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '../..');

function script(name: string, args: string[]) {
  const result = spawnSync(process.execPath, [path.join(root, 'scripts', name), ...args], {
    cwd: os.tmpdir(),
    encoding: 'utf8',
  });
  return { code: result.status, stdout: result.stdout, stderr: result.stderr };
}

test('run.mjs runs a TypeScript file with the pinned Node and passes arguments and exit code on', (t) => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'reslt-scripts-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = path.join(folder, 'program.ts');
  writeFileSync(
    file,
    'const words: string[] = process.argv.slice(2); console.log(process.versions.node.split(".")[0], words.join("|")); process.exitCode = 7;',
  );
  assert.deepEqual(script('run.mjs', [file, 'one word', '--flag']), {
    code: 7,
    stdout: '24 one word|--flag\n',
    stderr: '',
  });
});

test('wrong arguments get a sentence that names the right ones', () => {
  const tests = script('test.mjs', ['units']);
  assert.equal(tests.code, 1);
  assert.match(tests.stderr, /no part "units".*unit, parity, integration/);
  const build = script('build.mjs', ['page']);
  assert.equal(build.code, 1);
  assert.match(build.stderr, /no part "page".*renderer, desktop, node-app/);
  const start = script('start.mjs', ['--libary', 'x']);
  assert.equal(start.code, 1);
  assert.match(start.stderr, /libary/);
  assert.doesNotMatch(start.stderr, /\n\s+at /);
});
