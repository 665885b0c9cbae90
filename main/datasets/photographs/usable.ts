/**
 * Whether a dataset of photographs can be trained on with the images that its last check found unusable. The form asks
 * before a run is queued, the trainer before it starts; both go by this.
 */
import type { DatasetManifest } from '../manifest.ts';
import { countClasses } from '../subset.ts';
import type { PhotoCheck } from './photoCheck.ts';

/** Training images that may be replaced by others of their class: one in a hundred, and one in any case. */
export function toleratedFaults(trainImages: number): number {
  return Math.max(1, Math.floor(trainImages / 100));
}

export interface Usability {
  /** Why no run starts, or null: a sentence that says what to do. */
  refusal: string | null;
  /** What a run does about it, or null where nothing is wrong. */
  warning: string | null;
}

/**
 * Evaluation is exact, so no validation or test image may be missing; a training image that can't be read is replaced by
 * another of its class, as long as there are few of them and each class keeps one. trainLabels: of the train split.
 */
export function judgePhotographs(
  { counts, classNames }: Pick<DatasetManifest, 'counts' | 'classNames'>,
  problems: PhotoCheck['problems'],
  trainLabels: Int32Array,
): Usability {
  const refuse = (reason: string): Usability => ({
    refusal: `${reason} Bring the images back and check the dataset again, or add it again without them.`,
    warning: null,
  });
  for (const split of ['test', 'val'] as const) {
    const faulty = problems.filter((problem) => problem.split === split);
    if (faulty.length > 0)
      return refuse(
        `${faulty.length} of the ${counts[split]} ${split === 'val' ? 'validation' : 'test'} images can't be used (${faulty[0]!.path}), and accuracies would not be comparable.`,
      );
  }
  if (problems.length === 0) return { refusal: null, warning: null };
  const left = countClasses(trainLabels, classNames.length);
  for (const { row } of problems) left[trainLabels[row]!]!--;
  const empty = left.findIndex((count) => count <= 0);
  if (empty >= 0) return refuse(`None of the training images of the class ${classNames[empty]} can be used.`);
  const said = `${problems.length} of the ${counts.train} training images can't be used (${problems[0]!.path})`;
  if (problems.length > toleratedFaults(counts.train)) return refuse(`${said}, more than one in a hundred.`);
  return { refusal: null, warning: `${said}: others of their classes take their places.` };
}
