/**
 * How a setting is described once for everybody: the schema that checks it, the form that shows it and the text of
 * errors. Ranges include both ends.
 */
export interface Field {
  key: string;
  label: string;
  group: 'method' | 'training' | 'data' | 'engine' | 'checkpoints';
  type: 'integer' | 'number' | 'boolean' | 'choice' | 'integers' | 'numbers' | 'text';
  unit: string | null;
  min: number | null;
  max: number | null;
  /** The values of a choice. */
  choices: string[] | null;
  /** Whether null is a value, and what it means is in `help`. */
  nullable: boolean;
  default: FieldValue;
  help: string;
  /** The methods that have this setting; absent where every run has it. */
  methods?: string[];
  /** Has an effect only while another setting, where the method has it, is one of these; forms leave it out otherwise. */
  onlyWith?: { key: string; values: readonly FieldValue[] };
  /** Has an effect only on such images. */
  images?: 'photographs' | 'small';
}

export type FieldValue = number | boolean | string | number[] | null;

/** A field from what is particular to it: no unit, no range, no choices and not nullable unless it says so. */
export function defineField(
  type: Field['type'],
  particular: Pick<Field, 'key' | 'label' | 'group' | 'default' | 'help'> & Partial<Field>,
): Field {
  return { unit: null, min: null, max: null, choices: null, nullable: false, ...particular, type };
}
