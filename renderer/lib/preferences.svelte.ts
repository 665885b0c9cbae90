/**
 * How the page likes to look: theme and what each page remembers (columns, sizes, filters). Kept in the library, so
 * that the desktop app and a browser share it; read once before the first paint of the pages.
 */
import type { Preferences } from '../../preload/contract.ts';
import { api } from './api.ts';

export type ThemeChoice = Preferences['theme'];

const SAVE_AFTER_MS = 400;
const systemIsDark = matchMedia('(prefers-color-scheme: dark)');

class PreferencesState {
  theme: ThemeChoice = $state('system');
  isSystemDark = $state(systemIsDark.matches);
  views: Record<string, unknown> = $state.raw({});
  /** Changed keys that are not saved yet. */
  #unsaved: Record<string, unknown> = {};
  #saveTimer: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    systemIsDark.addEventListener('change', (event) => {
      this.isSystemDark = event.matches;
      this.#applyTheme();
    });
    addEventListener('pagehide', () => this.#save());
  }

  /** What is shown now. */
  get resolvedTheme(): 'light' | 'dark' {
    if (this.theme === 'system') return this.isSystemDark ? 'dark' : 'light';
    return this.theme;
  }

  async load(): Promise<void> {
    const stored = await api.getPreferences();
    this.views = stored.views;
    this.theme = stored.theme;
    this.#applyTheme();
  }

  setTheme(theme: ThemeChoice): void {
    this.theme = theme;
    this.#applyTheme();
    this.#store({ theme });
  }

  /** What a page remembers under a key ("runs.columns"), or the given value when there is nothing of that shape. */
  view<T>(key: string, fallback: T, isValid: (value: unknown) => value is T): T {
    const value = this.views[key];
    return isValid(value) ? value : fallback;
  }

  setView(key: string, value: unknown): void {
    this.views = { ...this.views, [key]: value };
    this.#unsaved[key] = value;
    clearTimeout(this.#saveTimer);
    this.#saveTimer = setTimeout(() => this.#save(), SAVE_AFTER_MS);
  }

  #save(): void {
    if (this.#saveTimer === undefined) return;
    clearTimeout(this.#saveTimer);
    this.#saveTimer = undefined;
    const views = this.#unsaved;
    this.#unsaved = {};
    // The owner merges keys, so that two windows do not undo each other's.
    this.#store({ views });
  }

  #store(change: Partial<Preferences>): void {
    // Lost with the connection, which its banner tells of; the look of this window stays as chosen.
    api.updatePreferences(change).catch(() => undefined);
  }

  #applyTheme(): void {
    document.documentElement.setAttribute('data-theme', this.resolvedTheme);
    try {
      localStorage.setItem('theme', this.theme);
    } catch {
      // Storage may be switched off; then only the first paint falls back to the system's theme.
    }
  }
}

export const preferences = new PreferencesState();
