import { z } from 'zod';
import { UserError } from '../../core/errors.ts';
import { type Connection, openConnection, type RefusedRequest, shown } from '../download/connection.ts';
import { type Retries, retrying } from '../download/retrying.ts';
import { parseJson, textOf } from './answer-text.ts';
import { findNugetPackage } from './nuget.ts';
import { PackageMissingError, type PackageSource, type SourcedPackage } from './package-source.ts';
import { parseWheelName } from './wheels.ts';

/** A package index, as pip knows it. */
export interface IndexSettings {
  /** Without credentials, and without a slash at its end. */
  url: string;
  /** The value of the header Authorization. */
  authorization: string | undefined;
}

const PUBLIC_INDEX = 'https://pypi.org/simple';

/** The index's form of JSON (PEP 691). Sizes are newer (PEP 700). */
const projectAnswer = z.object({
  files: z.array(
    z.object({
      filename: z.string(),
      url: z.string(),
      hashes: z.record(z.string(), z.string()),
      size: z.int().nonnegative().optional(),
      yanked: z.union([z.boolean(), z.string()]).optional(),
    }),
  ),
});

type ListedFile = z.infer<typeof projectAnswer>['files'][number];

/**
 * Reads PIP_INDEX_URL, with the user and the password that it may contain.
 *
 * @throws UserError InvalidSetting
 */
export function indexSettingsFrom(env: NodeJS.ProcessEnv): IndexSettings {
  const url = URL.parse((env.PIP_INDEX_URL || PUBLIC_INDEX).trim());
  // The message must not show a password.
  if (url === null || !/^https?:$/.test(url.protocol) || url.search !== '' || url.hash !== '')
    throw new UserError(
      'InvalidSetting',
      `PIP_INDEX_URL is not the address of a package index, such as ${PUBLIC_INDEX}`,
    );
  const [user, password] = [url.username, url.password].map(decodeURIComponent) as [string, string];
  const authorization =
    user === '' && password === '' ? undefined : `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
  return { url: shown(url).replace(/\/+$/, ''), authorization };
}

/** Opens connections to the index and to where its files are. */
export function openIndexConnection({ url, authorization }: IndexSettings, env: NodeJS.ProcessEnv): Connection {
  const credentials = authorization === undefined ? undefined : { origin: new URL(url).origin, authorization };
  return openConnection({ env, credentials, refusal });
}

function refusal({ said, status }: RefusedRequest): Error {
  if (status === 404) return new PackageMissingError(said);
  const advice =
    status === 401 || status === 403
      ? 'PIP_INDEX_URL may contain a user and a password: https://USER:PASSWORD@HOST/simple'
      : 'Check PIP_INDEX_URL.';
  return new UserError('PackageUnavailable', `${said}. ${advice}`);
}

/** The packages of an index. */
export function indexSource(
  { url }: IndexSettings,
  connection: Connection,
  env: NodeJS.ProcessEnv,
  retries: Retries,
): PackageSource {
  const { signal } = retries;
  return {
    async wheels(name) {
      const address = `${url}/${name}/`;
      const files = await retrying(() => listFiles(connection, address, signal), retries);
      const wheels = files.map((file) => ({ file, wheel: parseWheelName(file.filename) }));
      return wheels.flatMap(({ file, wheel }) => {
        if (wheel === undefined || isYanked(file)) return [];
        const sha256 = file.hashes.sha256?.toLowerCase();
        const target = URL.parse(file.url, address);
        // A wheel without a hash can't be checked.
        if (sha256 === undefined || target === null || !/^https?:$/.test(target.protocol)) return [];
        return [{ ...wheel, url: target.href, stated: { size: file.size ?? UNKNOWN_SIZE, hash: { sha256 } } }];
      });
    },
    nuget: (name, version) => findNugetPackage(connection, env, { name, version }, retries),
    close: () => connection.close(),
  };
}

const UNKNOWN_SIZE = -1;

/** Asks for the size of a file that the index does not state. */
export async function withSize(
  connection: Connection,
  found: SourcedPackage,
  retries: Retries,
): Promise<SourcedPackage> {
  if ('path' in found || found.stated.size !== UNKNOWN_SIZE) return found;
  const size = await retrying(async () => {
    const { header, discard } = await connection.get(found.url, { signal: retries.signal });
    discard();
    return Number(header('content-length'));
  }, retries);
  if (!Number.isSafeInteger(size))
    throw new UserError('PackageInvalid', `The index states no size of ${found.file}, and neither does its server.`);
  return { ...found, stated: { ...found.stated, size } };
}

const isYanked = ({ yanked }: ListedFile): boolean => typeof yanked === 'string' || yanked === true;

async function listFiles(
  connection: Connection,
  address: string,
  signal: AbortSignal | undefined,
): Promise<ListedFile[]> {
  const accept = 'application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1';
  const answer = await connection.get(address, { headers: { accept }, signal });
  const text = await textOf(answer, address);
  if (!answer.header('content-type')?.includes('json')) return filesOfPage(text);
  const parsed = projectAnswer.safeParse(parseJson(text));
  if (parsed.success) return parsed.data.files;
  throw new UserError('PackageInvalid', `The answer of ${address} is not in the form of a package index.`);
}

/** Reads the older form of an index's answer: a page with a link for each file (PEP 503). */
function filesOfPage(html: string): ListedFile[] {
  return [...html.matchAll(/<a\b([^>]*)>([^<]*)<\/a>/gi)].flatMap(([, attributes = '', filename = '']) => {
    const href = /\bhref\s*=\s*(?:"([^"]*)"|'([^']*)')/i
      .exec(attributes)
      ?.slice(1)
      .find(Boolean)
      ?.replaceAll('&amp;', '&');
    if (href === undefined) return [];
    const [url = '', fragment = ''] = href.split('#', 2);
    const [, kind, hash] = /(?:^|&)(sha256)=([0-9a-fA-F]{64})/.exec(fragment) ?? [];
    const hashes: Record<string, string> = kind === undefined ? {} : { [kind]: hash as string };
    return [{ filename: filename.trim(), url, hashes, yanked: /\bdata-yanked\b/i.test(attributes) }];
  });
}
