/** Small photographs in files, for tests: JPEGs whose colour tells which they are. */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import sharp from 'sharp';

export interface MadePhotograph {
  width?: number;
  height?: number;
  /** Of every pixel. */
  colour?: [number, number, number];
}

/** A JPEG of one colour. */
export function jpeg({
  width = 40,
  height = 30,
  colour = [90, 120, 60],
}: MadePhotograph = {}): Promise<Buffer> {
  const [r, g, b] = colour;
  return sharp({ create: { width, height, channels: 3, background: { r, g, b } } })
    .jpeg({ quality: 90 })
    .toBuffer();
}

/** A colour that belongs to a class, so that pictures of classes can be told apart. */
export function classColour(index: number): [number, number, number] {
  return [(index * 67 + 40) % 256, (index * 131 + 80) % 256, (index * 29 + 120) % 256];
}

/** Writes images (or any bytes) below a root. */
export async function writePhotographs(
  root: string,
  files: Record<string, MadePhotograph | Buffer>,
): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    const file = join(root, name);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, Buffer.isBuffer(content) ? content : await jpeg(content));
  }
}

/** One folder a class below `folder`, with so many images each, named `<class>/0000.jpg` and so on. */
export function classFolders(
  folder: string,
  counts: Record<string, number>,
  options: MadePhotograph = {},
): Record<string, MadePhotograph> {
  return Object.fromEntries(
    Object.entries(counts).flatMap(([name, count], index) =>
      Array.from({ length: count }, (_, i): [string, MadePhotograph] => [
        `${folder}${folder === '' ? '' : '/'}${name}/${String(i).padStart(4, '0')}.jpg`,
        { colour: classColour(index), ...options },
      ]),
    ),
  );
}

/** The text of a list file: each image of a folder tree that `classFolders` made, with its class's number. */
export function listText(files: Iterable<string>, labelOf: (path: string) => number): string {
  return [...files].map((path) => `${path} ${labelOf(path)}\n`).join('');
}
