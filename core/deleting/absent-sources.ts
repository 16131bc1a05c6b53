import { shellWord } from '../shell-word.ts';

/** What a person can do about a source that is not there and holds up a prune: one sentence per way out. */
export function waysOutOf(dataset: string, source: string): string[] {
  const folder = shellWord(source);
  return [
    'mount it, or load it again if it is there',
    `if it moved: plimsoll relocate ${dataset} --from ${folder} --to FOLDER`,
    `if it is gone for good: plimsoll forget ${dataset} --source ${folder}`,
  ];
}
