/** Paths of list files: plain, forward, and inside their root. */
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
