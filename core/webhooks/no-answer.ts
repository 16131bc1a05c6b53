import { systemErrorCode } from '../errors.ts';

/** Says why a receiver did not answer. Uses only the error's code or name, because messages can quote the URL. */
export function whyNoAnswer(error: unknown, timeoutMs: number): string {
  const code = systemErrorCode(error) ?? (error instanceof Error ? error.name : 'unknown error');
  if (TIMEOUTS.has(code)) return `no answer within ${timeoutMs / 1000} s`;
  const words = WORDS[code] ?? FAMILIES.find(([family]) => family.test(code))?.[1];
  return words === undefined ? code : `${words} (${code})`;
}

const TIMEOUTS = new Set(['TimeoutError', 'UND_ERR_CONNECT_TIMEOUT', 'ETIMEDOUT']);

const SELF_SIGNED = 'its certificate is signed by itself';
const UNKNOWN_AUTHORITY = 'its certificate is from an authority that the worker does not trust';
const UNREACHABLE = 'the network has no way to it';

/** By the code of Node's error, or its name if it has no code. */
const WORDS: Record<string, string> = {
  ENOTFOUND: 'DNS does not know its name',
  EAI_AGAIN: 'DNS does not answer for its name',
  ECONNREFUSED: 'it refuses the connection',
  ECONNRESET: 'it broke off the connection',
  UND_ERR_SOCKET: 'it closed the connection',
  EHOSTUNREACH: UNREACHABLE,
  ENETUNREACH: UNREACHABLE,
  CERT_HAS_EXPIRED: 'its certificate has expired',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name',
  DEPTH_ZERO_SELF_SIGNED_CERT: SELF_SIGNED,
  SELF_SIGNED_CERT_IN_CHAIN: UNKNOWN_AUTHORITY,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNKNOWN_AUTHORITY,
  UNABLE_TO_GET_ISSUER_CERT: UNKNOWN_AUTHORITY,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNKNOWN_AUTHORITY,
};

const FAMILIES: [family: RegExp, words: string][] = [
  [/^(?:ERR_SSL_|ERR_TLS_|EPROTO$)/, 'no TLS connection can be made'],
  [/^(?:HPE_|HTTPParserError$)/, 'its answer is not HTTP'],
];
