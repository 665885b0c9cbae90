/**
 * A library as a shell sees it, whoever owns it: this process where the lock is free, else the owner over its socket. If
 * that owner goes away, this process takes its place, so that a window stays alive when the terminal that served it ends.
 */
import type { AppInfo, Notice } from '../../preload/contract.ts';
import { openServices, type Services } from '../services.ts';
import { StudioError } from '../store/errors.ts';
import { connectToOwner, type OwnerConnection } from './client.ts';
import type { OwnerServices } from './server.ts';

export interface Session extends OwnerServices {
  /** Whether this process owns the library now. */
  readonly role: 'owner' | 'client';
  close(): Promise<void>;
}

export interface SessionOptions {
  libraryFolder: string;
  shell: AppInfo['shell'];
  report?: (message: string) => void;
}

/** An owner that is opening or closing a library is in between for a moment. */
const RETRY_MS = 100;
const OPEN_DEADLINE_MS = 10_000;

type Backing = { role: 'owner'; services: Services } | { role: 'client'; services: OwnerConnection };

/** Opens a library as its owner, or as a client of the owner that it has. */
export async function openSession(options: SessionOptions): Promise<Session> {
  const listeners = new Set<(notice: Notice) => void>();
  let isClosed = false;
  let backing = await open(options);
  /** While a new owner is being found, requests wait for it. */
  let changing: Promise<void> | null = null;

  const deliver = (notice: Notice): void => {
    for (const listener of listeners) listener(notice);
  };

  function attach(): void {
    backing.services.subscribe(deliver);
    if (backing.role === 'client') void backing.services.closed.then(takeOver);
  }

  function takeOver(): void {
    if (isClosed) return;
    changing = open(options).then(
      (found) => {
        backing = found;
        changing = null;
        attach();
        // Nobody knows what was missed.
        for (const type of ['queue-changed', 'datasets-changed', 'settings-changed'] as const)
          deliver({ type });
        deliver({ type: 'runs-changed', runIds: [] });
      },
      (error: unknown) => {
        changing = null;
        options.report?.(`The library could not be opened again: ${(error as Error).message}`);
      },
    );
  }

  attach();
  return {
    get role() {
      return backing.role;
    },
    async dispatch(method, argument) {
      await changing;
      return backing.services.dispatch(method, argument);
    },
    async resource(wanted) {
      await changing;
      return backing.services.resource(wanted);
    },
    async pageUrl() {
      await changing;
      return backing.services.pageUrl();
    },
    subscribe(listener) {
      const own = (notice: Notice): void => listener(notice);
      listeners.add(own);
      return () => void listeners.delete(own);
    },
    async close() {
      isClosed = true;
      await changing;
      await backing.services.close();
    },
  };
}

async function open(options: SessionOptions): Promise<Backing> {
  for (const deadline = Date.now() + OPEN_DEADLINE_MS; ;) {
    try {
      return { role: 'owner', services: await openServices(options) };
    } catch (error) {
      if (!(error instanceof StudioError && error.code === 'library-busy')) throw error;
      const connection = await connectToOwner(options.libraryFolder);
      if (connection !== null) return { role: 'client', services: connection };
      if (Date.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
}
