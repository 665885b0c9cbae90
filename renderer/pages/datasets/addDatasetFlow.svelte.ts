/**
 * The add-dataset wizard's state: source → what was found → subset → the task that writes it. Everything up to the
 * last step only reads; going back keeps what was typed; a failure returns to the step where it can be mended.
 */
import type {
  DatasetKind,
  DatasetOffer,
  DatasetProbe,
  ListFiles,
  NormalisationId,
  PhotographDetail,
  PhotographOptions,
  SubsetOptions,
  SubsetPreview,
  Task,
} from '../../../preload/contract.ts';
import { api, toFailure, type ApiFailure } from '../../lib/api.ts';
import { fromApiError } from '../../lib/failure.ts';
import { tasks } from '../../lib/tasks.svelte.ts';
import {
  freeName,
  isBalanced,
  parseImbalanceFactor,
  parseName,
  parseSeed,
  parseTestShare,
  parseValidationShare,
  requireImages,
  subsetName,
  type Parsed,
} from './addDataset.ts';

export type Step = 'source' | 'found' | 'subset';
/** `path`, `folders` and `lists` are what the user names; the others are offers of the owner. */
export type SourceChoice = {
  id: string;
  offer: DatasetOffer | null;
  way: 'sample' | 'local' | 'download' | OwnWay;
};
type OwnWay = 'path' | 'folders' | 'lists';
const OWN_WAYS: readonly OwnWay[] = ['path', 'folders', 'lists'];

/** The fields of list files; `root` is the folder that their paths start from. */
export type ListField = 'train' | 'test' | 'val' | 'root';

/** Waits for typing to pause, so that a preview is not asked for with each key. */
const PREVIEW_AFTER_MS = 150;

export class AddDatasetFlow {
  step: Step = $state('source');
  offers: DatasetOffer[] | null = $state.raw(null);
  offersFailure: ApiFailure | null = $state.raw(null);
  chosenId = $state('path');
  /** Whether the user chose: what comes late must not choose again. */
  #isChosen = false;
  path = $state('');
  /** Typed paths of list files and their root. */
  listPaths: Record<ListField, string> = $state({ train: '', test: '', val: '', root: '' });
  /** The lists that `probe` was read with; null for everything else. */
  #lists: ListFiles | null = null;

  /** Of the look at a source that is under way. */
  #probeTicket: string | null = $state(null);
  probe: DatasetProbe | null = $state.raw(null);
  /** Why the source could not be read, the task failed, or nothing could be begun. */
  failure: ApiFailure | null = $state.raw(null);
  /** A quiet sentence: "Cancelled; nothing was written." */
  note: string | null = $state(null);

  type: SubsetOptions['type'] = $state('exp');
  factorText = $state('0.01');
  validationText = $state('');
  seedText = $state('0');
  /** Of photographs. */
  testText = $state('20');
  rankLabels = $state(false);
  normalisation: NormalisationId = $state('imagenet');
  leaveOutMissing = $state(false);
  /** A dataset whose last check says which images are left out. */
  leaveOutProblemsOf: number | null = $state(null);
  /** Typed name; null while it follows the subset. */
  ownName: string | null = $state(null);
  preview: SubsetPreview | null = $state.raw(null);
  previewFailure: ApiFailure | null = $state.raw(null);

  taskId: number | null = $state(null);
  #names: () => string[];
  #previewTimer: ReturnType<typeof setTimeout> | undefined;
  #previewTicket = 0;

  constructor(names: () => string[]) {
    this.#names = names;
  }

  get choices(): SourceChoice[] {
    const offered = (this.offers ?? []).flatMap((offer): SourceChoice[] => {
      if (offer.kind === 'sample') return [{ id: 'sample', offer, way: 'sample' }];
      return [
        ...(offer.localPath === null ? [] : [{ id: `local:${offer.kind}`, offer, way: 'local' as const }]),
        ...(offer.download === null
          ? []
          : [{ id: `download:${offer.kind}`, offer, way: 'download' as const }]),
      ];
    });
    return [...offered, ...OWN_WAYS.map((way) => ({ id: way, offer: null, way }))];
  }

  get choice(): SourceChoice {
    return this.choices.find(({ id }) => id === this.chosenId) ?? { id: 'path', offer: null, way: 'path' };
  }

  get isProbing(): boolean {
    return this.#probeTicket !== null;
  }

  /** Whether the chosen source lacks nothing that must be typed. */
  get isSourceGiven(): boolean {
    const { way } = this.choice;
    if (way === 'lists')
      return (['train', 'test', 'root'] as const).every((field) => this.listPaths[field].trim() !== '');
    return !OWN_WAYS.some((own) => own === way) || this.path.trim() !== '';
  }

