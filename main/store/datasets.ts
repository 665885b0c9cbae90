/**
 * Registered datasets. The manifest in the dataset's folder is copied into its row, so that listing needs no files; what
 * never changes of a dataset (counts, group schemes, which split selects) is worked out once and kept.
 */
import type { DatasetSummary, GroupScheme, Split } from '../../preload/contract.ts';
import type { DatasetManifest } from '../datasets/manifest.ts';
import type { Database } from './database.ts';
import { StudioError } from './errors.ts';
import { nextNumber } from './runs.ts';
import { schemesOf } from './scores.ts';

/** A dataset as the owner's own code sees it. */
export interface DatasetRow {
  id: number;
  name: string;
  /** Relative to the library, with forward slashes: `datasets/3`. */
  folder: string;
  manifest: DatasetManifest;
  sizeBytes: number;
  createdAtMs: number;
}

/** What runs need of a dataset again and again. */
export interface DatasetFacts {
  classNames: string[];
  /** Training images per class. */
  classCounts: number[];
  schemes: GroupScheme[];
  /** The split on which a run's best epoch is chosen: val where there is one, else test. */
  selectionSplit: Split;
}

interface RawDataset {
  id: number;
  name: string;
  manifest: string;
  sizeBytes: number;
  createdAtMs: number;
  verification: DatasetSummary['verification']['state'];
  verifiedAtMs: number | null;
  verificationMessage: string | null;
  runCount: number;
}

const DATASET_FIELDS = `
  d.id, d.name, d.manifest, d.size_bytes AS sizeBytes, d.created_at_ms AS createdAtMs, d.verification,
  d.verified_at_ms AS verifiedAtMs, d.verification_message AS verificationMessage,
  (SELECT count(*) FROM runs r WHERE r.dataset_id = d.id AND r.trash_token IS NULL) AS runCount`;

export class Datasets {
  readonly #database: Database;
  /** A manifest never changes after it was written, so neither do these. */
  readonly #facts = new Map<number, DatasetFacts>();

  constructor(database: Database) {
    this.#database = database;
  }

  /** The number that the next dataset will have; its folder is `datasets/<number>`. A number is given once. */
  takeNumber(): number {
    return this.#database.transaction('take a dataset number', () => nextNumber(this.#database, 'dataset'));
  }

