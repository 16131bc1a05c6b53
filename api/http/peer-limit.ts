import type { Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import ipaddr from 'ipaddr.js';

/** Limits the connections of one peer, so that no peer takes them all. */
export interface PeerLimit {
  /** Whether the connection is one more than its peer may have. Its request is refused. */
  refuses(socket: Socket): boolean;
}

/** How long a connection that is refused may take to send its request, and to read why. */
const REFUSED_MS = 1000;
/** Further refused connections of a peer are closed at once. */
const MOST_REFUSED = 20;

/**
 * Applies the limit to a server. If a peer has `most` connections, one more takes the place of its oldest connection
 * that waits for a request or the rest of one. If each answers a request, the new one is refused.
 */
export function limitPeers(server: Server, most: number): PeerLimit {
  /** The connections of each peer, the oldest first. */
  const peers = new Map<string, Set<Socket>>();
  const answers = new WeakMap<Socket, ServerResponse>();
  const refused = new WeakSet<Socket>();

  /** Whether the server waits for the caller, and not the caller for the server. */
  function waits(socket: Socket): boolean {
    const answer = answers.get(socket);
    return !refused.has(socket) && (answer === undefined || answer.closed || !answer.req.complete);
  }

  server.on('request', ({ socket }, response) => answers.set(socket, response));
  server.on('connection', (socket: Socket) => {
    // The address of a connection that is closed already is not known.
    if (socket.remoteAddress === undefined) return void socket.destroy();
    const peer = peerOf(socket.remoteAddress);
    const open = peers.get(peer) ?? new Set();
    const forget = (gone: Socket) => {
      open.delete(gone);
      if (open.size === 0) peers.delete(peer);
    };
    if (open.size >= most) {
      const oldest = [...open].find(waits);
      if (oldest !== undefined) {
        forget(oldest);
        oldest.destroy();
      } else if (open.size < most + MOST_REFUSED) refuse(socket);
      else return void socket.destroy();
    }
    open.add(socket);
    peers.set(peer, open);
    socket.once('close', () => forget(socket));
  });

  function refuse(socket: Socket): void {
    refused.add(socket);
    const late = setTimeout(() => socket.destroy(), REFUSED_MS);
    socket.once('close', () => clearTimeout(late));
  }

  return { refuses: (socket) => refused.has(socket) };
}

/**
 * The peer that an address belongs to. This machine is one peer, whichever of its loopback addresses is used; so is a
 * network of IPv6, of which a single machine has all addresses.
 */
export function peerOf(address: string): string {
  if (!ipaddr.isValid(address)) return address;
  const known = ipaddr.process(address);
  if (known.range() === 'loopback') return 'loopback';
  return known instanceof ipaddr.IPv6 ? known.parts.slice(0, 4).join(':') : known.toString();
}
