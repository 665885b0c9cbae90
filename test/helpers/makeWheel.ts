/** Writes wheels for tests: zip files whose entries are stored, not compressed, from memory or from files on disk. */
import { createReadStream } from 'node:fs';
import { open, readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { crc32 } from 'node:zlib';

/** 2.0: folders, stored entries. */
const VERSION = 20;

export interface WheelEntry {
  name: string;
  /** Text, or a file to copy. */
  content: string | { file: string };
}

/** The METADATA entry that makes a zip a wheel. */
export function metadataEntry(project: string, version: string, requirements: string[] = []): WheelEntry {
  const lines = ['Metadata-Version: 2.4', `Name: ${project}`, `Version: ${version}`];
  const content = [...lines, ...requirements.map((line) => `Requires-Dist: ${line}`), '', ''].join('\n');
  return { name: `${project}-${version}.dist-info/METADATA`, content };
}

/** Every file below a folder, as entries below `prefix`. */
export async function folderEntries(folder: string, prefix: string): Promise<WheelEntry[]> {
  const items = await readdir(folder, { recursive: true, withFileTypes: true });
  return items
    .filter((item) => item.isFile())
    .map((item) => {
      const file = path.join(item.parentPath, item.name);
      return { name: `${prefix}/${path.relative(folder, file)}`, content: { file } };
    });
}

/** Writes a wheel (APPNOTE 4.3.7, 4.3.12, 4.3.16). Names go into it as they are, so that hostile ones can be made. */
export async function makeWheel(file: string, entries: WheelEntry[]): Promise<void> {
  const output = await open(file, 'w');
  try {
    const directory: Buffer[] = [];
    let offset = 0;
    for (const { name, content } of entries) {
      const { checksum, size } = await measure(content);
      const nameBytes = Buffer.from(name);
      const local = Buffer.alloc(30);
      local.writeUInt32LE(0x04034b50, 0);
      local.writeUInt16LE(VERSION, 4);
      local.writeUInt32LE(checksum, 14);
      local.writeUInt32LE(size, 18);
      local.writeUInt32LE(size, 22);
      local.writeUInt16LE(nameBytes.length, 26);
      const listed = Buffer.alloc(46);
      listed.writeUInt32LE(0x02014b50, 0);
      listed.writeUInt16LE(VERSION, 6);
      listed.writeUInt32LE(checksum, 16);
      listed.writeUInt32LE(size, 20);
      listed.writeUInt32LE(size, 24);
      listed.writeUInt16LE(nameBytes.length, 28);
      listed.writeUInt32LE(offset, 42);
      directory.push(listed, nameBytes);
      await output.write(Buffer.concat([local, nameBytes]));
      for await (const chunk of chunks(content)) await output.write(chunk);
      offset += local.length + nameBytes.length + size;
    }
    const list = Buffer.concat(directory);
    const trailer = Buffer.alloc(22);
    trailer.writeUInt32LE(0x06054b50, 0);
    trailer.writeUInt16LE(entries.length, 8);
    trailer.writeUInt16LE(entries.length, 10);
    trailer.writeUInt32LE(list.length, 12);
    trailer.writeUInt32LE(offset, 16);
    await output.write(Buffer.concat([list, trailer]));
  } finally {
    await output.close();
  }
}

async function measure(content: WheelEntry['content']): Promise<{ checksum: number; size: number }> {
  let checksum = 0;
  for await (const chunk of chunks(content)) checksum = crc32(chunk, checksum);
  const size = typeof content === 'string' ? Buffer.byteLength(content) : (await stat(content.file)).size;
  return { checksum, size };
}

async function* chunks(content: WheelEntry['content']): AsyncGenerator<Buffer> {
  if (typeof content === 'string') yield Buffer.from(content);
  else yield* createReadStream(content.file, { highWaterMark: 1 << 20 }) as AsyncIterable<Buffer>;
}
