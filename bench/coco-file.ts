import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { randomNumbers } from '../scripts/random-numbers.ts';

/** Boxes of an image, as in COCO's train2017. */
export const BOXES_AN_IMAGE = 7;
const CLASSES = 80;

/**
 * Writes annotations of every picture below a folder as COCO's JSON: seven boxes on average, of 80 classes, in random order,
 * as COCO has them.
 */
export async function writeCoco(path: string, folder: string): Promise<void> {
  const names = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith('.jpg')).sort();
  const random = randomNumbers(7);
  const below = (most: number) => Math.floor(random() * most);
  const file = createWriteStream(path);
  const write = async (text: string) => {
    if (!file.write(text)) await once(file, 'drain');
  };
  const list = async (count: number, element: (n: number) => object) => {
    for (let n = 0; n < count; n += 1) await write(`${n === 0 ? '' : ','}${JSON.stringify(element(n))}`);
  };
  await write('{"info":{},"images":[');
  await list(names.length, (id) => ({ id, file_name: names[id], width: 640, height: 480 }));
  await write('],"annotations":[');
  await list(names.length * BOXES_AN_IMAGE, (id) => {
    const image_id = below(names.length);
    // An image of COCO has objects of three classes.
    const category_id = 1 + ((image_id * 7 + below(3)) % CLASSES);
    return {
      id,
      image_id,
      category_id,
      bbox: [below(40_000) / 100, below(30_000) / 100, 1 + below(20_000) / 100, 1 + below(15_000) / 100],
      area: 1000,
      iscrowd: 0,
    };
  });
  await write('],"categories":[');
  await list(CLASSES, (n) => ({ id: n + 1, name: `class-${n + 1}` }));
  await write(']}\n');
  file.end();
  await once(file, 'close');
}
