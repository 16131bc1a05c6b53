import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';
import { UserError } from '../errors.ts';
import type { AllowList } from './allow-list.ts';

/** The protocol, host and port that a URL connects to. */
export interface Target {
  protocol: 'http:' | 'https:';
  /** Lower case. An IPv6 address has no brackets. */
  host: string;
  port: number;
}

/** The target of a valid URL. Fills in the protocol's default port. */
export function targetOf(url: string): Target {
  const { protocol, hostname, port } = new URL(url);
  const isTls = protocol === 'https:';
  return {
    protocol: isTls ? 'https:' : 'http:',
    host: hostname.replace(/^\[|\]$/g, '').replace(/\.$/, ''),
    port: Number(port) || (isTls ? 443 : 80),
  };
}

/** Whether the operator allows this host by name, whatever it resolves to. */
function isHostAllowed(allow: AllowList, { host, port }: Target): boolean {
  return allow.hosts.some((allowed) => allowed.host === host && (allowed.port ?? port) === port);
}

/**
 * Refuses an address outside the public internet, and any address over plain http, unless the allow list permits it.
 *
 * @throws UserError WebhookTargetRefused
 */
export function checkAddress(allow: AllowList, target: Target, address: string): void {
  if (isHostAllowed(allow, target)) return;
  // Converts an IPv4-mapped IPv6 address to its IPv4 address.
  const ip = ipaddr.process(address);
  const isAllowed = allow.ranges.some(
    ({ range, port }) => (port ?? target.port) === target.port && range[0].kind() === ip.kind() && ip.match(range),
  );
  if (isAllowed) return;
  const range = rangeOf(ip);
  if (range !== 'unicast') {
    const words = `a ${WORDS[range] ?? 'special'} address`;
    throw refused(target, target.host === ip.toString() ? `is ${words}` : `leads to ${ip.toString()}, ${words}`);
  }
  if (target.protocol === 'http:') throw refused(target, 'is plain http, which anybody on the way can read: use https');
}

/** The range of public addresses. The rest of IPv6 wraps IPv4 addresses or is unassigned. */
const GLOBAL_UNICAST = ipaddr.IPv6.parseCIDR('2000::/3');
/** Azure's host services use this address. Its range alone would make it public. */
const AZURE_WIRE_SERVER = '168.63.129.16';

function rangeOf(ip: ipaddr.IPv4 | ipaddr.IPv6): string {
  if (ip instanceof ipaddr.IPv6) return ip.match(GLOBAL_UNICAST) || ip.range() !== 'unicast' ? ip.range() : 'reserved';
  return ip.toString() === AZURE_WIRE_SERVER ? 'cloud' : ip.range();
}

/**
 * Refuses a target that can be judged without DNS. Resolved addresses are checked at connection time.
 *
 * @throws UserError WebhookTargetRefused
 */
export function checkTarget(allow: AllowList, target: Target): void {
  if (isIP(target.host)) {
    checkAddress(allow, target, target.host);
    return;
  }
  if (isHostAllowed(allow, target)) return;
  if (target.host === 'localhost' || target.host.endsWith('.localhost')) {
    checkAddress(allow, target, '127.0.0.1');
    return;
  }
  const mayBeAllowed = allow.ranges.some(({ port }) => (port ?? target.port) === target.port);
  if (target.protocol === 'http:' && !mayBeAllowed) checkAddress(allow, target, PUBLIC_ADDRESS);
}

/** A placeholder for a name's public address. */
const PUBLIC_ADDRESS = '1.1.1.1';

const WORDS: Record<string, string> = {
  cloud: 'cloud-internal',
  private: 'private',
  uniqueLocal: 'private',
  loopback: 'loopback',
  linkLocal: 'link-local',
  multicast: 'multicast',
};

/**
 * The error for a target that is not allowed. `why` completes a sentence that begins with the address; `allow` is the
 * setting that would allow it.
 */
export class WebhookTargetRefused extends UserError {
  readonly address: string;
  readonly why: string;
  readonly allow: string;

  constructor({ protocol, host, port }: Target, why: string) {
    const shown = `${isIP(host) === 6 ? `[${host}]` : host}:${port}`;
    const allow = `PLIMSOLL_WEBHOOK_ALLOW=${shown}`;
    const address = `${protocol}//${shown}`;
    super('WebhookTargetRefused', `webhooks: ${address} ${why}. The operator of the worker can allow it: ${allow}`);
    this.address = address;
    this.why = why;
    this.allow = allow;
  }
}

const refused = (target: Target, why: string) => new WebhookTargetRefused(target, why);
