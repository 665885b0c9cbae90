/** Training data held in memory, for tests of the training code: no files, no threads, the same stream rules. */
import type { Batch, BatchStream, Random, Split, TrainingData } from '../../main/training/types.ts';

export interface MemorySplit {
  /** [examples, height, width, channels], normalised. */
  images: Float32Array;
  labels: Int32Array;
}

export interface MemoryDataOptions {
  height: number;
  width: number;
  channels: number;
  classes: number;
  splits: { train: MemorySplit; test: MemorySplit; val?: MemorySplit };
}

/** Batches of `splits` in a shuffled order for training, without crops and mirroring. */
export function memoryData({ height, width, channels, classes, splits }: MemoryDataOptions): TrainingData {
  const imageLength = height * width * channels;
  const classCounts = new Array<number>(classes).fill(0);
  for (const label of splits.train.labels) classCounts[label]!++;
  const partOf = (split: Split): MemorySplit => {
    const part = splits[split];
    if (!part) throw new Error(`This dataset has no ${split} split.`);
    return part;
  };

  const stream = (part: MemorySplit, order: Int32Array, batchSize: number): BatchStream => {
    let given = 0;
    return {
      next(): Promise<Batch | null> {
        const rows = order.subarray(given, given + batchSize);
        if (rows.length === 0) return Promise.resolve(null);
        given += rows.length;
        const images = new Float32Array(rows.length * imageLength);
        rows.forEach((row, index) =>
          images.set(part.images.subarray(row * imageLength, (row + 1) * imageLength), index * imageLength),
        );
        const labels = Int32Array.from(rows, (row) => part.labels[row]!);
        return Promise.resolve({ images, labels, size: rows.length });
      },
      close: () => {},
    };
  };
  const inOrder = (length: number): Int32Array => Int32Array.from({ length }, (_, row) => row);

  return {
    classNames: classCounts.map((_, index) => `class ${index}`),
    classCounts,
    height,
    width,
    channels,
    sizes: {
      train: splits.train.labels.length,
      val: splits.val?.labels.length ?? 0,
      test: splits.test.labels.length,
    },
    trainStream({ batchSize, dropLast, random, skipBatches = 0 }) {
      const { labels } = splits.train;
      const order = inOrder(labels.length);
      random.shuffle(order);
      const whole = Math.floor(labels.length / batchSize) * batchSize;
      const drawn = dropLast && whole > 0 ? order.subarray(0, whole) : order;
      return stream(splits.train, drawn.subarray(skipBatches * batchSize), batchSize);
    },
    evalStream: (split, batchSize) => stream(partOf(split), inOrder(partOf(split).labels.length), batchSize),
    close: () => Promise.resolve(),
  };
}

/** Images whose class is a brightness pattern under noise: learnable, and not by accident. */
export function patternSplit(
  { height, width, channels, classes }: Omit<MemoryDataOptions, 'splits'>,
  labels: Int32Array,
  random: Random,
): MemorySplit {
  const imageLength = height * width * channels;
  const images = new Float32Array(labels.length * imageLength);
  labels.forEach((label, example) => {
    for (let row = 0; row < height; row++)
      for (let column = 0; column < width; column++)
        for (let channel = 0; channel < channels; channel++) {
          const signal = Math.sin((2 * Math.PI * (label + 1) * (row + column)) / (height + classes));
          const index = ((example * height + row) * width + column) * channels + channel;
          images[index] = signal + 0.5 * random.normal();
        }
  });
  return { images, labels };
}
