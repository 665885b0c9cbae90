/** The folder that photographs lie in, and their paths as list files give them: plain, forward, and inside it. */
import { opendir } from 'node:fs/promises';
import { isAbsolute, join, sep } from 'node:path';
import { DatasetError } from '../errors.ts';

/**
 * A path as lists keep it, with `/` between its parts and without `.`; null when it is empty, absolute, or has a `..`
 * or a NUL in it.
 */
export function plainPath(text: string): string | null {
  const forward = text.replaceAll('\\', '/');
  const parts = forward.split('/');
  if (text.includes('\0') || forward.startsWith('/') || /^[A-Za-z]:/.test(text) || parts.includes('..'))
    return null;
  const plain = parts.filter((part) => part !== '' && part !== '.').join('/');
  return plain === '' ? null : plain;
}

/**
 * The absolute path of an image. Links inside the root are followed, wherever they lead: the user made them.
 *
 * Throws DatasetError when the path would leave the root.
 */
export function resolveInRoot(root: string, relative: string): string {
  const plain = plainPath(relative);
  if (plain !== null && isAbsolute(root)) return join(root, sep === '/' ? plain : plain.replaceAll('/', sep));
  throw new DatasetError({
    file: relative,
    offset: null,
    expected: isAbsolute(root) ? `a path inside ${root}` : 'an absolute root folder',
    found: isAbsolute(root) ? 'one that leaves it' : `"${root}"`,
  });
}

/** Whether a root can be seen. Where a disk was mounted that is gone, there is no folder, or an empty one. */
export async function isRootThere(root: string): Promise<boolean> {
  try {
    const folder = await opendir(root);
    const first = await folder.read();
    await folder.close();
    return first !== null;
  } catch (error) {
    // A folder that may not be listed can still give its files.
    return (error as NodeJS.ErrnoException).code === 'EACCES';
  }
}

/** Throws DatasetError with what to do when a root can't be seen. */
export async function requireRoot(root: string): Promise<void> {
  if (await isRootThere(root)) return;
  throw new DatasetError({
    file: root,
    offset: null,
    expected:
      'the folder with the photographs (is its disk still there?); bring it back, or change the root to where they are now',
    found: 'no folder, or an empty one',
  });
}
