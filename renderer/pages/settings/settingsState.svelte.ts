/**
 * The settings as the page edits them: every change is saved at once and confirmed beside its field for a moment; a
 * change that the owner refuses is said in the same place, and the stored value comes back.
 */
import type { Settings } from '../../../preload/contract.ts';
import { api, toFailure } from '../../lib/api.ts';
import { resource, type Resource } from '../../lib/resource.svelte.ts';

export type SettingKey = keyof Settings;
const CONFIRMED_MS = 2500;
/** Typing "12" must not save a 1 in between. */
const TYPING_PAUSE_MS = 500;

export class SettingsState {
  readonly stored: Resource<Settings>;
  /** What is typed or chosen and not yet answered. */
  #pending: Partial<Settings> = $state.raw({});
  #saved: SettingKey[] = $state.raw([]);
  #errors: Partial<Record<SettingKey, string>> = $state.raw({});
  #typing = new Map<SettingKey, ReturnType<typeof setTimeout>>();

  constructor() {
    this.stored = resource(() => api.getSettings(), {
      refreshOn: (notice) => notice.type === 'settings-changed',
    });
  }

  get value(): Settings | undefined {
    return this.stored.value && { ...this.stored.value, ...this.#pending };
  }

  wasSaved(key: SettingKey): boolean {
    return this.#saved.includes(key);
  }

  error(key: SettingKey): string | null {
    return this.#errors[key] ?? null;
  }

  /** Says beside the field why what was typed can't be saved; it stays unsaved. */
  refuse(key: SettingKey, message: string): void {
    clearTimeout(this.#typing.get(key));
    this.#errors = { ...this.#errors, [key]: message };
  }

  /** Saves a choice now. */
  async save<K extends SettingKey>(key: K, value: Settings[K]): Promise<void> {
    clearTimeout(this.#typing.get(key));
    this.#clear(key);
    this.#pending = { ...this.#pending, [key]: value };
    try {
      this.stored.set(await api.updateSettings({ [key]: value } as Partial<Settings>));
      this.#saved = [...this.#saved.filter((other) => other !== key), key];
      setTimeout(() => (this.#saved = this.#saved.filter((other) => other !== key)), CONFIRMED_MS);
    } catch (thrown) {
      this.#errors = { ...this.#errors, [key]: toFailure(thrown).message };
    } finally {
      const { [key]: _answered, ...rest } = this.#pending;
      this.#pending = rest;
    }
  }

  /** Saves what is being typed, once it pauses. */
  saveTyped<K extends SettingKey>(key: K, value: Settings[K]): void {
    clearTimeout(this.#typing.get(key));
    this.#clear(key);
    this.#typing.set(
      key,
      setTimeout(() => void this.save(key, value), TYPING_PAUSE_MS),
    );
  }

  #clear(key: SettingKey): void {
    const { [key]: _old, ...rest } = this.#errors;
    this.#errors = rest;
    this.#saved = this.#saved.filter((other) => other !== key);
  }
}
