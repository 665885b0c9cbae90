/**
 * The run that is being drawn up: where it came from, its settings, dataset, seeds and note, and what the owner says of
 * it. It outlives the sheet, so that closing it loses nothing.
 */
import type {
  Config,
  ConfigCheck,
  ConfigField,
  ConfigProblem,
  ConfigValue,
  DatasetSummary,
  Preset,
  RunDetail,
  RunSummary,
} from '../../preload/contract.ts';
import { api, toFailure, type ApiFailure } from '../lib/api.ts';
import { runLabel } from '../lib/runs.ts';
import { parseSeeds } from '../lib/seeds.ts';
import { fittingDataset, sameValue, unreadableKeys, withMethod } from './form.ts';

export type Source = { kind: 'preset'; preset: Preset } | { kind: 'run'; run: RunDetail };

/** What choosing another start would throw away. */
export interface DraftSnapshot {
  source: Source | null;
  base: Config;
  config: Config;
  datasetId: number | null;
  note: string;
}

class Draft {
  source: Source | null = $state.raw(null);
  /** The settings of the source, against which changes are told. */
  base: Config = $state.raw({});
  config: Config = $state.raw({});
  fields: ConfigField[] = $state.raw([]);
  datasetId: number | null = $state(null);
  seedsText = $state('0');
  note = $state('');
  isNext = $state(false);
  view: 'form' | 'yaml' = $state('form');
  yaml = $state('');
  yamlProblems: ConfigProblem[] = $state.raw([]);
  check: ConfigCheck | null = $state.raw(null);
  checkFailure: ApiFailure | null = $state.raw(null);
  /** What the last change of the start threw away, to be had back. */
  dropped: { count: number; before: DraftSnapshot } | null = $state.raw(null);
  #ticket = 0;

  seeds = $derived(parseSeeds(this.seedsText));
  changedKeys = $derived.by((): string[] => {
    const keys = new Set([...Object.keys(this.base), ...Object.keys(this.config)]);
    // The dataset and the seeds are not changes of the settings: they are chosen anew for every run.
    for (const key of ['dataset', 'seed', 'schemaVersion']) keys.delete(key);
    return [...keys].filter((key) => !sameValue(this.base[key], this.config[key]));
  });
  isTouched = $derived(this.changedKeys.length > 0 || this.note !== '' || this.yamlProblems.length > 0);

  /** All problems, the page's own first: text that is no number never reaches the owner. */
  problems = $derived.by((): ConfigProblem[] => {
    const unreadable = unreadableKeys(this.config);
    const found: ConfigProblem[] = unreadable.map((key) => ({ key, message: 'This is no number.' }));
    if (this.view === 'yaml') found.push(...this.yamlProblems);
    for (const problem of this.check?.problems ?? []) {
      if (!unreadable.includes(problem.key)) found.push(problem);
    }
    if (this.datasetId === null && !found.some(({ key }) => key === 'dataset')) {
      found.push({ key: 'dataset', message: 'Choose a dataset.' });
    }
    if (this.seeds.problem !== null) found.push({ key: 'seeds', message: this.seeds.problem });
    return found;
  });

  problemOf(key: string): string | null {
    return this.problems.find((problem) => problem.key === key)?.message ?? null;
  }

  warningOf(key: string): string | null {
    return this.check?.warnings.find((warning) => warning.key === key)?.message ?? null;
  }

  labelOf(key: string): string {
    if (key === 'seeds') return 'Seeds';
    if (key === 'dataset') return 'Dataset';
    return this.fields.find((field) => field.key === key)?.label ?? key;
  }

  /** What changes are told against: "preset ResLT β 0.995", "run 12". */
  get sourceWord(): string {
    if (!this.source) return '';
    return this.source.kind === 'preset' ? 'preset' : `run ${this.source.run.id}`;
  }

  get sourceName(): string {
    if (!this.source) return '';
    if (this.source.kind === 'run') return runLabel(this.source.run);
    const { title, detail } = this.source.preset;
    return detail === '' ? title : `${title} ${detail}`;
  }

