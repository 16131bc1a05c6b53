const SPLITS: ReadonlyMap<string, string> = new Map([
  ['train', 'train'],
  ['training', 'train'],
  ['val', 'val'],
  ['valid', 'val'],
  ['validation', 'val'],
  ['test', 'test'],
]);

/** The split that a folder or a subset is named after. Undefined for other names. */
export const splitNamed = (name: string): string | undefined => SPLITS.get(name.toLowerCase());
