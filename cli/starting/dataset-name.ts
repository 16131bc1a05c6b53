import { basename, resolve } from 'node:path';

const LONGEST = 63;

/** Makes a valid dataset name of a folder's name: `./My Photos (2024)` becomes `my-photos-2024`. */
export function datasetNameOf(folder: string): string {
  const name = basename(resolve(folder))
    .normalize('NFKD')
    .replace(/\p{Mark}/gu, '')
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, '-')
    .replace(/^[^a-z0-9]+/, '')
    .slice(0, LONGEST)
    .replace(/[^a-z0-9]+$/, '');
  return name === '' ? 'dataset' : name;
}
