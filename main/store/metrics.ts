/**
 * Metric series: one row a point, and for long series a tier of buckets with their lowest and highest point, so that a
 * chart of a million points costs what a chart of a few thousand does and never loses an extreme.
 */
import type { Series } from '../../preload/contract.ts';
import type { Database } from './database.ts';

/** Series with more points keep a tier; below, reading the points themselves is quick enough. */
export const TIER_THRESHOLD_POINTS = 50_000;

/** Points that a bucket of a new tier holds: 1/32 of the points to read, two kept of each 64. */
const POINTS_PER_BUCKET = 64;

/** A point as read: step, epoch, training time in ms, value. */
type Point = [step: number, epoch: number, timeMs: number, value: number];
/** The lowest and the highest point of a bucket, in that order. */
type Extremes = [...Point, ...Point];

/** In the order of the columns of an update, which names the key last. */
type MetricRow = [
  epoch: number,
  timeMs: number,
  value: number,
  runId: number,
  metricId: number,
  step: number,
];

interface SeriesKey {
  runId: number;
  metricId: number;
}

export class Metrics {
  readonly #database: Database;
  /** Metric names that are surely in the file. Emptied when a transaction fails, since it may have added some. */
  readonly #ids = new Map<string, number>();

  constructor(database: Database) {
    this.#database = database;
  }

  /**
   * Adds points of a run, inside the caller's transaction. All values must be finite. A point of a step that is there
   * already replaces it.
   */
  add(
    runId: number,
    points: readonly { step: number; epoch: number; timeMs: number; values: Record<string, number> }[],
  ): void {
    const rows = new Map<number, MetricRow[]>();
    for (const { step, epoch, timeMs, values } of points)
      for (const [name, value] of Object.entries(values)) {
        const metricId = this.#idOf(name);
        const own = rows.get(metricId);
        const row: MetricRow = [epoch, timeMs, value, runId, metricId, step];
        if (own === undefined) rows.set(metricId, [row]);
        else own.push(row);
      }
    for (const [metricId, own] of rows) this.#addSeries({ runId, metricId }, own);
  }

