import { fileURLToPath } from 'node:url';

/** The root of the package: one folder further up from the built sources in `dist`. */
const ROOT = new URL(import.meta.url.endsWith('.ts') ? '../' : '../../', import.meta.url);

/** The path of a file or folder that comes with the package. */
export function packageFile(path: string): string {
  return fileURLToPath(new URL(path, ROOT));
}
