import type { SearchFilter } from '../contract/search.ts';
import { UsageError } from './failure.ts';

const BYTES = 'bytes';

/**
 * Reads conditions on samples: `format=png`, or a range with inclusive bounds, of which one may be left out:
 * `width=640..1920`, `bytes=..1000000`.
 *
 * @throws UsageError
 */
export async function whereFilter(conditions: readonly string[]): Promise<SearchFilter> {
  const { CHOICE_FIELDS, RANGE_FIELDS } = await import('../core/media/fields.ts');
  const choices: Readonly<Record<string, { values: readonly string[] }>> = CHOICE_FIELDS;
  const ranges = [...Object.keys(RANGE_FIELDS), BYTES];
  const equal: NonNullable<SearchFilter['equal']> = {};
  const between: NonNullable<SearchFilter['between']> = {};
  const filter: SearchFilter = { equal, between };
  for (const condition of conditions) {
    const [, field = '', value = ''] = /^(\w+)=(.+)$/.exec(condition) ?? [];
    const choice = choices[field];
    if (choice !== undefined) {
      if (!choice.values.includes(value)) throw notThis(condition, `${field} is one of ${choice.values.join(', ')}`);
      equal[field] = value;
    } else if (ranges.includes(field)) {
      const { min, max } = rangeOf(condition, value);
      if (field === BYTES) Object.assign(filter, { min_bytes: min, max_bytes: max });
      else between[field] = { min, max };
    } else {
      throw notThis(condition, `write ${[...Object.keys(choices), ...ranges].join('=…, ')}=…`);
    }
  }
  return filter;
}

function rangeOf(condition: string, value: string): { min?: number; max?: number } {
  const [, exact, min, max] = /^(?:(\d{1,15})|(\d{1,15})?\.\.(\d{1,15})?)$/.exec(value) ?? [];
  const bounds = [min ?? exact, max ?? exact].map((bound) => (bound === undefined ? undefined : Number(bound)));
  if (bounds.every((bound) => bound === undefined)) throw notThis(condition, 'a range is 640..1920, 640.. or ..1920');
  return { min: bounds[0], max: bounds[1] } as { min?: number; max?: number };
}

const notThis = (condition: string, words: string) => new UsageError(`--where "${condition}": ${words}.`);
