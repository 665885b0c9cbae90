/** Which library a launch means, and where Electron keeps its own files for it. */
import { createHash } from 'node:crypto';
import path from 'node:path';
import { defaultLibraryFolder } from '../paths.ts';

/** `--library DIR` or `--library=DIR`, else RESLT_LIBRARY, else the per-user default. Absolute. */
export function libraryFromArguments(words: readonly string[], environment: NodeJS.ProcessEnv): string {
  const at = words.indexOf('--library');
  const joined = words.find((word) => word.startsWith('--library='));
  const named = at >= 0 && words[at + 1] !== undefined ? words[at + 1] : joined?.slice('--library='.length);
  return path.resolve(named || environment['RESLT_LIBRARY'] || defaultLibraryFolder());
}

/** The default library has the app's plain profile; each other one a profile of its own, named by its path. */
export function userDataFor(appData: string, libraryFolder: string): string {
  const base = path.join(appData, 'reslt-studio');
  if (libraryFolder === path.resolve(defaultLibraryFolder())) return base;
  const name = createHash('sha256').update(libraryFolder).digest('hex').slice(0, 16);
  return path.join(base, 'libraries', name);
}
