import { copyFile, link, mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { makePictures } from './pictures.ts';

/** Some file systems allow at most 65,000 names per file. */
const NAMES_A_FILE = 5000;

/** Creates many hard links to one picture in one folder, for a large source that takes little space. */
export async function makeManyFiles(folder: string, count: number): Promise<void> {
  const picture = `${folder}-picture`;
  await makePictures(picture, 1);
  const [name] = await readdir(picture);
  await mkdir(folder, { recursive: true });
  for (let at = 0; at < count; at += NAMES_A_FILE) {
    const original = join(folder, `${at}.jpg`);
    await copyFile(join(picture, name as string), original);
    const others = Array.from({ length: Math.min(NAMES_A_FILE, count - at) - 1 }, (_, i) => `${at + i + 1}.jpg`);
    await Promise.all(others.map((other) => link(original, join(folder, other))));
  }
}
