/**
 * The group schemes in words, and the one that the user looks through: the choice is shared by all screens, so that
 * "few" never means two things side by side.
 */
import type { GroupId, GroupSchemeId } from '../../preload/contract.ts';

export interface SchemeWords {
  id: GroupSchemeId;
  label: string;
  detail: string;
  /** The rule of each group, for hovers. */
  rules: Record<GroupId, string>;
}

export const SCHEMES: SchemeWords[] = [
  {
    id: 'count-100-20',
    label: 'by count >100, 20–100, <20',
    detail: 'training images of a class, as in most papers',
    rules: {
      many: 'Classes with more than 100 training images',
      medium: 'Classes with 20 to 100 training images',
      few: 'Classes with fewer than 20 training images',
    },
  },
  {
    id: 'reslt-ranges',
    label: 'ResLT ranges',
    detail: 'ranks by frequency, as ResLT’s own evaluation has them',
    rules: {
      many: 'The most frequent classes: 3 of 10, 36 of 100, the first .36 elsewhere',
      medium: 'The classes between: 3 of 10, 35 of 100, up to .71 elsewhere',
      few: 'The rarest classes: 4 of 10, 29 of 100, the last .29 elsewhere',
    },
  },
];

export const GROUP_IDS: GroupId[] = ['many', 'medium', 'few'];
/** As column heads have them. */
export const GROUP_WORDS: Record<GroupId, string> = { many: 'Many', medium: 'Med.', few: 'Few' };

export const isSchemeId = (value: unknown): value is GroupSchemeId =>
  SCHEMES.some((scheme) => scheme.id === value);

export function schemeWords(id: GroupSchemeId): SchemeWords {
  const found = SCHEMES.find((scheme) => scheme.id === id);
  if (!found) throw new Error(`No group scheme is called ${id}.`);
  return found;
}