  #addSeries(key: SeriesKey, rows: readonly MetricRow[]): void {
    const inserted = this.#database
      .statement<MetricRow>(
        'insert metric',
        `INSERT INTO metrics (epoch, time_ms, value, run_id, metric_id, step) VALUES (?, ?, ?, ?, ?, ?)
         ON CONFLICT DO NOTHING`,
      )
      .runEach(rows);
    if (inserted < rows.length)
      this.#database
        .statement<MetricRow>(
          'replace metric',
          'UPDATE metrics SET epoch = ?, time_ms = ?, value = ? WHERE run_id = ? AND metric_id = ? AND step = ?',
        )
        .runEach(rows);
    const series = this.#grow(key, inserted);
    const steps = rows.map((row) => row[5]);
    if (series.tierWidth !== null) this.#rebuildTier(key, series.tierWidth, least(steps), greatest(steps));
    else if (series.pointCount > TIER_THRESHOLD_POINTS) this.#startTier(key, series.pointCount);
  }

  /** Deletes what lies beyond a step, inside the caller's transaction: a new attempt goes on from there. */
  removeBeyond(runId: number, step: number): void {
    const db = this.#database;
    const series = db
      .statement<[number], { metricId: number; tierWidth: number | null }>(
        'read series of run',
        'SELECT metric_id AS metricId, tier_width AS tierWidth FROM metric_series WHERE run_id = ?',
      )
      .all([runId]);
    for (const { metricId, tierWidth } of series) {
      const key = { runId, metricId };
      const { changes } = db
        .statement<[number, number, number]>(
          'delete metrics beyond step',
          'DELETE FROM metrics WHERE run_id = ? AND metric_id = ? AND step > ?',
        )
        .run([runId, metricId, step]);
      this.#grow(key, -changes);
      if (tierWidth !== null && changes > 0) this.#rebuildTier(key, tierWidth, step, Number.MAX_SAFE_INTEGER);
    }
  }

  /** Forgets names learnt in a transaction that failed. */
  forgetNames(): void {
    this.#ids.clear();
  }

  /** Names of the metrics that a run has, in alphabetical order. */
  names(runId: number): string[] {
    return this.#database
      .statement<[number], { name: string }>(
        'read metric names of run',
        `SELECT n.name FROM metric_series s JOIN metric_names n ON n.id = s.metric_id
         WHERE s.run_id = ? AND s.point_count > 0 ORDER BY n.name`,
      )
      .all([runId])
      .map(({ name }) => name);
  }

  /**
   * One series. With more than `maxPoints` points in the range, steps are cut into equal buckets of which each keeps its
   * lowest and highest point; the first and the last point are always among them. Null where the run has no such metric.
   *
   * afterStep: only points beyond it; untilStep: only points up to it; null for no limit.
   */
  read(
    runId: number,
    metric: string,
    {
      maxPoints,
      afterStep,
      untilStep,
    }: { maxPoints: number; afterStep: number | null; untilStep: number | null },
  ): Series | null {
    const series = this.#database
      .statement<[number, string], { metricId: number; pointCount: number; tierWidth: number | null }>(
        'read series',
        `SELECT s.metric_id AS metricId, s.point_count AS pointCount, s.tier_width AS tierWidth
         FROM metric_names n JOIN metric_series s ON s.metric_id = n.id AND s.run_id = ?
         WHERE n.name = ?`,
      )
      .get([runId, metric]);
    if (series === undefined || series.pointCount === 0) return null;
    const key = { runId, metricId: series.metricId };
    const [first, last] = this.#ends(key, afterStep ?? -1, untilStep ?? Number.MAX_SAFE_INTEGER);
    const points =
      first === undefined || last === undefined
        ? []
        : this.#readRange(key, series, first, last, Math.max(2, maxPoints));
    return {
      runId,
      metric,
      steps: points.map((point) => point[0]),
      epochs: points.map((point) => point[1]),
      times: points.map((point) => point[2]),
      values: points.map((point) => point[3]),
      total: series.pointCount,
    };
  }

  #readRange(
    key: SeriesKey,
    series: { pointCount: number; tierWidth: number | null },
    first: Point,
    last: Point,
    maxPoints: number,
  ): Point[] {
    const width = bucketWidth(first[0], last[0], maxPoints);
    // A tier serves as long as its buckets are no wider than those asked for.
    if (series.tierWidth !== null && width >= series.tierWidth) {
      const [firstBucket, lastBucket] = [first, last].map(([step]) =>
        Math.floor(step / series.tierWidth!),
      ) as [number, number];
      // The range may begin and end within a bucket, whose extremes may lie outside; there the points themselves count.
      return thin(
        [
          ...this.#readPoints(key, first[0], Math.min(last[0], (firstBucket + 1) * series.tierWidth - 1)),
          ...this.#readTier(key, firstBucket + 1, lastBucket - 1),
          ...this.#readPoints(key, Math.max(first[0], lastBucket * series.tierWidth), last[0]),
        ],
        width,
      );
    }
    const points = this.#readPoints(key, first[0], last[0]);
    return points.length <= maxPoints ? points : thin(points, width);
  }

  #readPoints({ runId, metricId }: SeriesKey, fromStep: number, untilStep: number): Point[] {
    return this.#database.rows<[number, number, number, number], Point>(
      'read metric points',
      `SELECT step, epoch, time_ms, value FROM metrics
       WHERE run_id = ? AND metric_id = ? AND step BETWEEN ? AND ? ORDER BY step`,
    )([runId, metricId, fromStep, untilStep]);
  }

  #readTier({ runId, metricId }: SeriesKey, fromBucket: number, untilBucket: number): Point[] {
    const rows = this.#database.rows<[number, number, number, number], Extremes>(
      'read metric tier',
      `SELECT low_step, low_epoch, low_time_ms, low, high_step, high_epoch, high_time_ms, high FROM metric_tiers
       WHERE run_id = ? AND metric_id = ? AND bucket BETWEEN ? AND ? ORDER BY bucket`,
    )([runId, metricId, fromBucket, untilBucket]);
    return rows.flatMap((row): Point[] => [
      [row[0], row[1], row[2], row[3]],
      [row[4], row[5], row[6], row[7]],
    ]);
  }

  /** First and last point with afterStep < step ≤ untilStep. */
  #ends(
    { runId, metricId }: SeriesKey,
    afterStep: number,
    untilStep: number,
  ): [Point | undefined, Point | undefined] {
    const read = (name: string, direction: 'ASC' | 'DESC'): Point | undefined =>
      this.#database.rows<[number, number, number, number], Point>(
        name,
        `SELECT step, epoch, time_ms, value FROM metrics
         WHERE run_id = ? AND metric_id = ? AND step > ? AND step <= ? ORDER BY step ${direction} LIMIT 1`,
      )([runId, metricId, afterStep, untilStep])[0];
    return [read('read first metric point', 'ASC'), read('read last metric point', 'DESC')];
  }

  #idOf(name: string): number {
    const known = this.#ids.get(name);
    if (known !== undefined) return known;
    this.#database
      .statement<[string]>('insert metric name', 'INSERT OR IGNORE INTO metric_names (name) VALUES (?)')
      .run([name]);
    const { id } = this.#database
      .statement<[string], { id: number }>('read metric id', 'SELECT id FROM metric_names WHERE name = ?')
      .get([name])!;
    this.#ids.set(name, id);
    return id;
  }

  #grow({ runId, metricId }: SeriesKey, by: number): { pointCount: number; tierWidth: number | null } {
    return this.#database
      .statement<[number, number, number], { pointCount: number; tierWidth: number | null }>(
        'grow series',
        `INSERT INTO metric_series (run_id, metric_id, point_count) VALUES (?, ?, ?)
         ON CONFLICT DO UPDATE SET point_count = point_count + excluded.point_count
         RETURNING point_count AS pointCount, tier_width AS tierWidth`,
      )
      .get([runId, metricId, by])!;
  }

  #startTier(key: SeriesKey, pointCount: number): void {
    const [first, last] = this.#ends(key, -1, Number.MAX_SAFE_INTEGER);
    const stepsPerPoint = (last![0] - first![0] + 1) / pointCount;
    const width = Math.max(1, Math.round(stepsPerPoint * POINTS_PER_BUCKET));
    this.#database
      .statement<[number, number, number]>(
        'set tier width',
        'UPDATE metric_series SET tier_width = ? WHERE run_id = ? AND metric_id = ?',
      )
      .run([width, key.runId, key.metricId]);
    this.#rebuildTier(key, width, 0, last![0]);
  }

  /** Works out the buckets that the steps touch from the points themselves. */
  #rebuildTier({ runId, metricId }: SeriesKey, width: number, fromStep: number, untilStep: number): void {
    const range = {
      runId,
      metricId,
      width,
      firstBucket: Math.floor(fromStep / width),
      lastBucket: Math.floor(untilStep / width),
      fromStep: Math.floor(fromStep / width) * width,
      untilStep: Math.min((Math.floor(untilStep / width) + 1) * width - 1, Number.MAX_SAFE_INTEGER),
    };
    this.#database
      .statement<Record<string, number>>(
        'clear tier buckets',
        `DELETE FROM metric_tiers
         WHERE run_id = @runId AND metric_id = @metricId AND bucket BETWEEN @firstBucket AND @lastBucket`,
      )
      .run(range);
    // SQLite takes bare columns from the row that holds the minimum or maximum (sqlite.org/lang_select.html, "bare
    // columns"), so each half is one pass. The cast: a number bound from JavaScript is a REAL, and would not divide whole.
    const half = (extreme: 'min' | 'max'): string =>
      `SELECT step / CAST(@width AS INTEGER) AS bucket, step, epoch, time_ms, ${extreme}(value) AS value FROM metrics
       WHERE run_id = @runId AND metric_id = @metricId AND step BETWEEN @fromStep AND @untilStep GROUP BY 1`;
    this.#database
      .statement<Record<string, number>>(
        'build tier buckets',
        `INSERT INTO metric_tiers
         SELECT @runId, @metricId, low.bucket, low.step, low.epoch, low.time_ms, low.value,
           high.step, high.epoch, high.time_ms, high.value
         FROM (${half('min')}) low JOIN (${half('max')}) high ON high.bucket = low.bucket`,
      )
      .run(range);
  }
}