  get task(): Task | undefined {
    return tasks.find(this.taskId);
  }

  // ------------------------------------------------------------------------------------------- what was typed

  get factor(): Parsed<number> {
    return this.type === 'full' ? { ok: true, value: 1 } : parseImbalanceFactor(this.factorText);
  }

  get validation(): Parsed<number> {
    return parseValidationShare(this.validationText);
  }

  /** The share carved off as test split; 0 where the source has one. */
  get test(): Parsed<number> {
    return this.probe?.photographs?.hasTest === false
      ? parseTestShare(this.testText)
      : { ok: true, value: 0 };
  }

  /** What a subset is chosen from: all images, or those that are there where missing ones are left out. */
  get given(): Pick<DatasetProbe, 'classCounts' | 'counts'> | null {
    const leavesOut = this.leaveOutMissing || this.leaveOutProblemsOf !== null;
    return (leavesOut ? this.probe?.photographs?.present : null) ?? this.probe;
  }

  get seed(): Parsed<number> {
    return this.validation.ok && this.validation.value > 0
      ? parseSeed(this.seedText)
      : { ok: true, value: 0 };
  }

  /** The name that the subset has by itself, free of those in the library. */
  get suggestedName(): string {
    const factor = this.factor;
    const validation = this.validation;
    const base = this.probe?.suggestedName ?? 'Dataset';
    const subset = { type: this.type, imbalanceFactor: factor.ok ? factor.value : null };
    return freeName(subsetName(base, subset, validation.ok ? validation.value : 0), this.#names());
  }

  get name(): Parsed<string> {
    return parseName(this.ownName ?? this.suggestedName, this.#names());
  }

  /** The fields that can't be taken, by their labels. */
  get problems(): string[] {
    return [
      ...(this.factor.ok ? [] : ['Imbalance factor']),
      ...(this.test.ok ? [] : ['Test split']),
      ...(this.validation.ok ? [] : ['Held out for validation']),
      ...(this.seed.ok ? [] : ['Validation seed']),
      ...(this.name.ok ? [] : ['Name']),
    ];
  }

  // ------------------------------------------------------------------------------------------------- the steps

  /** Reads what the owner offers and chooses the best of it: of the wanted kind, and here before anywhere else. */
  async loadOffers(kind: DatasetKind | null): Promise<void> {
    this.offersFailure = null;
    try {
      this.offers = await api.listDatasetOffers();
      // What needs nothing to be typed or loaded comes first; a path that is already there stays chosen.
      const wanted = this.choices.filter(({ offer }) => kind === null || offer?.kind === kind);
      const ready = (['local', 'sample', 'download'] as const)
        .map((way) => wanted.find((choice) => choice.way === way))
        .find((choice) => choice !== undefined);
      if (!this.#isChosen && this.path === '' && this.listPaths.root === '' && ready)
        this.chosenId = ready.id;
    } catch (thrown) {
      this.offersFailure = toFailure(thrown);
    }
  }

  choose(id: string): void {
    this.cancelProbe();
    this.#isChosen = true;
    this.chosenId = id;
    this.failure = null;
    this.note = null;
  }

  setPath(path: string): void {
    this.cancelProbe();
    this.path = path;
    this.failure = null;
  }

  setListPath(field: ListField, path: string): void {
    this.cancelProbe();
    this.listPaths[field] = path;
    this.failure = null;
  }

  /** Reads the source at a path. Afterwards the step is `next`, or `failure` says why not. */
  async readSource(path: string, next: Step = 'found', lists: ListFiles | null = null): Promise<void> {
    if (path.trim() === '') return;
    this.cancelProbe();
    const ticket = crypto.randomUUID();
    this.#probeTicket = ticket;
    this.failure = null;
    this.note = null;
    try {
      const probe = await api.probeDataset({ path: path.trim(), lists, ticket });
      if (this.#probeTicket !== ticket) return;
      const isOther = probe.path !== this.probe?.path || probe.kind !== this.probe.kind;
      this.probe = probe;
      this.#lists = lists;
      if (isOther) this.#suggest(probe);
      this.step = next;
      this.askPreview();
    } catch (thrown) {
      if (this.#probeTicket !== ticket) return;
      this.step = 'source';
      this.failure = toFailure(thrown);
    } finally {
      if (this.#probeTicket === ticket) this.#probeTicket = null;
    }
  }

  /** Ends the look at a source whose result nobody waits for any more. */
  cancelProbe(): void {
    const ticket = this.#probeTicket;
    if (ticket === null) return;
    this.#probeTicket = null;
    // It may have ended by itself, or with the connection.
    api.cancelProbe({ ticket }).catch(() => undefined);
  }

  /** Settings that suit a source that was not looked at before. */
  #suggest({ kind, classCounts, photographs, counts }: DatasetProbe): void {
    const isWhole = kind === 'sample' || (photographs !== null && !isBalanced(classCounts));
    this.type = isWhole ? 'full' : 'exp';
    if (photographs === null) return;
    this.normalisation = photographs.suggestedNormalisation;
    this.leaveOutMissing = false;
    if (counts.val > 0) this.validationText = '';
  }

  /** Suggests what another dataset of the same photographs was added with, so that both can be compared. */
  takeSettings({ testFraction, rankLabels, normalisation }: PhotographDetail): void {
    if (testFraction !== null) this.testText = String(Number((testFraction * 100).toFixed(4)));
    this.rankLabels = rankLabels;
    this.normalisation = normalisation;
    this.askPreview();
  }

  /** What the primary button of the first step does. */
  async takeSource(): Promise<void> {
    const { way, offer } = this.choice;
    if (way === 'sample') await this.#begin(() => api.addSampleDataset());
    else if (way === 'download' && offer) await this.#begin(() => api.downloadDataset({ kind: offer.kind }));
    else if (way === 'lists') {
      const { train, val, test, root } = this.listPaths;
      const lists = { train: train.trim(), val: val.trim() === '' ? null : val.trim(), test: test.trim() };
      if (this.isSourceGiven) await this.readSource(root, 'found', lists);
    } else await this.readSource(way === 'local' ? (offer?.localPath ?? '') : this.path);
  }

  /** Asks for class counts and groups of the subset as it is set now, once typing pauses. */
  askPreview(): void {
    clearTimeout(this.#previewTimer);
    this.#previewTimer = setTimeout(() => void this.#loadPreview(), PREVIEW_AFTER_MS);
  }

  async #loadPreview(): Promise<void> {
    const { probe, given, factor, validation, test, type } = this;
    if (!probe || !given || !factor.ok || !validation.ok || !test.ok) return;
    const ticket = ++this.#previewTicket;
    try {
      requireImages(probe, given.classCounts);
      const preview = await api.previewSubset({
        classCounts: given.classCounts,
        kind: probe.kind,
        subset: { type, imbalanceFactor: factor.value },
        validationFraction: validation.value,
        testFraction: test.value,
      });
      if (ticket !== this.#previewTicket) return;
      this.preview = preview;
      this.previewFailure = null;
    } catch (thrown) {
      if (ticket !== this.#previewTicket) return;
      this.preview = null;
      this.previewFailure = toFailure(thrown);
    }
  }

  /** Writes the dataset. */
  async add(): Promise<void> {
    const { probe, factor, validation, seed, name, type } = this;
    if (!probe || !factor.ok || !validation.ok || !seed.ok || !name.ok) return;
    const { path, kind } = probe;
    await this.#begin(() =>
      api.addDataset({
        path,
        kind,
        name: name.value,
        subset: { type, imbalanceFactor: factor.value },
        validationFraction: validation.value,
        validationSeed: seed.value,
        photographs: this.#photographs(),
      }),
    );
  }

  #photographs(): PhotographOptions | null {
    const { probe, test, rankLabels, normalisation, leaveOutMissing, leaveOutProblemsOf } = this;
    if (!probe?.photographs || !test.ok) return null;
    return {
      lists: this.#lists,
      rankLabels,
      normalisation,
      testFraction: test.value,
      leaveOutMissing,
      leaveOutProblemsOf,
    };
  }

  async #begin(start: () => Promise<Task>): Promise<void> {
    this.failure = null;
    this.note = null;
    try {
      const task = await start();
      tasks.put(task);
      this.taskId = task.id;
    } catch (thrown) {
      this.failure = toFailure(thrown);
    }
  }

  /** Leaves a task that ended: goes on with a download, or back to where the failure can be mended. */
  async settle(task: Task): Promise<void> {
    this.taskId = null;
    if (task.state === 'failed')
      this.failure = task.error ? fromApiError(task.error) : toFailure(new Error(task.message));
    else if (task.state === 'cancelled') this.note = 'Cancelled; nothing was added.';
    else if (task.kind === 'download-dataset' && task.resultPath !== null)
      await this.readSource(task.resultPath);
  }
}

/** Words for the primary button of the first step. */
export function takeLabel(choice: SourceChoice): string {
  if (choice.way === 'sample') return 'Add the sample';
  return choice.way === 'download' ? 'Download' : 'Next';
}
