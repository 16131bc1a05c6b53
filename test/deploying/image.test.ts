import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const read = (file: string) => readFile(join(import.meta.dirname, '../..', file), 'utf8');

it('the image’s build gets every folder that is compiled', async () => {
  const { include }: { include: string[] } = JSON.parse(await read('tsconfig.build.json'));
  const sent = (await read('.dockerignore')).split('\n');
  expect(include.filter((folder) => !sent.includes(`!${folder}`))).toEqual([]);
});
