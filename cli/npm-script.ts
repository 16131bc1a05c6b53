import { packageFile } from './package-file.ts';

/** The scripts of package.json that are this command. */
const SCRIPTS = new Set(['start', 'plimsoll']);

const PARENT_CHECK_MS = 1000;

/**
 * As a script of npm the command runs in the package's folder; what the user names lies where npm was called. And npm that
 * is killed leaves its scripts running: ours then ends as on Ctrl-C.
 */
export function behaveAsCalled(env: NodeJS.ProcessEnv = process.env): void {
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

/** What makes `plimsoll` a command in a shell of somebody who has a checkout only; undefined where it is one. */
export async function neededAlias(env: NodeJS.ProcessEnv = process.env): Promise<string | undefined> {
  if (!isScript(env)) return undefined;
  const { findOnPath } = await import('../local/provision/inspect.ts');
  if ((await findOnPath('plimsoll', env)) !== undefined) return undefined;
  const checkout = packageFile('.').replace(/\/$/, '');
  return `alias plimsoll='npm --prefix ${/[^\w./-]/.test(checkout) ? `"${checkout}"` : checkout} run --silent plimsoll --'`;
}
