import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** Files of the folder, as many as wanted; they repeat if there are fewer. */
export async function imagesIn(folder: string, count: number): Promise<string[]> {
  const names = (await readdir(folder, { recursive: true })).filter((name) => /\.jpe?g$/i.test(name)).sort();
  if (names.length === 0) throw new RangeError(`${folder} holds no images`);
  return Array.from({ length: count }, (_, n) => join(folder, names[n % names.length] as string));
}
