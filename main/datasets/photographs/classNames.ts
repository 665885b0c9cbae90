/** Names of the classes of a list, which has only numbers: taken from the folders that the images lie in. */
import { dirname } from 'node:path/posix';

/**
 * One name per class. A class is called by the folder that all its images are in, without what comes before in every
 * class: `train/n01440764/x.JPEG` gives n01440764, `train_val2018/Plantae/7291/x.jpg` Plantae/7291. Where images of a
 * class lie in several folders, or two classes share one, all are called "class 0", "class 1", …
 */
export function classNamesOfPaths(paths: readonly string[], labels: Int32Array, classes: number): string[] {
  const numbered = Array.from({ length: classes }, (_, k) => `class ${k}`);
  const folders = new Array<string | undefined>(classes).fill(undefined);
  for (const [i, path] of paths.entries()) {
    const folder = dirname(path);
    const known = folders[labels[i]!];
    if (known !== undefined && known !== folder) return numbered;
    folders[labels[i]!] = folder;
  }
  const present = folders.filter((folder) => folder !== undefined);
  if (present.length === 0 || present.includes('.') || new Set(present).size < present.length)
    return numbered;
  const parts = present.map((folder) => folder.split('/'));
  let common = 0;
  while (parts.every((one) => one.length > common + 1 && one[common] === parts[0]![common])) common++;
  return folders.map((folder, k) => folder?.split('/').slice(common).join('/') ?? numbered[k]!);
}
