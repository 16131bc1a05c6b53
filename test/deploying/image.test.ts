import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const read = (file: string) => readFile(join(import.meta.dirname, '../..', file), 'utf8');

it('the image’s build gets every folder that is compiled', async () => {
  const { include }: { include: string[] } = JSON.parse(await read('tsconfig.build.json'));
  const sent = (await read('.dockerignore')).split('\n');
  expect(include.filter((folder) => !sent.includes(`!${folder}`))).toEqual([]);
});

it('the image’s build gets every script that it runs, and the image what the build made of them', async () => {
  const { scripts }: { scripts: { build: string } } = JSON.parse(await read('package.json'));
  const run = [...scripts.build.matchAll(/scripts\/[\w-]+\.ts/g)].map(([name]) => name);
  expect(run).toContain('scripts/third-party-notices.ts');
  const sent = (await read('.dockerignore')).split('\n');
  expect([...run, 'scripts/licenses'].filter((name) => !sent.includes(`!${name}`))).toEqual([]);
  expect(scripts.build).toMatch(/ dist\/THIRD-PARTY-NOTICES\.txt$/);
  expect(await read('Dockerfile')).toMatch(/^FROM node AS runtime$[\s\S]*^COPY --from=build \/app\/dist \.\/dist$/m);
});
