import { existsSync } from 'node:fs';
import { packageFile } from './package-file.ts';

/**
 * The built page: `dist/web` of the package; in a checkout `web/dist`, built now where its sources are newer. Undefined where it can't
 * be built: then the API is there without a page, and `report` hears why.
 */
export async function webFolder(report: (line: string) => void): Promise<string | undefined> {
  if (!import.meta.url.endsWith('.ts')) {
    const built = packageFile('dist/web');
    return existsSync(built) ? built : undefined;
  }
  const script = new URL('../scripts/build-web.ts', import.meta.url).href;
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