  /** Writes a registered dataset under the number that its folder has. A name that is taken throws `conflict`. */
  add(dataset: {
    id: number;
    name: string;
    manifest: DatasetManifest;
    sizeBytes: number;
    createdAtMs: number;
  }): void {
    this.#database.transaction('add a dataset', () => {
      this.refuseTakenName(dataset.name, null);
      // One that is found in the library's folder has its number already.
      this.#database
        .statement<[number]>(
          'reserve dataset number',
          `INSERT INTO counters (name, value) VALUES ('dataset', ?)
           ON CONFLICT (name) DO UPDATE SET value = max(value, excluded.value)`,
        )
        .run([dataset.id]);
      this.#database
        .statement<Record<string, unknown>>(
          'insert dataset',
          `INSERT INTO datasets (id, name, kind, manifest, manifest_hash, size_bytes, created_at_ms)
           VALUES (@id, @name, @kind, @manifest, @manifestHash, @sizeBytes, @createdAtMs)`,
        )
        .run({
          ...dataset,
          kind: dataset.manifest.source.kind,
          manifest: JSON.stringify(dataset.manifest),
          manifestHash: dataset.manifest.manifestHash,
        });
    });
  }

  /** Summaries of all datasets, by name. */
  list(): DatasetSummary[] {
    return this.#database
      .statement<[], RawDataset>(
        'list datasets',
        `SELECT ${DATASET_FIELDS} FROM datasets d WHERE d.trash_token IS NULL ORDER BY d.name COLLATE NOCASE`,
      )
      .all([])
      .map(toSummary);
  }

  /** The dataset's summary; throws `not-found`. */
  summary(id: number): DatasetSummary {
    return toSummary(this.#get(id));
  }

  /** The dataset, or null where there is none or it lies in the trash. */
  read(id: number): DatasetRow | null {
    const raw = this.#find(id);
    return raw === undefined ? null : toDataset(raw);
  }

  /** The dataset; throws `not-found`. */
  get(id: number): DatasetRow {
    return toDataset(this.#get(id));
  }

  /** The dataset of this name (letter case aside), or null. */
  findByName(name: string): number | null {
    const row = this.#database
      .statement<[string], { id: number }>(
        'find dataset by name',
        'SELECT id FROM datasets WHERE name = ? COLLATE NOCASE AND trash_token IS NULL',
      )
      .get([name]);
    return row?.id ?? null;
  }

  rename(id: number, name: string): void {
    this.#database.transaction('rename a dataset', () => {
      this.refuseTakenName(name, id);
      this.#update('rename dataset', 'UPDATE datasets SET name = ? WHERE id = ? AND trash_token IS NULL', [
        name,
        id,
      ]);
      this.#database
        .statement<[string, number]>(
          'rename dataset in search text',
          'UPDATE run_search SET dataset_name = ? WHERE run_id IN (SELECT id FROM runs WHERE dataset_id = ?)',
        )
        .run([name.toLowerCase(), id]);
    });
  }

  /** Replaces the manifest after its photographs were found in another folder; what it holds stays the same. */
  setRoot(id: number, manifest: DatasetManifest): void {
    this.#update('set dataset root', 'UPDATE datasets SET manifest = ? WHERE manifest_hash = ? AND id = ?', [
      JSON.stringify(manifest),
      manifest.manifestHash,
      id,
    ]);
  }

  /** Records what a verification found. */
  setVerification(
    id: number,
    state: DatasetSummary['verification']['state'],
    message: string | null,
    atMs: number | null,
  ): void {
    this.#update(
      'set dataset verification',
      'UPDATE datasets SET verification = ?, verification_message = ?, verified_at_ms = ? WHERE id = ?',
      [state, message, atMs, id],
    );
  }

  /** Throws `conflict` when another dataset has this name. */
  refuseTakenName(name: string, exceptId: number | null): void {
    const taken = this.findByName(name);
    if (taken !== null && taken !== exceptId)
      throw new StudioError(
        'conflict',
        `A dataset called “${name}” is already there. Choose another name, or delete that one first.`,
        { datasetId: taken },
      );
  }

  /** Numbers of all datasets, those in the trash too: folders of other numbers are left-overs. */
  knownNumbers(): Set<number> {
    const rows = this.#database
      .statement<[], { id: number }>('read dataset numbers', 'SELECT id FROM datasets')
      .all([]);
    return new Set(rows.map(({ id }) => id));
  }

  /** Counts, schemes and selection split; also of a dataset in the trash. Throws `not-found`. */
  facts(id: number): DatasetFacts {
    const known = this.#facts.get(id);
    if (known !== undefined) return known;
    const row = this.#database
      .statement<[number], { manifest: string }>(
        'read manifest',
        'SELECT manifest FROM datasets WHERE id = ?',
      )
      .get([id]);
    if (row === undefined) throw noSuchDataset(id);
    const { classNames, classCounts, counts } = toManifest(row.manifest);
    const facts: DatasetFacts = {
      classNames,
      classCounts,
      schemes: schemesOf(classCounts),
      selectionSplit: counts.val === 0 ? 'test' : 'val',
    };
    this.#facts.set(id, facts);
    return facts;
  }

  #get(id: number): RawDataset {
    const raw = this.#find(id);
    if (raw === undefined) throw noSuchDataset(id);
    return raw;
  }

  #find(id: number): RawDataset | undefined {
    return this.#database
      .statement<[number], RawDataset>(
        'read dataset',
        `SELECT ${DATASET_FIELDS} FROM datasets d WHERE d.id = ? AND d.trash_token IS NULL`,
      )
      .get([id]);
  }

  #update(name: string, sql: string, parameters: readonly unknown[]): void {
    const { changes } = this.#database.statement<readonly unknown[]>(name, sql).run(parameters);
    if (changes === 0) throw noSuchDataset(parameters.at(-1) as number);
  }
}

function noSuchDataset(id: number): StudioError {
  return new StudioError('not-found', `There is no dataset ${id}. It may have been deleted.`);
}

/** Manifests that were stored before there were photographs do not name them. */
function toManifest(json: string): DatasetManifest {
  return { photographs: null, ...(JSON.parse(json) as Omit<DatasetManifest, 'photographs'>) };
}

function toDataset(raw: RawDataset): DatasetRow {
  return {
    id: raw.id,
    name: raw.name,
    folder: `datasets/${raw.id}`,
    manifest: toManifest(raw.manifest),
    sizeBytes: raw.sizeBytes,
    createdAtMs: raw.createdAtMs,
  };
}

function toSummary(raw: RawDataset): DatasetSummary {
  const manifest = toManifest(raw.manifest);
  const { classCounts } = manifest;
  const smallest = Math.min(...classCounts);
  const largest = Math.max(...classCounts);
  return {
    id: raw.id,
    name: raw.name,
    kind: manifest.source.kind,
    classes: classCounts.length,
    classCounts,
    counts: manifest.counts,
    imbalanceFactor: smallest / largest,
    imbalanceRatio: largest / smallest,
    manifestHash: manifest.manifestHash,
    sizeBytes: raw.sizeBytes,
    runCount: raw.runCount,
    createdAtMs: raw.createdAtMs,
    verification: { state: raw.verification, atMs: raw.verifiedAtMs, message: raw.verificationMessage },
  };
}
