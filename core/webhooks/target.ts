import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';
import { UserError } from '../errors.ts';
import type { AllowList } from './allow-list.ts';

/** What a URL asks to be connected to. */
export interface Target {
  protocol: 'http:' | 'https:';
  /** Lower case; an IPv6 address without its brackets. */
  host: string;
  port: number;
}

export function targetOf(url: string): Target {
  const { protocol, hostname, port } = new URL(url);
  const isTls = protocol === 'https:';
  return {
    protocol: isTls ? 'https:' : 'http:',
    host: hostname.replace(/^\[|\]$/g, '').replace(/\.$/, ''),
    port: Number(port) || (isTls ? 443 : 80),
  };
}

/** Whether the operator has allowed this host by its name, whatever it resolves to. */
function isHostAllowed(allow: AllowList, { host, port }: Target): boolean {
  return allow.hosts.some((allowed) => allowed.host === host && (allowed.port ?? port) === port);
}

/**
 * Refuses an address that is not on the public internet, and one that plain http would reach, unless it is allowed.
 *
 * @throws UserError WebhookTargetRefused
 */
export function checkAddress(allow: AllowList, target: Target, address: string): void {
  if (isHostAllowed(allow, target)) return;
  // An IPv4 address in an IPv6 one's clothes is judged by what it is.
  const ip = ipaddr.process(address);
  const isAllowed = allow.ranges.some(
    ({ range, port }) => (port ?? target.port) === target.port && range[0].kind() === ip.kind() && ip.match(range),
  );
  if (isAllowed) return;
  const range = ip.range();
  if (range !== 'unicast') {
    const words = `a ${WORDS[range] ?? 'special'} address`;
    throw refused(target, target.host === ip.toString() ? `is ${words}` : `leads to ${ip.toString()}, ${words}`);
  }
  if (target.protocol === 'http:') throw refused(target, 'is plain http, which anybody on the way can read: use https');
}

/**
 * Refuses at once what no name server has to be asked about. What a name resolves to is checked when it is connected to.
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

/** Stands for whatever public address a name has. */
const PUBLIC_ADDRESS = '1.1.1.1';

const WORDS: Record<string, string> = {
  private: 'private',
  uniqueLocal: 'private',
  loopback: 'loopback',
  linkLocal: 'link-local',
  multicast: 'multicast',
};

/** A target that is not allowed: `why` in words that follow its address, `allow` what would allow it. */
export class WebhookTargetRefused extends UserError {
  readonly address: string;
  readonly why: string;
  readonly allow: string;

  constructor({ protocol, host, port }: Target, why: string) {
    const shown = `${isIP(host) === 6 ? `[${host}]` : host}:${port}`;
    const allow = `PLIMSOLL_WEBHOOK_ALLOW=${shown}`;
    const address = `${protocol}//${shown}`;
    super('WebhookTargetRefused', `webhooks: ${address} ${why}. Whoever runs the worker can allow it: ${allow}`);
    this.address = address;
    this.why = why;
    this.allow = allow;
  }
}

const refused = (target: Target, why: string) => new WebhookTargetRefused(target, why);
