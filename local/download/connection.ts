import { type Dispatcher, EnvHttpProxyAgent, request } from 'undici';
import { systemErrorCode, UserError } from '../../core/errors.ts';
import { parseRetryAfterMs } from '../../core/webhooks/retry-delay.ts';
import { DownloadFault } from './retrying.ts';

/** An answer with content: its status is 200, 206 or 416. */
export interface Answer {
  status: number;
  header(name: string): string | undefined;
  /** Throws a DownloadFault if the answer breaks off. */
  chunks(): AsyncGenerator<Buffer>;
  /** Ends an answer whose content nobody reads. */
  discard(): void;
}

/** Sends GET requests to a server. */
export interface Connection {
  /**
   * Follows redirects. Credentials go to the server's own origin only.
   *
   * @throws DownloadFault if a later attempt may succeed
   * @throws the error of `ConnectionOptions.refusal`
   */
  get(url: string, options: GetOptions): Promise<Answer>;
  close(): Promise<void>;
}

export interface GetOptions {
  headers?: Readonly<Record<string, string>>;
  signal: AbortSignal | undefined;
}

export interface ConnectionOptions {
  /** Source of HTTPS_PROXY, HTTP_PROXY and NO_PROXY. */
  env: NodeJS.ProcessEnv;
  /** The value of the header Authorization, and the origin that may see it. */
  credentials: { origin: string; authorization: string } | undefined;
  /** Makes the error for an answer that no later attempt changes. */
  refusal(refused: RefusedRequest): Error;
}

export interface RefusedRequest {
  /** Says what the server did, with the address. */
  said: string;
  /** Undefined for a redirect that leads nowhere. */
  status: number | undefined;
  header(name: string): string | undefined;
}

const CONNECT_WITHIN_MS = 10_000;
const ANSWER_WITHIN_MS = 30_000;
const STALLED_AFTER_MS = 30_000;
const MOST_REDIRECTS = 5;

/** Opens connections through the proxies of the environment, if it names any. */
export function openConnection({ env, credentials, refusal }: ConnectionOptions): Connection {
  const dispatcher = dispatcherFor(env);

  async function send(url: URL, { headers = {}, signal }: GetOptions) {
    try {
      return await request(url, {
        dispatcher,
        headers: {
          'user-agent': 'plimsoll',
          // Ranges and sizes are those of the file itself.
          'accept-encoding': 'identity',
          ...headers,
          ...(url.origin === credentials?.origin ? { authorization: credentials.authorization } : {}),
        },
        ...(signal === undefined ? {} : { signal }),
      });
    } catch (error) {
      throw new DownloadFault(`${url.host} does not answer (${reasonOf(error)})`);
    }
  }

  return {
    async get(address, options) {
      let url = new URL(address);
      for (let redirects = 0; redirects <= MOST_REDIRECTS; redirects++) {
        const answer = answerOf(await send(url, options), url);
        const { status, header } = answer;
        if (status === 200 || status === 206 || status === 416) return answer;
        answer.discard();
        const said = `${shown(url)} answers ${status}`;
        if (status === 408 || status === 429 || status >= 500)
          throw new DownloadFault(said, parseRetryAfterMs(header('retry-after') ?? null));
        const location = [301, 302, 303, 307, 308].includes(status) ? header('location') : undefined;
        if (location === undefined) throw refusal({ said, status, header });
        const next = URL.parse(location, url.href);
        if (next === null || !/^https?:$/.test(next.protocol))
          throw refusal({ said: `${shown(url)} redirects to what is no address`, status: undefined, header });
        url = next;
      }
      throw refusal({ said: `${shown(url)} redirects again and again`, status: undefined, header: () => undefined });
    },
    close: () => dispatcher.destroy(),
  };
}

/** @throws UserError InvalidSetting */
function dispatcherFor(env: NodeJS.ProcessEnv): Dispatcher {
  try {
    // An empty text, unlike undefined, keeps undici from looking into the environment of this process.
    return new EnvHttpProxyAgent({
      httpProxy: env.http_proxy ?? env.HTTP_PROXY ?? '',
      httpsProxy: env.https_proxy ?? env.HTTPS_PROXY ?? '',
      noProxy: env.no_proxy ?? env.NO_PROXY ?? '',
      connect: { timeout: CONNECT_WITHIN_MS },
      headersTimeout: ANSWER_WITHIN_MS,
      bodyTimeout: STALLED_AFTER_MS,
      allowH2: false,
    });
  } catch (error) {
    throw new UserError('InvalidSetting', 'HTTPS_PROXY or HTTP_PROXY is not the address of a proxy.', { cause: error });
  }
}

function answerOf({ statusCode, headers, body }: Dispatcher.ResponseData, url: URL): Answer {
  return {
    status: statusCode,
    header: (name) => [headers[name]].flat()[0],
    async *chunks() {
      try {
        yield* body as AsyncIterable<Buffer>;
      } catch (error) {
        throw new DownloadFault(`${shown(url)} broke off (${reasonOf(error)})`);
      }
    },
    discard() {
      body.on('error', () => {});
      body.destroy();
    },
  };
}

/** An address without its query, where signatures are. */
export const shown = ({ origin, pathname }: URL): string => `${origin}${pathname}`;

/** The code of an error of the network, or its name. */
function reasonOf(error: unknown): string {
  const { cause } = error as { cause?: unknown };
  return systemErrorCode(error) ?? systemErrorCode(cause) ?? (error instanceof Error ? error.name : String(error));
}
