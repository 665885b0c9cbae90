/** What the package files promise: no install script runs, no host is named, versions are exact. */
import test from 'node:test';
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '../..');
const read = (file: string) => readFileSync(path.join(root, file), 'utf8');
const manifest = JSON.parse(read('package.json')) as {
  allowScripts: Record<string, boolean>;
  dependencies: Record<string, string>;
  devDependencies: Record<string, string>;
  optionalDependencies: Record<string, string>;
};
const lock = JSON.parse(read('package-lock.json')) as {
  packages: Record<string, { version?: string; resolved?: string; hasInstallScript?: boolean }>;
};

test('every dependency with an install script is reviewed, and none is allowed to run it', () => {
  for (const [place, { hasInstallScript }] of Object.entries(lock.packages)) {
    if (hasInstallScript !== true) continue;
    const name = place.slice(place.lastIndexOf('node_modules/') + 'node_modules/'.length);
    assert.equal(manifest.allowScripts[name], false, `${name} is not in allowScripts of package.json`);
  }
  assert.match(read('.npmrc'), /^ignore-scripts=true$/m);
});

test('the lock file names no host, and dependencies have exact versions', () => {
  for (const [place, { resolved }] of Object.entries(lock.packages))
    assert.equal(resolved, undefined, `${place} in package-lock.json names where it came from`);
  const all = { ...manifest.dependencies, ...manifest.devDependencies, ...manifest.optionalDependencies };
  for (const [name, version] of Object.entries(all))
    assert.match(version, /^\d+\.\d+\.\d+$/, `${name} has no exact version`);
});

test('no package index is named in the sources: the user’s configuration says where packages come from', () => {
  const hosts = ['pypi', 'pythonhosted', 'npmjs'].map((name) => new RegExp(`\\b${name}\\.(org|com|io)\\b`));
  const files = ['main', 'scripts', 'renderer', 'preload'].flatMap((folder) =>
    readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => /\.(ts|mjs|svelte)$/.test(name))
      .map((name) => path.join(folder, name)),
  );
  for (const file of [...files, '.ci/run'])
    for (const host of hosts) assert.doesNotMatch(read(file), host, `${file} names a host`);
});
