import { fileURLToPath } from 'node:url';

/**
 * Resolves the path of a module to start as a process. The path is relative to the caller and has no extension; the
 * result has the caller's: `.ts` when run from source, `.js` in `dist`.
 */
export function siblingModule(callerUrl: string, path: string): string {
  const ending = callerUrl.endsWith('.ts') ? '.ts' : '.js';
  return fileURLToPath(new URL(`${path}${ending}`, callerUrl));
}
