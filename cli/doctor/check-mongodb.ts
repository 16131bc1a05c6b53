import { connectStore, withoutPassword } from '../../client/connect.ts';
import { replicaSetStatus, type Store, serverVersion } from '../../core/store/store.ts';
import { mongodBinary } from '../../local/provision/mongod.ts';
import { type Check, ok, problem } from './check.ts';

const NO_REPLICATION = 76;
const PRIMARY = 1;

/** Whether MongoDB answers, its version, and whether it is a replica set: transactions and change streams need one. */
export async function checkMongodb(uri: string): Promise<Check[]> {
  let store: Store;
  try {
    store = await connectStore(uri);
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    if (code === 'InvalidSetting')
      return [problem('MongoDB', message, 'Write it as mongodb://host:port/?replicaSet=name.')];
    return [
      problem(
        'MongoDB',
        `no answer at ${withoutPassword(uri)}`,
        'Start the local stack with "plimsoll up", or set MONGODB_URI to the replica set to use.',
      ),
    ];
  }
  try {
    return [await versionOf(store, uri), await replicaSetOf(store)];
  } finally {
    await store.close();
  }
}

async function versionOf(store: Store, uri: string): Promise<Check> {
  const version = await serverVersion(store);
  const found = `${version} at ${withoutPassword(uri)}, database ${store.database}`;
  if (mongodBinary.accepts(version)) return ok('MongoDB', found);
  return problem('MongoDB', found, `Plimsoll needs MongoDB ${mongodBinary.wanted}.`);
}

async function replicaSetOf(store: Store): Promise<Check> {
  const name = 'Replica set';
  try {
    const { set, members } = await replicaSetStatus(store);
    const states = members.map((member) => `${member.name} ${member.stateStr.toLowerCase()}`);
    const found = `${set}: ${states.join(', ')}`;
    if (members.some(({ state }) => state === PRIMARY)) return ok(name, found);
    return problem(name, found, 'It has no primary: writes wait until it has one. See the logs of its members.');
  } catch (error) {
    const { code, message } = error as { code?: number; message: string };
    if (code !== NO_REPLICATION)
      return {
        name,
        state: 'warning',
        found: `can't be asked: ${message}`,
        advice: 'Nothing, if loads work: the user may lack the right to see it.',
      };
    return problem(
      name,
      'mongod runs on its own, not as a replica set',
      'Start it with --replSet and run rs.initiate() once; one member is enough.',
    );
  }
}
