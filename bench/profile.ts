/**
 * Shows where the time of CPU profiles went: `npm run bench -- --only index-100k --profile DIR`, then
 *
 *     node bench/profile.ts DIR [--lines N]
 *
 * Prints self time by package and by function, one table per profile. Each thread of a process writes its own profile.
 */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

/** The used parts of V8's .cpuprofile files. */
interface CpuProfile {
  nodes: { id: number; callFrame: { functionName: string; url: string; lineNumber: number } }[];
  samples: number[];
  /** Microseconds since the previous sample. */
  timeDeltas: number[];
}

const IDLE = new Set(['(idle)', '(program)', '(root)']);
const ROOT = new URL('..', import.meta.url).href;

/** Seconds of self time, summed by `nameOf` of each frame, the longest first. */
function selfTime(profile: CpuProfile, nameOf: (frame: CpuProfile['nodes'][number]['callFrame']) => string) {
  const names = new Map(profile.nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]));
  const seconds = new Map<string, number>();
  for (const [n, id] of profile.samples.entries()) {
    const name = names.get(id) ?? '(unknown)';
    seconds.set(name, (seconds.get(name) ?? 0) + (profile.timeDeltas[n] ?? 0) / 1e6);
  }
  return [...seconds].sort(([, a], [, b]) => b - a);
}

function packageOf({ url, functionName }: { url: string; functionName: string }): string {
  if (url === '') return functionName.startsWith('(') ? functionName : '(native)';
  const module = url.split('/node_modules/').at(-1);
  if (module !== url && module) return module.split('/', module.startsWith('@') ? 2 : 1).join('/');
  if (url.startsWith('node:')) return url.split('/')[0] ?? url;
  return url.startsWith(ROOT) ? url.slice(ROOT.length) : url;
}

function placeOf({ url, functionName, lineNumber }: { url: string; functionName: string; lineNumber: number }): string {
  const file = url.split('/').slice(-2).join('/');
  return `${functionName || '(anonymous)'}${file ? ` ${file}:${lineNumber + 1}` : ''}`;
}

function print(rows: readonly (readonly [string, number])[], lines: number): void {
  for (const [name, seconds] of rows.slice(0, lines)) console.log(`  ${seconds.toFixed(3).padStart(8)} s  ${name}`);
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { lines: { type: 'string', default: '15' } },
});
const [dir] = positionals;
if (dir === undefined) {
  console.error('usage: node bench/profile.ts DIR [--lines N]');
  process.exit(2);
}
const lines = Number(values.lines);
for (const name of (await readdir(dir)).filter((file) => file.endsWith('.cpuprofile')).sort()) {
  const profile = JSON.parse(await readFile(join(dir, name), 'utf8')) as CpuProfile;
  const packages = selfTime(profile, packageOf);
  const busy = packages.filter(([part]) => !IDLE.has(part)).reduce((sum, [, seconds]) => sum + seconds, 0);
  console.log(`${name}: ${busy.toFixed(2)} s of JavaScript`);
  print(packages, lines);
  console.log('  by function:');
  print(selfTime(profile, placeOf), lines);
}
