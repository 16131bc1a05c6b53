import { z } from 'zod';

/** A fault in one field of an input. */
export interface Fault {
  /** Its path, as `embed_window.end`; `(input)` where it is the input itself. */
  field: string;
  /** The words after the field's name in a sentence: `is required`, `must be at most 5`. */
  message: string;
}

export type Parsed<T> = { success: true; data: T } | { success: false; faults: Fault[] };

/** Parses an input; what is wrong with it is said in words for who wrote it. Safe in the workflow sandbox. */
export function parseInWords<T extends z.ZodType>(schema: T, input: unknown): Parsed<z.output<T>> {
  const parsed = schema.safeParse(input, { error: inWords });
  if (parsed.success) return { success: true, data: parsed.data };
  const faults = parsed.error.issues.map(({ path, message }) => ({ field: path.join('.') || WHOLE, message }));
  return { success: false, faults };
}

/** One line for all that is wrong. */
export const sentenceOf = (faults: readonly Fault[]): string =>
  faults.map(({ field, message }) => `${field === WHOLE ? 'the input' : field} ${message}`).join('; ');

const WHOLE = '(input)';

/** Words of a schema's own go first; these are for the faults that it has none for. */
export function inWords(issue: z.core.$ZodRawIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined ? 'is required' : `must be ${TYPES[issue.expected] ?? issue.expected}`;
    case 'unrecognized_keys':
      return `has no field ${issue.keys.map((key) => `"${key}"`).join(', ')} (its fields: ${fieldsOf(issue.inst)})`;
    case 'invalid_value':
      return `must be ${issue.values.length > 1 ? 'one of ' : ''}${issue.values.join(', ')}`;
    case 'too_big':
      return `must ${amount(issue.origin, 'at most', Number(issue.maximum))}`;
    case 'too_small':
      return `must ${amount(issue.origin, 'at least', Number(issue.minimum))}`;
    default:
      return 'is not valid';
  }
}

const TYPES: Readonly<Record<string, string>> = {
  string: 'a string',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  object: 'an object',
  array: 'a list',
};

/** `be at most 5`, `have at most 64 characters` */
function amount(origin: string, bound: string, n: number): string {
  if (origin === 'string') return `have ${bound} ${n} character${n === 1 ? '' : 's'}`;
  if (origin === 'array') return `have ${bound} ${n} ${n === 1 ? 'entry' : 'entries'}`;
  return `be ${bound} ${n}`;
}

const fieldsOf = (schema: unknown): string =>
  schema instanceof z.ZodObject ? Object.keys(schema.shape).join(', ') : 'those of its schema';
