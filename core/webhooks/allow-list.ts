import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';
import { UserError } from '../errors.ts';

/** Hosts and addresses that may receive webhooks although they would be refused by default. */
export interface AllowList {
  /** Hosts in lower case. An entry without a port allows all ports. */
  hosts: { host: string; port?: number }[];
  /** Address ranges. An entry without a port allows all ports. */
  ranges: { range: [ipaddr.IPv4 | ipaddr.IPv6, number]; port?: number }[];
}

/** An empty allow list. */
export const nothingAllowed: AllowList = { hosts: [], ranges: [] };

/**
 * Parses a comma-separated list of `host`, `host:port`, `address`, `address:port`, `[address]:port` and CIDR ranges.
 *
 * @throws UserError InvalidSetting
 */
export function parseAllowList(text: string): AllowList {
  const list: AllowList = { hosts: [], ranges: [] };
  for (const entry of text.split(',').map((part) => part.trim())) {
    if (entry !== '') add(list, entry);
  }
  return list;
}

function add(list: AllowList, entry: string): void {
  if (ipaddr.isValidCIDR(entry)) {
    list.ranges.push({ range: ipaddr.parseCIDR(entry) });
    return;
  }
  const { host, port } = hostAndPort(entry);
  const at = port === undefined ? {} : { port };
  if (isIP(host)) {
    const address = ipaddr.process(host);
    list.ranges.push({ range: [address, address.kind() === 'ipv4' ? 32 : 128], ...at });
    return;
  }
  list.hosts.push({ host: host.toLowerCase().replace(/\.$/, ''), ...at });
}

function hostAndPort(entry: string): { host: string; port?: number } {
  if (isIP(entry)) return { host: entry };
  const match = /^(?:\[(?<v6>[0-9a-f:.]+)\]|(?<name>[a-z0-9_.-]+))(?::(?<port>\d{1,5}))?$/i.exec(entry);
  const host = match?.groups?.v6 ?? match?.groups?.name;
  const port = match?.groups?.port === undefined ? undefined : Number(match.groups.port);
  const isHost = host !== undefined && (match?.groups?.v6 === undefined || isIP(host) === 6);
  if (!isHost || port === 0 || (port !== undefined && port > 65_535)) {
    throw new UserError(
      'InvalidSetting',
      `PLIMSOLL_WEBHOOK_ALLOW: "${entry}" is not a host, host:port, address or range, ` +
        'as in hooks.internal:8080,10.1.0.0/16.',
    );
  }
  return port === undefined ? { host } : { host, port };
}
