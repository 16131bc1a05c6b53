import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** True in a checkout, where Node runs the sources; false in the built package. */
const isCheckout = import.meta.url.endsWith('.ts');

/** The root of the package. Built files are one folder deeper, in `dist`. */
const ROOT = new URL(isCheckout ? '../' : '../../', import.meta.url);

/** The path of a file or folder that comes with the package. */
export function packageFile(path: string): string {
  return fileURLToPath(new URL(path, ROOT));
}

/**
 * The folder of the built page: `dist/web` in the package, `web/dist` in a checkout. A checkout builds it if its
 * sources have changed. If it can't be built, this returns undefined and reports the reason; the API then runs without
 * a page.
 */
export async function webFolder(report: (line: string) => void): Promise<string | undefined> {
  if (!isCheckout) {
    const built = packageFile('dist/web');
    return existsSync(built) ? built : undefined;
  }
  const script = new URL('scripts/build-web.ts', ROOT).href;
  try {
    const { buildWeb } = (await import(script)) as { buildWeb(): Promise<string> };
    return await buildWeb();
  } catch (error) {
    report(
      `the page could not be built: ${error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error)}`,
    );
    return undefined;
  }
}
