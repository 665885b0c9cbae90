/**
 * Whether a dataset of photographs can be trained on with the images that its last check found unusable. The form asks
 * before a run is queued, the trainer before it starts; both go by this.
 */
import { z } from 'zod';
import type { DatasetManifest } from '../manifest.ts';
import { countClasses } from '../subset.ts';
import type { PhotoCheck } from './photoCheck.ts';

/** So many images of a dataset may be bad without its being another one: one in a hundred, and one in any case. */
export function toleratedFaults(images: number): number {
  return Math.max(1, Math.floor(images / 100));
}

export interface Usability {
  /** Why no run starts, or null: a sentence that says what to do. */
  refusal: string | null;
  /** What a run does about it, or null where nothing is wrong. */
  warning: string | null;
}

/** How many images, and the path of the first. */
const tallySchema = z.strictObject({ images: z.int(), first: z.string().nullable() });

export const faultsSchema = z.strictObject({
  /** Images that no run can use. */
  unusable: z.strictObject({ train: tallySchema, val: tallySchema, test: tallySchema }),
  /** A class that is left without a training image. */
  emptiedClass: z.int().nullable(),
  /** Training images that are others now, which are trained on as they are. */
  changed: tallySchema,
});

/** What is wrong with the images of a dataset, counted. */
export type Faults = z.infer<typeof faultsSchema>;

/** trainLabels: of the train split, which rows of problems refer to. */
export function countFaults(
  problems: PhotoCheck['problems'],
  trainLabels: Int32Array,
  classes: number,
): Faults {
  const none = { images: 0, first: null };
  const faults: Faults = {
    unusable: { train: { ...none }, val: { ...none }, test: { ...none } },
    emptiedClass: null,
    changed: { ...none },
  };
  const left = countClasses(trainLabels, classes);
  for (const { split, row, path, code } of problems) {
    const isUsed = split === 'train' && code === 'changed';
    const tally = isUsed ? faults.changed : faults.unusable[split];
    tally.images++;
    tally.first ??= path;
    if (split !== 'train' || isUsed) continue;
    const label = trainLabels[row]!;
    if (--left[label]! === 0) faults.emptiedClass ??= label;
  }
  return faults;
}

/**
 * Evaluation is exact, so no validation or test image may be missing; a training image that can't be read is replaced by
 * another of its class, as long as there are few of them and each class keeps one.
 */
export function judgePhotographs(
  { counts, classNames }: Pick<DatasetManifest, 'counts' | 'classNames'>,
  { unusable, emptiedClass }: Faults,
): Usability {
  const refuse = (reason: string): Usability => ({
    refusal: `${reason} Bring the images back and check the dataset again, or add it again without them.`,
    warning: null,
  });
  for (const split of ['test', 'val'] as const) {
    const { images, first } = unusable[split];
    if (images > 0)
      return refuse(
        `${images} of the ${counts[split]} ${split === 'val' ? 'validation' : 'test'} images can't be used (${first}), and accuracies would not be comparable.`,
      );
  }
  const { images, first } = unusable.train;
  if (images === 0) return { refusal: null, warning: null };
  if (emptiedClass !== null)
    return refuse(`None of the training images of the class ${classNames[emptiedClass]} can be used.`);
  const said = `${images} of the ${counts.train} training images can't be used (${first})`;
  if (images > toleratedFaults(counts.train)) return refuse(`${said}, more than one in a hundred.`);
  return { refusal: null, warning: `${said}: others of their classes take their places.` };
}
