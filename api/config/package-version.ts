import { readFileSync } from 'node:fs';

/** The root of the package. Built sources lie one folder deeper, in `dist`. */
const PACKAGE = new URL(
  import.meta.url.endsWith('.ts') ? '../../package.json' : '../../../package.json',
  import.meta.url,
);

let version: string | undefined;

export function packageVersion(): string {
  version ??= (JSON.parse(readFileSync(PACKAGE, 'utf8')) as { version: string }).version;
  return version;
}
