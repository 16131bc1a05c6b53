/**
 * Checks the types of the scripts in the page's components: `node scripts/check-svelte.ts`. Svelte's own checker needs TypeScript 6 or
 * older; until it does not, each component's script is laid out as a module (`Grid.svelte.ts`, which is also where TypeScript looks
 * for an import of `Grid.svelte`) and checked by `tsc`. Markup is not checked.
 */
import { spawnSync } from 'node:child_process';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

const root = join(import.meta.dirname, '..');
const sources = join(root, 'web/src');
const modules = join(root, 'web/.check');

const SCRIPT = /<script\b[^>]*>([\s\S]*?)<\/script>/g;
/** What others see of a component: its props and its exported functions are not told apart. */
const COMPONENT = `
declare const component: import('svelte').Component<any>;
type component = Record<string, any>;
export default component;
`;

await rm(modules, { recursive: true, force: true });
for (const name of await readdir(sources, { recursive: true })) {
  if (!name.endsWith('.svelte')) continue;
  const text = await readFile(join(sources, name), 'utf8');
  const scripts = [...text.matchAll(SCRIPT)].map(([, script]) => script);
  const module = join(modules, `${name}.ts`);
  await mkdir(dirname(module), { recursive: true });
  await writeFile(module, `${scripts.join('\n')}${COMPONENT}`);
}
const config = {
  extends: '../tsconfig.json',
  compilerOptions: { rootDirs: ['../src', '.'], noUnusedLocals: false, allowUnusedLabels: true },
  include: ['**/*.ts'],
  exclude: [],
};
await writeFile(join(modules, 'tsconfig.json'), JSON.stringify(config));
const tsc = join(root, 'node_modules/typescript/bin/tsc');
const { status } = spawnSync(process.execPath, [tsc, '-p', modules, '--pretty', 'false'], {
  stdio: 'inherit',
  cwd: root,
});
await rm(modules, { recursive: true, force: true });
process.exitCode = status ?? 1;
