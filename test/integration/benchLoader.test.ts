/** `reslt bench loader`, as a program: its JSON, the peer, and what it says when it cannot measure. */
import test from 'node:test';
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { entry } from '../../main/paths.ts';
import { temporaryFolder } from '../helpers/temporaryFolder.ts';

const photographs = join(import.meta.dirname, '..', 'fixtures', 'photographs');

interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Runs the command without any Python on its path. */
function bench(...args: string[]): Promise<Ended> {
  const { command, args: first } = entry('cli');
  return new Promise((resolve, reject) => {
    const child = spawn(command, [...first, 'bench', 'loader', ...args], {
      env: { ...process.env, PATH: '/nowhere' },
    });
    const ended: Ended = { code: null, stdout: '', stderr: '' };
    child.stdout.on('data', (data: Buffer) => (ended.stdout += data.toString()));
    child.stderr.on('data', (data: Buffer) => (ended.stderr += data.toString()));
    child.on('error', reject);
    child.on('close', (code) => resolve({ ...ended, code }));
  });
}

test('both decode modes are measured, beside a peer that takes turns', async (t) => {
  const folder = await temporaryFolder(t);
  const peer = join(folder, 'python');
  // Says what it is, takes the list of files, then answers each decode mode.
  await writeFile(
    peer,
    `#!${process.execPath}
    let listed = false;
    console.log('{"name": "Peer 1"}');
    require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
      if (listed) console.log(JSON.stringify({ imagesPerSecondPerCore: line === 'exact' ? 50 : 100 }));
      if (line === '') listed = true;
    });\n`,
  );
  await chmod(peer, 0o755);
  const { code, stdout, stderr } = await bench('--images', photographs, '--json', '--peer', peer);
  assert.equal(code, 0, stderr);
  const results = JSON.parse(stdout) as Record<string, unknown>[];
  assert.deepEqual(
    results.map(({ decode, peer: other }) => [decode, other]),
    [
      ['exact', { name: 'Peer 1', imagesPerSecondPerCore: 50 }],
      ['scaled', { name: 'Peer 1', imagesPerSecondPerCore: 100 }],
    ],
  );
  for (const [i, { imagesPerSecondPerCore, ratio, ...rest }] of results.entries()) {
    assert.ok((imagesPerSecondPerCore as number) > 1);
    assert.equal(ratio, (imagesPerSecondPerCore as number) / (i === 0 ? 50 : 100));
    assert.deepEqual(Object.keys(rest), ['decode', 'peer']);
  }
});

test('without Pillow there is no peer; what cannot be measured is told', async (t) => {
  const folder = await temporaryFolder(t);
  const { code, stdout, stderr } = await bench('--images', photographs, '--json');
  assert.equal(code, 0, stderr);
  for (const { peer, ratio } of JSON.parse(stdout) as Record<string, unknown>[])
    assert.deepEqual([peer, ratio], [null, null]);
  const empty = await bench('--images', folder);
  assert.equal(empty.code, 2);
  assert.match(empty.stderr, /expects a folder with \.jpg, \.png or \.webp files, and .* has none/);
  const named = await bench('--images', photographs, '--peer', '/nowhere/python');
  assert.equal(named.code, 1);
  assert.match(named.stderr, /\/nowhere\/python cannot run Pillow and NumPy/);
  await writeFile(join(folder, 'bad.jpg'), 'no image');
  const bad = await bench('--images', folder);
  assert.equal(bad.code, 1);
  assert.match(bad.stderr, /bad\.jpg: expected a JPEG, PNG or WebP image/);
});
