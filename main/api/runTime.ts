/**
 * How long a run would take, from the speed that earlier runs had on this machine: their first steps are enough. Runs
 * of the same method on the same data tell best; where there are none, those of the same network with as many experts
 * come near, whatever their loss; a network computes as much more as its images have pixels. Pure.
 */
import type { Config } from '../../preload/contract.ts';
import { findMethod, METHODS } from '../training/methods/index.ts';

/** What decides how long a run computes. */
export interface Work {
  config: Config;
  datasetId: number | null;
  /** Height of the images that the network is given. */
  imageSize: number;
  totalSteps: number;
  stepsPerEpoch: number;
  trainImages: number;
  /** Images of all evaluated splits. */
  evaluationImages: number;
}

/** An earlier run, as far as it tells how fast another would be. */
export interface Speed {
  config: Config;
  datasetId: number | null;
  imageSize: number;
  engine: string;
  imagesPerSecond: number;
  /** Of one image; null before its first evaluation. */
  evaluationMsPerImage: number | null;
}

export interface RunTime {
  ms: number;
  /** Runs that it is worked out from. */
  runs: number;
  /** Whether those had the same method and size of images, or only the same network. */
  sameMethod: boolean;
}

/** As many runs as the estimate averages over; older ones may be of another machine or version. */
const NEWEST_RUNS = 5;

/** A forward pass costs about a third of a step. */
const FORWARD_SHARE = 1 / 3;

/** Null without an earlier run to go by. `speeds` come newest first. */
export function estimateTime(work: Work, speeds: readonly Speed[]): RunTime | null {
  const { config } = work;
  const engine =
    config['engine'] === undefined || config['engine'] === 'auto' ? speeds[0]?.engine : config['engine'];
  const like = speeds
    .filter((one) => one.engine === engine && isAsHeavy(one, work))
    .map((one) => atSize(one, work.imageSize));
  const sameSize = like.filter((one) => one.isMeasured);
  const sameMethod = sameSize.filter((one) => one.config['method'] === config['method']);
  const sameData = sameMethod.filter(
    (one) =>
      work.datasetId !== null &&
      one.datasetId === work.datasetId &&
      one.config['batchSize'] === config['batchSize'],
  );
  const best = [sameData, sameMethod, sameSize, like].find((runs) => runs.length > 0)?.slice(0, NEWEST_RUNS);
  if (best === undefined) return null;
  const speed = median(best.map((one) => one.imagesPerSecond));
  const evaluations = best.flatMap(({ evaluationMsPerImage }) => evaluationMsPerImage ?? []);
  const evaluationMsPerImage = evaluations.length > 0 ? median(evaluations) : (1000 / speed) * FORWARD_SHARE;
  return {
    ms: Math.round(
      (trainedImages(work) / speed) * 1000 +
        countEvaluations(work) * work.evaluationImages * evaluationMsPerImage,
    ),
    runs: best.length,
    sameMethod: sameMethod.length > 0,
  };
}

/** A speed as it would be with images of another size: the work grows with their pixels. */
function atSize(one: Speed, imageSize: number): Speed & { isMeasured: boolean } {
  const pixels = (one.imageSize / imageSize) ** 2;
  return {
    ...one,
    isMeasured: one.imageSize === imageSize,
    imagesPerSecond: one.imagesPerSecond * pixels,
    evaluationMsPerImage: one.evaluationMsPerImage === null ? null : one.evaluationMsPerImage / pixels,
  };
}

/** Whether a step computes about as much for a pixel. */
function isAsHeavy(one: Speed, work: Work): boolean {
  const keys = ['experts', 'reduceDimension', 'augmentation', 'decode'];
  return (
    isSecondStage(one.config) === isSecondStage(work.config) &&
    keys.every((key) => one.config[key] === work.config[key])
  );
}

/** A second stage computes no gradients below what it trains. */
function isSecondStage(config: Config): boolean {
  const name = String(config['method']);
  return METHODS.some((method) => method.name === name) && findMethod(name).trains !== undefined;
}

function trainedImages({ config, totalSteps, stepsPerEpoch, trainImages }: Work): number {
  const batchSize = Math.min(Number(config['batchSize']), trainImages);
  // A last batch that is smaller counts as what it is.
  return Math.min(totalSteps * batchSize, (totalSteps / stepsPerEpoch) * trainImages);
}

function countEvaluations({ config, totalSteps, stepsPerEpoch }: Work): number {
  return Math.ceil(totalSteps / stepsPerEpoch / Number(config['evaluateEvery'] ?? 1));
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
