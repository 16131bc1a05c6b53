import { packageFile } from './package-files.ts';

/** The scripts of package.json that run this command. */
const SCRIPTS = new Set(['start', 'plimsoll']);

const PARENT_CHECK_MS = 1000;

/**
 * Makes a script of npm behave like a command. npm runs it in the package's folder, but paths count from where npm was
 * called. If npm is killed, its scripts go on; this one then ends as on Ctrl-C.
 */
export function adaptToNpm(env: NodeJS.ProcessEnv = process.env): void {
  if (!isScript(env)) return;
  if (env.INIT_CWD) process.chdir(env.INIT_CWD);
  const parent = process.ppid;
  const check = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(check);
    process.kill(process.pid, 'SIGTERM');
  }, PARENT_CHECK_MS);
  check.unref();
}

const isScript = (env: NodeJS.ProcessEnv) =>
  env.npm_package_name === 'plimsoll' && SCRIPTS.has(env.npm_lifecycle_event ?? '');

/** The alias that makes `plimsoll` a command for a user of a checkout; undefined if it is a command already. */
export async function neededAlias(env: NodeJS.ProcessEnv = process.env): Promise<string | undefined> {
  if (!isScript(env)) return undefined;
  const { findOnPath } = await import('../local/provision/inspect.ts');
  if ((await findOnPath('plimsoll', env)) !== undefined) return undefined;
  const checkout = packageFile('.').replace(/\/$/, '');
  return `alias plimsoll='npm --prefix ${/[^\w./-]/.test(checkout) ? `"${checkout}"` : checkout} run --silent plimsoll --'`;
}
