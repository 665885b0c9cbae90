/**
 * The licences of packages whose code is inside a bundle, as those licences ask for. Packages that ship as they are
 * bring theirs along.
 */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';

const PACKAGE = /^(.*[\\/]node_modules[\\/](?:@[^\\/]+[\\/])?[^\\/]+)[\\/]/;
const LICENCE = /^(licen[cs]e|notice|copying)/i;

/** Writes one text with the notices of every npm package that `files` (absolute paths) are of. */
export async function writeNotices(files, target) {
  const folders = new Set(files.flatMap((file) => PACKAGE.exec(file)?.[1] ?? []));
  const notices = await Promise.all([...folders].map(readNotice));
  await writeFile(target, notices.sort().join(`\n${'─'.repeat(100)}\n`));
}

async function readNotice(folder) {
  const { name, version, license } = JSON.parse(await readFile(path.join(folder, 'package.json'), 'utf8'));
  const texts = (await readdir(folder)).filter((file) => LICENCE.test(file)).sort();
  const bodies = await Promise.all(texts.map((file) => readFile(path.join(folder, file), 'utf8')));
  return [`${name} ${version} (${license})\n`, ...bodies].join('\n');
}
