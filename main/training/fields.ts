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
  /** The only method that has this setting. */
  method?: string;
}

export type FieldValue = number | boolean | string | number[] | null;
