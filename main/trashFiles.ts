/**
 * The files of what was deleted: they lie in `trash/<token>/` under the path that they had. The store's marks come first
 * and decide; at every start the files are brought to where the marks say, so a death between the two does no harm.
 */
import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import type { Store } from './store/index.ts';

/** After so long the trash is emptied by itself. */
export const TRASH_KEPT_MS = 30 * 24 * 60 * 60 * 1000;

export class TrashFiles {
  readonly #libraryFolder: string;
  readonly #store: Store;
  #isClosing = false;
  #tidying: Promise<void> = Promise.resolve();

  constructor(libraryFolder: string, store: Store) {
    this.#libraryFolder = libraryFolder;
    this.#store = store;
  }

  /** Moves the files of an entry into the trash. Those that are not there are passed by. */
  async putAway(token: string): Promise<void> {
    for (const relative of this.#store.trash.paths(token))
      await move(path.join(this.#libraryFolder, relative), path.join(this.#folder(token), relative));
  }

  /** Moves the files of an entry back and takes its marks off. */
  async bringBack(token: string): Promise<void> {
    const paths = this.#store.trash.paths(token);
    for (const relative of paths)
      await move(path.join(this.#folder(token), relative), path.join(this.#libraryFolder, relative));
    try {
      this.#store.trash.restore(token);
    } catch (error) {
      // The marks decide: what stays deleted belongs in the trash.
      await this.putAway(token);
      throw error;
    }
    await rm(this.#folder(token), { recursive: true, force: true });
  }

  /** Deletes an entry for good. Lets the thread go between portions; what closing interrupts goes on at the next start. */
  async destroy(token: string): Promise<void> {
    await this.putAway(token);
    await rm(this.#folder(token), { recursive: true, force: true });
    while (!this.#isClosing && this.#store.trash.purge(token).more)
      await new Promise((resolve) => setImmediate(resolve));
  }

  /** At the owner's start: files to where the marks say, left-overs gone, and what is old enough emptied. */
  tidy(nowMs: number): Promise<void> {
    this.#tidying = this.#tidy(nowMs);
    return this.#tidying;
  }

  /** Waits for what is being tidied; the store may be closed after it. */
  async close(): Promise<void> {
    this.#isClosing = true;
    await this.#tidying.catch(() => undefined);
  }

  async #tidy(nowMs: number): Promise<void> {
    const entries = this.#store.trash.list();
    for (const { token, createdAtMs } of entries) {
      if (this.#isClosing) return;
      if (nowMs - createdAtMs > TRASH_KEPT_MS) await this.destroy(token);
      else await this.putAway(token);
    }
    const known = new Set(entries.map(({ token }) => token));
    const trash = path.join(this.#libraryFolder, 'trash');
    for (const name of await readdir(trash).catch(() => []))
      // What was deleted since then has a row too.
      if (
        !known.has(name) &&
        !this.#isClosing &&
        !this.#store.trash.list().some(({ token }) => token === name)
      )
        await rm(path.join(trash, name), { recursive: true, force: true });
  }

  #folder(token: string): string {
    return path.join(this.#libraryFolder, 'trash', token);
  }
}

/** Renames where there is something to rename and nothing in its way. */
async function move(from: string, to: string): Promise<void> {
  if (!existsSync(from) || existsSync(to)) return;
  await mkdir(path.dirname(to), { recursive: true });
  await rename(from, to);
}
