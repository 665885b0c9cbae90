/** Settings of the library, and what its pages remember. Both are JSON values by key; absent ones have a default. */
import type { Preferences, Settings as SettingsValues } from '../../preload/contract.ts';
import type { Database } from './database.ts';

const DEFAULT_SETTINGS: SettingsValues = {
  engine: 'auto',
  concurrency: 1,
  threads: null,
  keepEvery: 0,
  checkpointBudgetBytes: null,
  notifications: true,
};

const DEFAULT_PREFERENCES: Preferences = { theme: 'system', views: {} };

/** Kept beside the settings but changed from the queue panel. */
const QUEUE_PAUSED_KEY = 'queuePaused';

export class Settings {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  read(): SettingsValues {
    const { [QUEUE_PAUSED_KEY]: _paused, ...values } = this.#readAll('settings');
    return { ...DEFAULT_SETTINGS, ...values };
  }

  update(change: Partial<SettingsValues>): SettingsValues {
    this.#write('settings', change);
    return this.read();
  }

  readPreferences(): Preferences {
    return { ...DEFAULT_PREFERENCES, ...this.#readAll('preferences') };
  }

  /** `views` is merged by page, so that one page never undoes what another has remembered. */
  updatePreferences(change: Partial<Preferences>): Preferences {
    const { views } = this.readPreferences();
    this.#write(
      'preferences',
      change.views === undefined ? change : { ...change, views: { ...views, ...change.views } },
    );
    return this.readPreferences();
  }

  isQueuePaused(): boolean {
    return this.#readAll('settings')[QUEUE_PAUSED_KEY] === true;
  }

  setQueuePaused(paused: boolean): void {
    this.#write('settings', { [QUEUE_PAUSED_KEY]: paused });
  }

  #readAll(table: 'settings' | 'preferences'): Record<string, unknown> {
    const rows = this.#database
      .statement<[], { key: string; value: string }>(`read ${table}`, `SELECT key, value FROM ${table}`)
      .all([]);
    return Object.fromEntries(rows.map(({ key, value }) => [key, JSON.parse(value) as unknown]));
  }

  #write(table: 'settings' | 'preferences', change: Record<string, unknown>): void {
    this.#database.transaction(`write ${table}`, () => {
      const upsert = this.#database.statement<[string, string]>(
        `write ${table}`,
        `INSERT INTO ${table} (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value`,
      );
      for (const [key, value] of Object.entries(change))
        if (value !== undefined) upsert.run([key, JSON.stringify(value)]);
    });
  }
}
