import { fileURLToPath } from 'node:url';

/**
 * The path of a module to start as a process, relative to the caller and without its ending: `.ts` when run from source,
 * `.js` in `dist`, as the caller's own.
 */
export function siblingModule(callerUrl: string, path: string): string {
  const ending = callerUrl.endsWith('.ts') ? '.ts' : '.js';
  return fileURLToPath(new URL(`${path}${ending}`, callerUrl));
}
