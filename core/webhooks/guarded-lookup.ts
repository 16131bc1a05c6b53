import { type LookupAddress, lookup } from 'node:dns';
import type { LookupFunction } from 'node:net';
import type { AllowList } from './allow-list.ts';
import { checkAddress, type Target } from './target.ts';

/** All addresses of a host. */
export type Resolve = (host: string) => Promise<LookupAddress[]>;

/** By the system's resolver, `/etc/hosts` included. */
export const systemResolve: Resolve = (host) =>
  new Promise((resolve, reject) => {
    lookup(host, { all: true, verbatim: true }, (error, addresses) => (error ? reject(error) : resolve(addresses)));
  });

/**
 * Creates the socket's DNS lookup, which refuses addresses that are not allowed. The checked addresses are those that
 * the socket connects to, so a name that changes between check and use gains nothing. One refused address refuses the
 * host.
 */
export function guardedLookup(allow: AllowList, target: Target, resolve: Resolve): LookupFunction {
  return function lookupChecked(host, options, callback) {
    void resolveChecked(host).then(
      (addresses) => {
        if (options.all) return callback(null, addresses);
        const [first] = addresses;
        return callback(null, first?.address ?? '', first?.family);
      },
      (error: NodeJS.ErrnoException) => callback(error, []),
    );
  };

  async function resolveChecked(host: string): Promise<LookupAddress[]> {
    const addresses = await resolve(host);
    for (const { address } of addresses) checkAddress(allow, target, address);
    return addresses;
  }
}
