/**
 * What the run page knows of its run: the run itself, its training curves, evaluations and per-class results. Curves
 * grow: on a notice only the points after the last known step are asked for, at most a few times a second, one request
 * at a time, and never while the window is hidden. After a resume the curves are read anew, because steps beyond the
 * checkpoint are gone then.
 */
import { untrack } from 'svelte';
import type {
  ClassResult,
  EvaluationSeries,
  GroupSchemeId,
  RunDetail,
  Series,
} from '../../../preload/contract.ts';
import { api, toFailure, type ApiFailure } from '../../lib/api.ts';
import { onNotice, onReconnect } from '../../lib/notices.ts';
import { resource, type Resource } from '../../lib/resource.svelte.ts';
import { appendSeries, MAX_POINTS } from './curves.ts';
import { shareParts } from './keepEqual.ts';
import { curveMetrics } from './termPanels.ts';

/** Progress, time left and the tabs' counts need not move faster than this. */
const DETAIL_EVERY_MS = 500;
/** Charts are drawn anew about three times a second at most. */
const CURVES_EVERY_MS = 300;

export interface RunDataOptions {
  id: () => number;
  scheme: () => GroupSchemeId;
  /** Whether curves are on screen; hidden ones are not asked for. */
  showsCurves: () => boolean;
  showsClasses: () => boolean;
  /** The epoch whose per-class result is shown; null for the last. */
  classEpoch: () => number | null;
}

export class RunData {
  readonly detail: Resource<RunDetail>;
  readonly evaluations: Resource<EvaluationSeries | null>;
  readonly classes: Resource<ClassResult | null>;
  /** By metric name; replaced, never mutated. */
  curves: ReadonlyMap<string, Series> = $state.raw(new Map());
  curvesFailure: ApiFailure | null = $state.raw(null);
  /** Lines of the log, ahead of `detail` while the run is active. */
  logLines = $state(0);

  #shared: RunDetail | undefined;
  #names: string[] = [];
  #lastStep = -1;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #lastStartMs = 0;
  #isFetching = false;
  #isStale = false;
  #generation = 0;

  constructor(options: RunDataOptions) {
    this.detail = resource(() => api.getRun({ id: options.id() }), {
      of: options.id,
      everyMs: DETAIL_EVERY_MS,
      refreshOn: (notice) =>
        (notice.type === 'run-grew' && notice.runId === options.id()) ||
        (notice.type === 'runs-changed' && notice.runIds.includes(options.id())) ||
        notice.type === 'queue-changed',
    });

    /** Changes when there is another evaluation to show. */
    const evaluated = $derived(
      `${options.id()} ${this.detail.value?.last?.epoch ?? ''} ${this.detail.value?.attempts.length ?? ''}`,
    );
    const isKnown = $derived(this.detail.value !== undefined);
    this.evaluations = resource(
      async () => {
        void evaluated;
        const all = await api.getEvaluations({
          runIds: [options.id()],
          split: 'test',
          scheme: options.scheme(),
        });
        return all[0] ?? null;
      },
      { of: options.id, when: () => isKnown && options.showsCurves() },
    );
    this.classes = resource(
      () => {
        void evaluated;
        return api.getClassResult({ runId: options.id(), epoch: options.classEpoch() });
      },
      { of: options.id, when: () => isKnown && (options.showsClasses() || options.showsCurves()) },
    );

    // All curves, when the run, its attempts or the names of its metrics change.
    const subject = $derived(
      `${options.id()} ${this.detail.value?.attempts.length ?? 0} ${this.detail.value?.metricNames.join() ?? ''}`,
    );
    $effect(() => {
      void subject;
      const id = options.id();
      if (!options.showsCurves()) return;
      const detail = untrack(() => (this.detail.value?.id === id ? this.detail.value : null));
      if (detail === null) {
        this.curves = new Map();
        return;
      }
      this.#names = curveMetrics(detail.metricNames, detail.methodInfo);
      void this.#load(id);
    });

    $effect(() => {
      const id = options.id();
      this.logLines = 0;
      let heardLines = 0;
      const whenShown = () => {
        if (document.hidden) return;
        this.logLines = Math.max(this.logLines, heardLines);
        if (this.#isStale) this.#growSoon(id);
      };
      const stops = [
        onNotice('run-grew', (notice) => {
          if (notice.runId !== id) return;
          heardLines = notice.logLines;
          // A hidden window asks for nothing: it learns of the lines when it is shown.
          if (!document.hidden) this.logLines = Math.max(this.logLines, heardLines);
          if (options.showsCurves()) this.#growSoon(id);
        }),
        onReconnect(() => this.#growSoon(id)),
      ];
      document.addEventListener('visibilitychange', whenShown);
      return () => {
        for (const stop of stops) stop();
        document.removeEventListener('visibilitychange', whenShown);
        clearTimeout(this.#timer);
        this.#timer = undefined;
        this.#generation += 1;
      };
    });
    $effect(() => {
      const lines = this.detail.value?.logLines ?? 0;
      this.logLines = Math.max(
        untrack(() => this.logLines),
        lines,
      );
    });
  }

  /** The run; parts of it that did not change keep their identity. */
  readonly run: RunDetail | undefined = $derived.by(() => {
    const next = this.detail.value;
    if (next === undefined) return undefined;
    this.#shared = shareParts(this.#shared?.id === next.id ? this.#shared : undefined, next);
    return this.#shared;
  });

  /** Reads all curves of the run. */
  async #load(id: number): Promise<void> {
    const generation = ++this.#generation;
    this.#lastStep = -1;
    if (this.#names.length === 0) {
      this.curves = new Map();
      return;
    }
    await this.#ask(id, generation, null);
  }

  #growSoon(id: number): void {
    if (document.hidden) {
      this.#isStale = true;
      return;
    }
    if (this.#timer !== undefined) return;
    const wait = Math.max(0, this.#lastStartMs + CURVES_EVERY_MS - performance.now());
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      if (this.#isFetching) this.#growSoon(id);
      else if (this.#names.length > 0)
        void this.#ask(id, this.#generation, this.#lastStep < 0 ? null : this.#lastStep - 1);
    }, wait);
  }

  async #ask(id: number, generation: number, afterStep: number | null): Promise<void> {
    this.#isFetching = true;
    this.#isStale = false;
    this.#lastStartMs = performance.now();
    try {
      const answer = await api.getSeries({
        runIds: [id],
        metrics: this.#names,
        maxPoints: MAX_POINTS,
        afterStep,
      });
      if (generation !== this.#generation) return;
      this.#take(id, answer, afterStep === null);
      this.curvesFailure = null;
    } catch (thrown) {
      if (generation === this.#generation) this.curvesFailure = toFailure(thrown);
    } finally {
      this.#isFetching = false;
    }
  }

  #take(id: number, answer: readonly Series[], isWhole: boolean): void {
    const next = new Map(isWhole ? [] : this.curves);
    let hasOutgrown = false;
    let isNew = isWhole;
    for (const series of answer) {
      const old = next.get(series.metric);
      const joined = old ? appendSeries(old, series) : series;
      if (joined === null) hasOutgrown = true;
      else {
        isNew ||= joined !== old;
        next.set(series.metric, joined);
      }
      this.#lastStep = Math.max(this.#lastStep, series.steps.at(-1) ?? -1);
    }
    if (isNew) this.curves = next;
    if (hasOutgrown) void this.#load(id);
  }
}
