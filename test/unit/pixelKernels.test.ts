/** The WebAssembly that prepares photographs is what its source compiles to: nobody can read the one without the other. */
import test from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import asc from 'assemblyscript/asc';
import { rootFolder } from '../../main/paths.ts';
import { KERNELS } from '../../main/datasets/photographs/pixelKernels.ts';

const SOURCE = path.join(rootFolder(), 'main/datasets/photographs/pixelKernels.as');
const OPTIONS = '-O3 --noAssert --runtime stub --enable simd --importMemory --outFile kernels.wasm';

test('the compiled kernels come from their source', async () => {
  const written = new Map<string, Uint8Array | string>();
  const { error, stderr } = await asc.main(['kernels.ts', ...OPTIONS.split(' ')], {
    readFile: (name) => (name === 'kernels.ts' ? readFileSync(SOURCE, 'utf8') : null),
    writeFile: (name, contents) => void written.set(name, contents),
    listFiles: () => [],
  });
  assert.equal(error, null, stderr.toString());
  const compiled = Buffer.from(written.get('kernels.wasm') as Uint8Array).toString('base64');
  assert.equal(KERNELS, compiled, 'pixelKernels.as has changed: its head says how to compile it');
});
