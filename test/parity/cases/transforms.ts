/**
 * The preprocessing of photographs, rotation and the re-labelling of classes against golden/transforms and
 * golden/datasets. 8-bit pixels, boxes and labels are exact.
 */
import { normalisationTable } from '../../../main/datasets/augment.ts';
import { centreCrop } from '../../../main/datasets/photographs/centreCrop.ts';
import { jitter } from '../../../main/datasets/photographs/colorJitter.ts';
import { rankLabels } from '../../../main/datasets/photographs/rankLabels.ts';
import { axisWeights, resample } from '../../../main/datasets/photographs/resample.ts';
import { resizedCropBox } from '../../../main/datasets/photographs/resizedCrop.ts';
import { rotateImage } from '../../../main/datasets/rotate.ts';
import { decodeArray, toChannelsFirst, type GoldenFolder } from '../golden.ts';
import { largestDifference, type Check, type ParityCase } from '../parityCase.ts';
import {
  bytesOf,
  cropSource,
  cut,
  imageOf,
  NORMALISED_TOLERANCE,
  type Image,
  type TransformsFile,
} from './transformsFile.ts';

interface ClassOrderFile {
  cases: { loader: string; case: string; trainingCounts: number[]; newLabelOfOldLabel: number[] }[];
}

export function transformCases(golden: GoldenFolder): ParityCase[] {
  const file = golden.read<TransformsFile>('transforms', 'transforms');
  const order = golden.read<ClassOrderFile>('datasets', 'class_order');
  const skipped = 'its file is not in the golden folder';
  const checks = {
    rotate: rotateChecks,
    'resize, centre crop': resizeChecks,
    'random resized crop': cropChecks,
  };
  const more = { 'colour jitter': jitterChecks, greyscale: greyChecks };
  return [
    ...Object.entries({ ...checks, ...more }).map(([title, run]): ParityCase => {
      const name = `transforms ${title}`;
      return file === null ? { name, skipped } : { name, run: () => run(file) };
    }),
    order === null
      ? { name: 'datasets/class_order', skipped }
      : { name: 'datasets/class_order', run: () => orderChecks(order) },
  ];
}

function rotateChecks(file: TransformsFile): Check[] {
  const { pixels, height, width } = cropSource(file);
  return file.rotate.cases.map(({ degrees, result }) => {
    const out = new Uint8Array(pixels.length);
    rotateImage(pixels, { height, width, channels: 3 }, degrees, out);
    return same(`${degrees} degrees`, out, bytesOf(result));
  });
}

function resizeChecks(file: TransformsFile): Check[] {
  return file.resizeCenterCrop.cases.flatMap((one) => {
    const image = typeof one.source === 'string' ? namedSource(file, one.source) : imageOf(one.source);
    const { height, width, top, left } = centreCrop(
      image.height,
      image.width,
      one.shorterSide,
      one.centerCrop,
    );
    const part = (outFrom: number, outLength: number, length: number, outCount: number) =>
      axisWeights({ length, outLength, outFrom, outCount });
    const resize = (x: number, y: number, outWidth: number, outHeight: number) =>
      resample(
        image.pixels,
        image.width,
        part(x, width, image.width, outWidth),
        part(y, height, image.height, outHeight),
      ).slice();
    const cropped = resize(left, top, one.centerCrop, one.centerCrop);
    const checks = [
      same(
        `${one.name} size and offset`,
        [height, width, top, left],
        [one.resizedHeight, one.resizedWidth, one.cropTop, one.cropLeft],
      ),
      same(`${one.name} resized`, resize(0, 0, width, height), bytesOf(one.resized)),
      same(`${one.name} cropped`, cropped, bytesOf(one.cropped)),
    ];
    const normalised = { imagenet: one.normalisedImagenet, inaturalist: one.normalisedInaturalist };
    for (const [statistics, expected] of Object.entries(normalised)) {
      if (expected === undefined) continue;
      const { mean, std } = file.statistics[statistics]!;
      const table = normalisationTable(mean, std);
      const values = Float32Array.from(cropped, (value, i) => table[(i % 3) * 256 + value]!);
      checks.push({
        name: `${one.name} normalised, ${statistics}`,
        error: largestDifference(
          toChannelsFirst(values, [1, one.centerCrop, one.centerCrop, 3]),
          decodeArray(expected),
        ),
        tolerance: NORMALISED_TOLERANCE,
      });
    }
    return checks;
  });
}

function cropChecks(file: TransformsFile): Check[] {
  return file.randomResizedCrop.cases.flatMap(
    ({ source, draws, box, fallback, outputSize, result }, index) => {
      const image = namedSource(file, source);
      let tries = 0;
      const drawn = resizedCropBox(image.height, image.width, () => {
        const [fraction, aspect, top, left] = draws[tries++]!;
        return { fraction, aspect, top, left };
      });
      const { pixels, width, height } = cut(image, drawn.top, drawn.left, drawn.height, drawn.width);
      const resized = resample(
        pixels,
        width,
        axisWeights({ length: width, outLength: outputSize }),
        axisWeights({ length: height, outLength: outputSize }),
      );
      const name = `${index}: ${source}${fallback ? ', fallback' : ''}`;
      return [
        same(`${name} box`, [drawn.top, drawn.left, drawn.height, drawn.width], box),
        same(`${name} tries`, [tries], [draws.length]),
        same(`${name} pixels`, resized, bytesOf(result)),
      ];
    },
  );
}

function jitterChecks(file: TransformsFile): Check[] {
  return file.colorJitter.cases.map(({ steps, result }) => {
    const { pixels } = imageOf(file.image);
    jitter(pixels, steps);
    return same(steps.map(({ op, factor }) => `${op} ${factor}`).join(', '), pixels, bytesOf(result));
  });
}

/** Saturation 0 leaves the luminance in all three channels. */
function greyChecks(file: TransformsFile): Check[] {
  const { pixels } = imageOf(file.image);
  jitter(pixels, [{ op: 'saturation', factor: 0 }]);
  const expected = bytesOf(file.grayscale.result);
  return [0, 1, 2].map((c) =>
    same(
      `levels, channel ${c}`,
      pixels.filter((_, i) => i % 3 === c),
      expected,
    ),
  );
}

function orderChecks({ cases }: ClassOrderFile): Check[] {
  return cases.map((one) =>
    same(`${one.loader} ${one.case}`, rankLabels(one.trainingCounts), one.newLabelOfOldLabel),
  );
}

/** Sources are told in words: `image`, or a strip of rows or columns of it, both ends included. */
function namedSource(file: TransformsFile, text: string): Image {
  const image = imageOf(file.image);
  const strip = /(rows|columns) (\d+) to (\d+)/.exec(text);
  if (strip === null) return image;
  const [from, to] = [Number(strip[2]), Number(strip[3])];
  return strip[1] === 'rows'
    ? cut(image, from, 0, to - from + 1, image.width)
    : cut(image, 0, from, image.height, to - from + 1);
}

/** Exact: the error is the largest difference, or 1 where the numbers of values differ. */
function same(name: string, actual: ArrayLike<number>, expected: ArrayLike<number>): Check {
  const error = actual.length === expected.length ? largestDifference(actual, expected) : 1;
  return { name, error, tolerance: 0 };
}