  startFromPreset(preset: Preset, datasets: readonly DatasetSummary[]): void {
    this.#begin({ kind: 'preset', preset }, preset.config);
    this.datasetId = fittingDataset(preset, datasets)?.id ?? null;
  }

  startFromRun(run: RunDetail, datasets: readonly DatasetSummary[]): void {
    this.#begin({ kind: 'run', run }, run.config);
    this.datasetId = datasets.some(({ id }) => id === run.datasetId) ? run.datasetId : null;
    this.seedsText = String(run.seed);
  }

  #begin(source: Source, config: Config): void {
    this.source = source;
    this.base = config;
    this.config = config;
    this.view = 'form';
    this.yamlProblems = [];
    this.check = null;
  }

  snapshot(): DraftSnapshot {
    const { source, base, config, datasetId, note } = this;
    return { source, base, config, datasetId, note };
  }

  /** Begins from another start; changes that this throws away can be had back. */
  startOver(begin: () => void): void {
    const before = this.snapshot();
    const count = this.changedKeys.length;
    begin();
    this.dropped = count > 0 ? { count, before } : null;
  }

  restore(snapshot: DraftSnapshot): void {
    this.dropped = null;
    if (snapshot.source) this.#begin(snapshot.source, snapshot.base);
    this.config = snapshot.config;
    this.datasetId = snapshot.datasetId;
    this.note = snapshot.note;
  }

  /** After it was queued, or to begin anew. */
  clear(): void {
    this.source = null;
    this.base = {};
    this.config = {};
    this.dropped = null;
    this.note = '';
    this.seedsText = '0';
    this.isNext = false;
    this.view = 'form';
    this.yamlProblems = [];
    this.check = null;
  }

  set(key: string, value: ConfigValue): void {
    this.config =
      key === 'method'
        ? withMethod(this.config, String(value), this.fields)
        : { ...this.config, [key]: value };
  }

  reset(key: string): void {
    const { [key]: _dropped, ...rest } = this.config;
    const value = this.base[key];
    if (value === undefined) this.config = rest;
    else this.set(key, value);
  }

  /** Asks the owner what this configuration would do. Later answers win over earlier ones. */
  async ask(): Promise<void> {
    const ticket = ++this.#ticket;
    const config = { ...this.config };
    // What can't be read is checked at its old value, so that all other fields are told about meanwhile.
    for (const key of unreadableKeys(config)) config[key] = this.base[key] ?? null;
    try {
      const check = await api.checkConfig({
        config,
        datasetId: this.datasetId,
        preset: this.source?.kind === 'preset' ? this.source.preset.name : null,
        base: this.base,
        seeds: this.seeds.seeds,
      });
      if (ticket !== this.#ticket) return;
      // With a problem nothing is worked out; what was keeps the hints in place meanwhile.
      this.check = { ...check, resolved: check.resolved ?? this.check?.resolved ?? null };
      this.checkFailure = null;
    } catch (thrown) {
      if (ticket === this.#ticket) this.checkFailure = toFailure(thrown);
    }
  }

  async showYaml(): Promise<void> {
    this.yaml = (await api.formatConfig({ config: this.config })).yaml;
    this.yamlProblems = [];
    this.view = 'yaml';
  }

  /** Reads the text as typed; the settings follow it as long as it can be read. */
  async readYaml(): Promise<void> {
    const text = this.yaml;
    try {
      const { config, problems } = await api.parseConfig({ yaml: text });
      if (text !== this.yaml) return;
      this.yamlProblems = problems;
      if (config) this.config = config;
    } catch (thrown) {
      this.checkFailure = toFailure(thrown);
    }
  }

  async queue(): Promise<RunSummary[]> {
    if (this.datasetId === null) return [];
    const { runs } = await api.createRuns({
      preset: this.source?.kind === 'preset' ? this.source.preset.name : (this.source?.run.preset ?? null),
      parentRunId: this.source?.kind === 'run' ? this.source.run.id : null,
      config: this.config,
      datasetId: this.datasetId,
      seeds: this.seeds.seeds,
      name: null,
      note: this.note.trim(),
      runNext: this.isNext,
    });
    return runs;
  }
}

export const draft = new Draft();
