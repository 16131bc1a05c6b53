import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

/** A way to a MongoDB server on which every connection is counted. */
export interface SocketCounter {
  uri: string;
  /** Connections that were made, and those that are open. */
  made: () => number;
  open: () => number;
  close(): Promise<void>;
}

export async function countSockets(mongodbUri: string): Promise<SocketCounter> {
  const target = new URL(mongodbUri);
  const sockets = new Set<Socket>();
  let made = 0;
  const server = createServer((socket) => {
    made++;
    sockets.add(socket);
    const beyond = connect(Number(target.port), target.hostname);
    const end = () => {
      socket.destroy();
      beyond.destroy();
    };
    socket.pipe(beyond).pipe(socket);
    socket.on('error', end).on('close', () => sockets.delete(socket) && end());
    beyond.on('error', end).on('close', end);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const uri = new URL(mongodbUri);
  uri.host = `127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
  // The replica set's own list of members would lead around the counter.
  uri.search = '?directConnection=true';
  return {
    uri: uri.href,
    made: () => made,
    open: () => sockets.size,
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
