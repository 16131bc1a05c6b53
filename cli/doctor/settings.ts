import { withoutPassword } from '../../client/connect.ts';
import { cacheFolder } from '../../core/cache-folder.ts';
import { knownMedia } from '../../core/media/registry.ts';
import { batchSizeOn, devicesName, type InferenceSettings } from '../../inference/settings.ts';
import { placeOf } from '../config/use-config.ts';
import type { Located } from '../servers.ts';
import type { Setting } from './check.ts';

/** The settings, and where each value came from. */
export function settingsOf(
  { mongodb, temporal, uiUrl, apiUrl, dataDir }: Located,
  inference: InferenceSettings | undefined,
  { env, flags }: { env: NodeJS.ProcessEnv; flags: { dataDir?: string | undefined } },
): Setting[] {
  const fromEnv = (name: string) => (env[name] ? (placeOf(name) ?? 'environment') : 'default');
  const fromServer = (from: string | undefined, name: string) =>
    from === 'environment' ? (placeOf(name) ?? from) : (from ?? 'default');
  const temporalFrom = fromServer(temporal?.from, 'TEMPORAL_ADDRESS');
  return [
    {
      name: 'MongoDB',
      value: mongodb ? withoutPassword(mongodb.uri) : null,
      source: fromServer(mongodb?.from, 'MONGODB_URI'),
    },
    { name: 'Temporal', value: temporal?.address ?? null, source: temporalFrom },
    {
      name: 'Namespace',
      value: temporal?.namespace ?? null,
      source: fromServer(temporal?.from, 'TEMPORAL_NAMESPACE'),
    },
    {
      name: 'Temporal web',
      value: uiUrl ?? null,
      source: uiUrl === undefined ? 'default' : temporalFrom,
    },
    { name: 'Page', value: apiUrl ?? null, source: apiUrl === undefined ? 'default' : 'stack' },
    { name: 'Data folder', value: dataDir, source: flags.dataDir === undefined ? fromEnv('PLIMSOLL_DATA') : 'flag' },
    { name: 'Cache folder', value: cacheFolder(env), source: fromEnv('PLIMSOLL_CACHE') },
    { name: 'Search', value: env.PLIMSOLL_SEARCH || 'local', source: fromEnv('PLIMSOLL_SEARCH') },
    ...(inference === undefined
      ? []
      : [
          { name: 'Device', value: devicesName(inference.devices), source: fromEnv('PLIMSOLL_DEVICE') },
          {
            name: 'Model folders',
            value: inference.modelFolders.join(', ') || null,
            source: fromEnv('PLIMSOLL_MODELS'),
          },
          { name: 'Batch size', value: batchSizeIn(inference), source: fromEnv('PLIMSOLL_BATCH_SIZE') },
          { name: 'Threads', value: String(inference.threads), source: fromEnv('PLIMSOLL_THREADS') },
          { name: 'Decoders', value: String(inference.decoders), source: fromEnv('PLIMSOLL_DECODERS') },
          ...knownMedia(env)
            .all.flatMap(({ settings }) => settings)
            .map(({ name, variable, value }) => ({ name, value, source: fromEnv(variable) })),
        ]),
  ];
}

/** `auto` has not chosen a device yet. */
function batchSizeIn(inference: InferenceSettings): string {
  const { devices, batchSize } = inference;
  if (devices === 'auto' && batchSize === undefined) return '32, on a GPU 64';
  return String(batchSizeOn(devices === 'auto' ? [] : devices, inference));
}