const least = (values: readonly number[]): number => values.reduce((a, b) => Math.min(a, b));
const greatest = (values: readonly number[]): number => values.reduce((a, b) => Math.max(a, b));

/** Width in steps of the buckets that make at most `maxPoints` points of a range, two a bucket. */
function bucketWidth(firstStep: number, lastStep: number, maxPoints: number): number {
  // The ends may add two points of their own.
  const buckets = Math.max(1, Math.floor((maxPoints - 2) / 2));
  return Math.max(1, Math.ceil((lastStep - firstStep + 1) / buckets));
}

/**
 * The lowest and the highest point of each bucket of `width` steps counted from the first point, and the two ends.
 * Points come roughly in the order of their steps (a tier's pairs may be swapped) and leave in it, each once.
 */
function thin(points: readonly Point[], width: number): Point[] {
  const origin = points[0]![0];
  const kept = new Map<number, Point>();
  const keep = (point: Point): Map<number, Point> => kept.set(point[0], point);
  const buckets = new Map<number, { low: Point; high: Point }>();
  for (const point of points) {
    const index = Math.floor((point[0] - origin) / width);
    const bucket = buckets.get(index);
    if (bucket === undefined) buckets.set(index, { low: point, high: point });
    else if (point[3] < bucket.low[3]) bucket.low = point;
    else if (point[3] > bucket.high[3]) bucket.high = point;
  }
  keep(points[0]!);
  keep(points.at(-1)!);
  for (const { low, high } of buckets.values()) {
    keep(low);
    keep(high);
  }
  return [...kept.values()].sort((a, b) => a[0] - b[0]);
}
