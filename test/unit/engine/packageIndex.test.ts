import test from 'node:test';
import assert from 'node:assert/strict';
import { KNOWN_WHEELS } from '../../../main/engine/knownWheels.ts';
import { chooseWheel, parseIndexPage } from '../../../main/engine/packageIndex.ts';
import { announcedSize, hasOtherVersions } from '../../../main/engine/pip.ts';

const sum = 'ab'.repeat(32);
const PAGE = `<!DOCTYPE html><html><body>
  <a href="../../files/tensorflow_cpu-2.21.0-cp39-cp39-win_amd64.whl#sha256=${sum}">windows</a>
  <a data-requires-python="&gt;=3.10"
     href="https://files.example/a%2Bb/tensorflow_cpu-2.21.0-cp399-cp399-manylinux_2_27_x86_64.whl?x=1&amp;y=2#sha256=${sum.toUpperCase()}">new</a>
  <a href='tensorflow_cpu-2.21.0-cp311-cp311-manylinux_2_27_x86_64.whl#md5=0123'>known</a>
  <a href="tensorflow_cpu-2.20.0-cp311-cp311-manylinux_2_27_x86_64.whl">old</a>
  <a name="no-link">nothing</a>
</body></html>`;

test('a PEP 503 page gives names, absolute addresses and strong checksums', () => {
  const files = parseIndexPage(PAGE, 'https://index.example/simple/tensorflow-cpu/');
  assert.equal(files.length, 4);
  assert.deepEqual(files[0], {
    fileName: 'tensorflow_cpu-2.21.0-cp39-cp39-win_amd64.whl',
    url: 'https://index.example/files/tensorflow_cpu-2.21.0-cp39-cp39-win_amd64.whl',
    checksum: { algorithm: 'sha256', hex: sum },
  });
  assert.equal(
    files[1]!.url,
    'https://files.example/a%2Bb/tensorflow_cpu-2.21.0-cp399-cp399-manylinux_2_27_x86_64.whl?x=1&y=2',
  );
  assert.equal(files[1]!.checksum?.hex, sum);
  // MD5 proves nothing, so it is as good as no checksum.
  assert.equal(files[2]!.checksum, null);
});

test('of the fitting wheels one that is known is taken before a newer one', () => {
  const files = parseIndexPage(PAGE, 'https://index.example/simple/tensorflow-cpu/');
  const chosen = chooseWheel(files, 'tensorflow-cpu', '2.21.0')!;
  assert.ok(chosen.fileName in KNOWN_WHEELS);
  const without = files.filter((file) => file !== chosen);
  assert.match(chooseWheel(without, 'tensorflow_cpu', '2.21.0')!.fileName, /cp399.*manylinux/);
  assert.equal(chooseWheel(files, 'tensorflow', '2.21.0'), null);
  assert.equal(chooseWheel(files, 'tensorflow-cpu', '2.19.0'), null);
});

test('pip’s words tell the size of a download and whether another Python would help', () => {
  assert.equal(announcedSize('  Downloading tensorflow-2.21.0-cp311.whl (572.4 MB)\n'), 572_400_000);
  assert.equal(announcedSize('Processing /somewhere/x.whl'), null);
  assert.ok(
    hasOtherVersions(
      'ERROR: Could not find a version\nERROR: No matching distribution found for tensorflow-cpu==2.21.0',
    ),
  );
  assert.ok(
    !hasOtherVersions(
      'WARNING: Retrying after connection broken by NewConnectionError: Temporary failure in name resolution\nERROR: No matching distribution found',
    ),
  );
});
