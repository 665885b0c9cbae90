/** What the package's configuration promises: its fuses, and that nothing is left out of the two trees. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { pathToFileURL } from 'node:url';
import { FuseState, FuseV1Options, getCurrentFuseWire } from '@electron/fuses';
import { parse } from 'yaml';
import { rootFolder } from '../../../main/paths.ts';

interface Hooks {
  afterPack(context: {
    appOutDir: string;
    electronPlatformName: string;
    packager: { executableName: string; appInfo: { productFilename: string } };
  }): Promise<void>;
}

/** Plain JavaScript, as it runs before anything is installed. */
const { afterPack } = (await import(
  pathToFileURL(path.join(rootFolder(), 'scripts', 'package.mjs')).href
)) as Hooks;

interface Configuration {
  asar: boolean;
  electronFuses: Record<string, boolean>;
  beforeBuild: string;
  afterPack: string;
}

const configuration = parse(
  readFileSync(path.join(rootFolder(), 'electron-builder.yml'), 'utf8'),
) as Configuration;

test('the shipped fuses leave no way for foreign code into the app', () => {
  assert.deepEqual(configuration.electronFuses, {
    runAsNode: false,
    enableCookieEncryption: true,
    enableNodeOptionsEnvironmentVariable: false,
    enableNodeCliInspectArguments: false,
    enableEmbeddedAsarIntegrityValidation: true,
    onlyLoadAppFromAsar: true,
  });
  assert.equal(configuration.asar, true);
  for (const hook of [configuration.beforeBuild, configuration.afterPack])
    assert.equal(hook, './scripts/package.mjs');
});

/** Electron keeps its fuses behind this mark: version, length, one character each. */
const MARK = 'dL7pKGdnNz796PbbjQWNKmHXBZaB9tsX';

async function fileFuse(length: number): Promise<FuseState | undefined> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'reslt-fuses-'));
  try {
    const binary = path.join(folder, 'reslt-studio');
    writeFileSync(
      binary,
      Buffer.concat([
        Buffer.from(`binary${MARK}`),
        Buffer.from([1, length]),
        Buffer.from('1'.repeat(length)),
      ]),
    );
    await afterPack({
      appOutDir: folder,
      electronPlatformName: 'linux',
      packager: { executableName: 'reslt-studio', appInfo: { productFilename: 'ResLT Studio' } },
    });
    const wire = (await getCurrentFuseWire(binary)) as Record<number, FuseState | undefined>;
    return wire[FuseV1Options.GrantFileProtocolExtraPrivileges];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test('file:// gets no extra rights where Electron has that fuse, and an older Electron is left as it is', async () => {
  assert.equal(await fileFuse(9), FuseState.DISABLE);
  assert.equal(await fileFuse(7), undefined);
});
