import { randomInt } from 'node:crypto';
import { connect, createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { LocalStackError } from './errors.ts';

/** All servers of the stack listen only here: other machines do not reach them. */
export const HOST = '127.0.0.1';

/** The purpose of a port, and advice for when it is taken. */
export interface PortPurpose {
  role: string;
  flag: string;
  instead: string;
}

/**
 * A server binds its port some time after it was chosen. Systems give connections ports from 32,768 on, so a free port
 * below is not taken by one meanwhile.
 */
const FREE_PORTS = { from: 20_000, to: 32_767 };
const TRIES = 50;

/** A port that another process has. */
export interface TakenPort extends PortPurpose {
  port: number;
  /** The next port that is free. */
  free: number;
}

/** @see LocalErrorCode PortTaken */
export class PortsTakenError extends LocalStackError {
  readonly taken: readonly TakenPort[];

  constructor(taken: readonly TakenPort[], options?: ErrorOptions) {
    super('PortTaken', messageOf(taken), options);
    this.taken = taken;
  }
}

function messageOf(taken: readonly TakenPort[]): string {
  const [first] = taken;
  if (first !== undefined && taken.length === 1)
    return (
      `Port ${first.port}, for ${first.role}, is taken by another process on ${HOST}. ` +
      `Choose another with ${first.flag} (${first.free} is free, 0 takes any), or ${first.instead}.`
    );
  const rows = taken.map(
    ({ port, role, flag, free, instead }) =>
      `  ${port}, for ${role}: choose another with ${flag} (${free} is free), or ${instead}`,
  );
  return `${taken.length} ports are taken by other processes on ${HOST}:\n${rows.join('\n')}`;
}

/**
 * Chooses a port: the wanted one if it is free, any free one for 0.
 * @throws PortsTakenError naming the port, its role and what to do
 */
export async function claimPort(wanted: number, purpose: PortPurpose): Promise<number> {
  try {
    return await (wanted === 0 ? freePort() : probe(wanted));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    throw new PortsTakenError([{ ...purpose, port: wanted, free: await nextFree(wanted) }], { cause: error });
  }
}

/** The ports that were chosen, by name. @throws PortsTakenError naming all that are taken, once all are known */
export async function claimAll<T extends Record<string, Promise<number> | undefined>>(
  claims: T,
): Promise<{ [Name in keyof T]: Awaited<T[Name]> }> {
  const names = Object.keys(claims);
  const outcomes = await Promise.allSettled(Object.values(claims));
  const failures = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason as unknown] : []));
  const taken = failures.flatMap((failure) => (failure instanceof PortsTakenError ? failure.taken : []));
  if (failures.length > 0) throw taken.length === failures.length ? new PortsTakenError(taken) : failures[0];
  const ports = outcomes.map((outcome, n) => [names[n], outcome.status === 'fulfilled' ? outcome.value : undefined]);
  return Object.fromEntries(ports);
}

async function nextFree(port: number): Promise<number> {
  for (let next = port + 1; next < port + TRIES && next < 65_536; next++) {
    const free = await probe(next).catch(() => undefined);
    if (free !== undefined) return free;
  }
  return freePort();
}

/** Any free port of an address of this machine. @throws Error of the system if the address is none of this machine */
export async function freePort(host = HOST): Promise<number> {
  for (let i = 0; i < TRIES; i++) {
    const port = await probe(randomInt(FREE_PORTS.from, FREE_PORTS.to + 1), host).catch(() => undefined);
    if (port !== undefined) return port;
  }
  return probe(0, host);
}

function probe(port: number, host = HOST): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen({ host, port, exclusive: true }, () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : port));
    });
  });
}

/** Resolves when the port accepts connections; rejects with the signal's reason. */
export async function awaitListening(port: number, signal: AbortSignal, host = HOST): Promise<void> {
  while (!(await accepts(port, host))) await delay(20, undefined, { signal });
}

function accepts(port: number, host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, host);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
