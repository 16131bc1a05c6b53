import { shellWord } from '../shell-word.ts';

/** The ways out for a person whose source is not there, so that a prune keeps what lay in it. */
export function waysOutOf(dataset: string, source: string): string[] {
  const folder = shellWord(source);
  return [
    'mount it, or load it again if it is there',
    `if it moved: plimsoll relocate ${dataset} --from ${folder} --to FOLDER`,
    `if it is gone for good: plimsoll forget ${dataset} --source ${folder}`,
  ];
}
