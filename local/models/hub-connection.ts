import { type Dispatcher, EnvHttpProxyAgent, request } from 'undici';
import { systemErrorCode, UserError } from '../../core/errors.ts';
import { parseRetryAfterMs } from '../../core/webhooks/retry-delay.ts';
import type { HubSettings } from './hub-settings.ts';
import { HubFault } from './retrying.ts';

/** An answer with content: its status is 200, 206 or 416. */
export interface HubAnswer {
  status: number;
  header(name: string): string | undefined;
  /** Throws a HubFault if the answer breaks off. */
  chunks(): AsyncGenerator<Buffer>;
  /** Ends an answer whose content nobody reads. */
  discard(): void;
}

/** Sends GET requests to the hub. */
export interface HubConnection {
  endpoint: string;
  /**
   * Follows redirects. The token goes to the origin of the endpoint only.
   *
   * @throws HubFault if a later attempt may succeed
   * @throws UserError UnknownModel, HubRefused or HubAnswerInvalid
   */
  get(url: string, options: { range?: string; signal: AbortSignal | undefined }): Promise<HubAnswer>;
  close(): Promise<void>;
}

const CONNECT_WITHIN_MS = 10_000;
const ANSWER_WITHIN_MS = 30_000;
const STALLED_AFTER_MS = 30_000;
const MOST_REDIRECTS = 5;

/** Opens connections through the proxies of HTTPS_PROXY, HTTP_PROXY and NO_PROXY in `env`, if there are any. */
export function openHub({ endpoint, token }: HubSettings, env: NodeJS.ProcessEnv): HubConnection {
  const { origin } = new URL(endpoint);
  const dispatcher = dispatcherFor(env);

  async function send(url: URL, range: string | undefined, signal: AbortSignal | undefined) {
    try {
      return await request(url, {
        dispatcher,
        headers: {
          'user-agent': 'plimsoll',
          // Ranges and sizes are those of the file itself.
          'accept-encoding': 'identity',
          ...(range === undefined ? {} : { range }),
          ...(token !== undefined && url.origin === origin ? { authorization: `Bearer ${token}` } : {}),
        },
        ...(signal === undefined ? {} : { signal }),
      });
    } catch (error) {
      throw new HubFault(`${url.host} does not answer (${reasonOf(error)})`);
    }
  }

  return {
    endpoint,
    async get(address, { range, signal }) {
      let url = new URL(address);
      for (let redirects = 0; redirects <= MOST_REDIRECTS; redirects++) {
        const answer = answerOf(await send(url, range, signal), url);
        const { status, header } = answer;
        if (status === 200 || status === 206 || status === 416) return answer;
        answer.discard();
        const location = [301, 302, 303, 307, 308].includes(status) ? header('location') : undefined;
        if (location === undefined) throw refusal(status, header, url, token !== undefined);
        const next = URL.parse(location, url.href);
        if (next === null || !/^https?:$/.test(next.protocol))
          throw new UserError('HubAnswerInvalid', `${shown(url)} redirects to what is no address.`);
        url = next;
      }
      throw new UserError('HubAnswerInvalid', `${shown(url)} redirects again and again.`);
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

function answerOf({ statusCode, headers, body }: Dispatcher.ResponseData, url: URL): HubAnswer {
  return {
    status: statusCode,
    header: (name) => [headers[name]].flat()[0],
    async *chunks() {
      try {
        yield* body as AsyncIterable<Buffer>;
      } catch (error) {
        throw new HubFault(`${shown(url)} broke off (${reasonOf(error)})`);
      }
    },
    discard() {
      body.on('error', () => {});
      body.destroy();
    },
  };
}

/** The error for an answer that is neither a success nor a redirect. */
function refusal(status: number, header: (name: string) => string | undefined, url: URL, hasToken: boolean): Error {
  const said = `${shown(url)} answers ${status}`;
  if (status === 408 || status === 429 || status >= 500)
    return new HubFault(said, parseRetryAfterMs(header('retry-after') ?? null));
  const advice = hasToken
    ? 'HF_TOKEN does not suffice if the repository is private, or if the model asks for consent: give it on its page.'
    : 'Set HF_TOKEN if the repository is private, or if the model asks for consent.';
  // The hub answers so too for a private repository, to a caller who may not know that it exists.
  const hidden = header('x-error-code');
  if (status === 404 || hidden === 'RepoNotFound')
    return new UserError(
      'UnknownModel',
      `${said}: the hub has no such repository, revision or file. Check the name. ${advice}`,
    );
  if (status === 401 || status === 403)
    return new UserError('HubRefused', `${said}: the hub refuses this. Check the name. ${advice}`);
  return new UserError('HubAnswerInvalid', `${said}, which no hub does. Check HF_ENDPOINT.`);
}

/** An address without its query, where signatures are. */
export const shown = ({ origin, pathname }: URL): string => `${origin}${pathname}`;

/** The code of an error of the network, or its name. */
function reasonOf(error: unknown): string {
  const { cause } = error as { cause?: unknown };
  return systemErrorCode(error) ?? systemErrorCode(cause) ?? (error instanceof Error ? error.name : String(error));
}
