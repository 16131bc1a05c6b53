import type * as nexus from 'nexus-rpc';
import { createIndexingRoleActivities } from '../../activities/indexing-role.ts';
import { createInferenceActivities } from '../../activities/inference.ts';
import { createSearchActivities } from '../../activities/search.ts';
import { cacheFolder } from '../../core/cache-folder.ts';
import { keepJobsFor, retentionOf } from '../../core/jobs/retention.ts';
import { createMedia, type Media } from '../../core/media/medium.ts';
import { knownMedia } from '../../core/media/registry.ts';
import { createComparer } from '../../core/search/duplicates/comparer.ts';
import { folderSource } from '../../core/sources/folder/folder-source.ts';
import { checkRoots, sourceRootsFromEnvironment } from '../../core/sources/folder/source-roots.ts';
import { createSources } from '../../core/sources/source.ts';
import { openStore, storeOf } from '../../core/store/open.ts';
import { prepareDatabase } from '../../core/store/prepare.ts';
import { requireReplicaSet } from '../../core/store/store.ts';
import { webhooksFromEnvironment } from '../../core/webhooks/config.ts';
import { createEmbedder } from '../../inference/embedder.ts';
import { openSearcher } from '../../search/open-searcher.ts';
import { createProcessBuilder } from '../../search/process-builder.ts';
import { createProcessMachine } from '../../search/process-machine.ts';
import { createNexusService } from './nexus-service.ts';
import type { PlimsollPluginOptions, Role } from './options.ts';

/** The activities, services and connections of one worker. Connections and processes start with the first use. */
export interface Equipment {
  roles: readonly Role[];
  /** How many devices run the models. */
  deviceCount: number;
  activities: object;
  nexusServices: nexus.ServiceHandler[];
  /** Sets whether jobs may use search attributes. Activities that begin a job wait for it. */
  useSearchAttributes(found: Promise<boolean>): void;
  /** Closes what was opened here and leaves open what was passed in. */
  close(): Promise<void>;
}

/**
 * Checks that MongoDB is a replica set with a schema that this version can read, creates the indexes, and sets how long
 * job records are kept. Closes a client that it opened.
 *
 * @throws UserError ReplicaSetRequired, SchemaTooOld, SchemaTooNew, InvalidSetting; the driver's errors if MongoDB does
 *   not answer
 */
export async function prepareStore({ mongodb, roles, jobRetention }: PlimsollPluginOptions): Promise<void> {
  const retention = retentionOf(jobRetention ?? process.env.PLIMSOLL_JOB_RETENTION);
  const store = typeof mongodb === 'string' ? openStore(mongodb) : storeOf(mongodb);
  try {
    await requireReplicaSet(store);
    await prepareDatabase(store);
    if (roles.includes('indexing')) await keepJobsFor(store, retention);
  } finally {
    if (typeof mongodb === 'string') await store.close();
  }
}

/** Vectors of a search for duplicates are kept in memory as long as this between two of its chunks. */
const COMPARER_IDLE_MS = 60_000;

/** Creates a worker's equipment from the plugin's options. @throws UserError InvalidSetting */
export function equip(options: PlimsollPluginOptions): Equipment {
  const { roles, mongodb } = options;
  const roots =
    options.sourceRoots === undefined ? sourceRootsFromEnvironment() : checkRoots(options.sourceRoots, 'sourceRoots');
  const sources = createSources([...(options.sources ?? []), folderSource({ roots })]);
  const media = mediaOf(options);
  const store = typeof mongodb === 'string' ? openStore(mongodb) : storeOf(mongodb);
  const searchAttributes = Promise.withResolvers<boolean>();
  const embeds = roles.includes('embedding');
  const ownEmbedder = embeds && options.embedder === undefined ? createEmbedder(options.inference) : undefined;
  const embedder = options.embedder ?? ownEmbedder;
  // Its process starts with the first search for duplicates.
  const comparer = createComparer(store, createProcessMachine({ idleMs: COMPARER_IDLE_MS }));
  const searcher = embeds && embedder !== undefined ? openSearcher({ store, media, embedder }) : undefined;
  return {
    roles,
    deviceCount: ownEmbedder?.deviceCount ?? 1,
    activities: Object.assign(
      {},
      roles.includes('indexing')
        ? createIndexingRoleActivities({
            store,
            media,
            sources,
            embedTaskQueue: options.embedTaskQueue,
            searchAttributes: () => searchAttributes.promise,
            webhooks: options.webhooks ?? webhooksFromEnvironment(),
            indexFrom: options.indexFrom,
            comparer,
          })
        : {},
      embeds && embedder !== undefined
        ? createInferenceActivities({
            store,
            embedder,
            media,
            sources,
            newBuilder: createProcessBuilder,
            cache: cacheFolder(process.env),
          })
        : {},
      searcher === undefined ? {} : createSearchActivities(searcher),
    ),
    nexusServices: roles.includes('indexing') ? [createNexusService(store)] : [],
    useSearchAttributes: searchAttributes.resolve,
    async close() {
      await searcher?.close();
      await ownEmbedder?.close();
      await comparer.close();
      if (typeof mongodb === 'string') await store.close();
    },
  };
}

function mediaOf({ media }: PlimsollPluginOptions): Media {
  const [first, ...others] = media ?? [];
  return first === undefined ? knownMedia() : createMedia([first, ...others]);
}
