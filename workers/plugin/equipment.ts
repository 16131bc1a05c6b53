import type * as nexus from 'nexus-rpc';
import { createEmbedActivities } from '../../activities/embed-activities.ts';
import { createIndexRoleActivities } from '../../activities/index-role.ts';
import { keepJobsFor, retentionOf } from '../../core/jobs/retention.ts';
import { images } from '../../core/media/images/medium.ts';
import { checkRoots, sourceRootsFromEnvironment } from '../../core/sources/folder/source-roots.ts';
import { ensureIndexes, openStore, requireReplicaSet, storeOf } from '../../core/store/store.ts';
import { webhooksFromEnvironment } from '../../core/webhooks/config.ts';
import { createEmbedder } from '../../inference/embedder.ts';
import { createNexusService } from './nexus-service.ts';
import type { PlimsollPluginOptions, Role } from './options.ts';

/** What one worker works with. Making it opens nothing: connections and processes begin with the first use. */
export interface Equipment {
  roles: readonly Role[];
  activities: object;
  nexusServices: nexus.ServiceHandler[];
  /** Answers the activities that ask whether jobs may use search attributes: until then they wait. */
  useSearchAttributes(found: Promise<boolean>): void;
  /** Closes what was opened here, and nothing that was handed in. */
  close(): Promise<void>;
}

/**
 * Sees that MongoDB is a replica set, has the indexes, and keeps job records for as long as is asked for. A client opened for
 * it is closed again.
 *
 * @throws UserError ReplicaSetRequired, InvalidSetting; the driver's errors where MongoDB does not answer
 */
export async function prepareStore({ mongodb, roles, jobRetention }: PlimsollPluginOptions): Promise<void> {
  const retention = retentionOf(jobRetention ?? process.env.PLIMSOLL_JOB_RETENTION);
  const store = typeof mongodb === 'string' ? openStore(mongodb) : storeOf(mongodb);
  try {
    await requireReplicaSet(store);
    await ensureIndexes(store);
    if (roles.includes('indexing')) await keepJobsFor(store, retention);
  } finally {
    if (typeof mongodb === 'string') await store.close();
  }
}

/** @throws UserError InvalidSetting */
export function equip(options: PlimsollPluginOptions): Equipment {
  const { roles, mongodb } = options;
  const sourceRoots =
    options.sourceRoots === undefined ? sourceRootsFromEnvironment() : checkRoots(options.sourceRoots, 'sourceRoots');
  const store = typeof mongodb === 'string' ? openStore(mongodb) : storeOf(mongodb);
  const searchAttributes = Promise.withResolvers<boolean>();
  const embeds = roles.includes('embedding');
  const ownEmbedder = embeds && options.embedder === undefined ? createEmbedder(options.inference) : undefined;
  const embedder = options.embedder ?? ownEmbedder;
  return {
    roles,
    activities: Object.assign(
      {},
      roles.includes('indexing')
        ? createIndexRoleActivities({
            store,
            media: images,
            sourceRoots,
            embedTaskQueue: options.embedTaskQueue,
            searchAttributes: () => searchAttributes.promise,
            webhooks: options.webhooks ?? webhooksFromEnvironment(),
          })
        : {},
      embeds && embedder !== undefined ? createEmbedActivities({ store, embedder }) : {},
    ),
    nexusServices: roles.includes('indexing') ? [createNexusService(store)] : [],
    useSearchAttributes: searchAttributes.resolve,
    async close() {
      await ownEmbedder?.close();
      if (typeof mongodb === 'string') await store.close();
    },
  };
}
