import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** A way to a server that a test can cut, as a broken network does. */
export interface Relay {
  /** host:port */
  address: string;
  /** Ends all connections and refuses new ones. */
  cut(): Promise<void>;
  mend(): Promise<void>;
}

/** Opens a relay to `host:port`. */
export async function openRelay(target: string): Promise<Relay> {
  const [host, targetPort] = target.split(':');
  const sockets = new Set<Socket>();
  let server = await listen(0);
  const { port } = server.address() as AddressInfo;

  async function listen(onPort: number): Promise<Server> {
    const opened = createServer((near) => {
      const far = connect(Number(targetPort), host);
      for (const [socket, other] of [
        [near, far],
        [far, near],
      ] as const) {
        sockets.add(socket);
        socket.pipe(other);
        socket.on('error', () => other.destroy());
        socket.on('close', () => sockets.delete(socket));
      }
    });
    opened.listen(onPort, '127.0.0.1');
    await once(opened, 'listening');
    return opened;
  }

  return {
    address: `127.0.0.1:${port}`,
    async cut() {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
    async mend() {
      server = await listen(port);
    },
  };
}
