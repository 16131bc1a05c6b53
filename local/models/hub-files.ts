import { z } from 'zod';
import { UserError } from '../../core/errors.ts';
import { shown } from '../download/connection.ts';
import type { HubConnection } from './hub-connection.ts';

/** A file in a repository, as the hub states it. */
export interface HubFile {
  /** Relative to the repository, with slashes. */
  path: string;
  /** Bytes. */
  size: number;
  /** Large files have the SHA-256 of their content, others the object ID that git gives them. */
  hash: { sha256: string } | { git_sha1: string };
}

const MOST_BYTES = 16 * 1024 * 1024;
const MOST_PAGES = 50;

const revisionAnswer = z.object({ sha: z.string().regex(/^[0-9a-f]{40}$/) });

const size = z.int().nonnegative();
const treeAnswer = z.array(
  z.union([
    z.object({
      type: z.literal('file'),
      path: z.string(),
      size,
      oid: z.string().regex(/^[0-9a-f]{40}$/),
      lfs: z.object({ oid: z.string().regex(/^[0-9a-f]{64}$/), size }).optional(),
    }),
    z.object({ type: z.string().refine((type) => type !== 'file') }),
  ]),
);

/**
 * Resolves a branch, a tag or a commit of a repository to the ID of a commit.
 *
 * @throws DownloadFault, UserError
 */
export async function resolveRevision(
  hub: HubConnection,
  repository: string,
  revision: string,
  signal: AbortSignal | undefined,
): Promise<string> {
  const url = `${hub.endpoint}/api/models/${repository}/revision/${encodeURIComponent(revision)}`;
  const { answer } = await getJson(hub, url, revisionAnswer, signal);
  return answer.sha;
}

/**
 * Lists all files of a repository at a commit.
 *
 * @throws DownloadFault, UserError
 */
export async function listHubFiles(
  hub: HubConnection,
  repository: string,
  sha: string,
  signal: AbortSignal | undefined,
): Promise<HubFile[]> {
  const files: HubFile[] = [];
  let url: string | undefined = `${hub.endpoint}/api/models/${repository}/tree/${sha}?recursive=true`;
  for (let pages = 0; url !== undefined; pages++) {
    if (pages === MOST_PAGES) throw invalid(url, `has more than ${MOST_PAGES} pages`);
    const { answer, link }: { answer: z.infer<typeof treeAnswer>; link: string | undefined } = await getJson(
      hub,
      url,
      treeAnswer,
      signal,
    );
    for (const entry of answer) {
      if (!('path' in entry)) continue;
      if (!isSafe(entry.path)) throw invalid(url, `names the file ${JSON.stringify(entry.path)}`);
      const { path, lfs, oid } = entry;
      files.push(
        lfs === undefined
          ? { path, size: entry.size, hash: { git_sha1: oid } }
          : { path, size: lfs.size, hash: { sha256: lfs.oid } },
      );
    }
    url = nextOf(link, url);
  }
  return files;
}

/** The address of a file's content at a commit. */
export const contentUrl = ({ endpoint }: HubConnection, repository: string, sha: string, path: string): string =>
  `${endpoint}/${repository}/resolve/${sha}/${path.split('/').map(encodeURIComponent).join('/')}`;

/** Whether a path stays below the folder that it is relative to, on any system. */
const isSafe = (path: string): boolean =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it looks for
  !/[\\:\u0000-\u001f]/.test(path) && path.split('/').every((part) => !['', '.', '..'].includes(part));

/** The address of the next page in a Link header. */
function nextOf(link: string | undefined, url: string): string | undefined {
  const next = /<([^>]*)>\s*;\s*rel="?next"?/.exec(link ?? '')?.[1];
  return next === undefined ? undefined : URL.parse(next, url)?.href;
}

async function getJson<T>(
  hub: HubConnection,
  url: string,
  schema: z.ZodType<T>,
  signal: AbortSignal | undefined,
): Promise<{ answer: T; link: string | undefined }> {
  const { header, chunks } = await hub.get(url, { signal });
  const received: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of chunks()) {
    bytes += chunk.length;
    if (bytes > MOST_BYTES) throw invalid(url, `is larger than ${MOST_BYTES} bytes`);
    received.push(chunk);
  }
  const parsed = schema.safeParse(parseJson(Buffer.concat(received).toString()));
  if (!parsed.success) throw invalid(url, "is not in the form of a hub's");
  return { answer: parsed.data, link: header('link') };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const invalid = (url: string, what: string) =>
  new UserError('HubAnswerInvalid', `The answer of ${shown(new URL(url))} ${what}. Check HF_ENDPOINT.`);
