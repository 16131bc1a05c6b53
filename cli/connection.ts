import { type ConnectedClient, connectPlimsoll, connectStore } from '../client/connect.ts';
import type { Store } from '../core/store/store.ts';
import { type FindServersOptions, findMongodb, findServers, type ServerSettings } from './servers.ts';

/** Runs a command's work with a connected client, and closes the client afterwards. */
export async function withClient<T>(
  options: FindServersOptions,
  work: (client: ConnectedClient, servers: ServerSettings) => Promise<T>,
): Promise<T> {
  const servers = await findServers(options);
  const client = await connectPlimsoll({ mongodbUri: servers.mongodbUri, env: servers.env });
  try {
    return await work(client, servers);
  } finally {
    await client.close();
  }
}

/** The same for commands that need only the store. */
export async function withStore<T>(options: FindServersOptions, work: (store: Store) => Promise<T>): Promise<T> {
  const store = await connectStore(await findMongodb(options));
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}
