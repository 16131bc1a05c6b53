import { withoutPassword } from '../../client/connect.ts';
import { cacheFolder } from '../../core/cache-folder.ts';
import { knownMedia } from '../../core/media/registry.ts';
import { deviceName, type InferenceSettings } from '../../inference/settings.ts';
import type { Located } from '../servers.ts';
import type { Setting } from './check.ts';

/** The settings, and where each value came from. */
export function settingsOf(
  { mongodb, temporal, uiUrl, apiUrl, dataDir }: Located,
  inference: InferenceSettings | undefined,
  { env, flags }: { env: NodeJS.ProcessEnv; flags: { dataDir?: string | undefined } },
): Setting[] {
  const fromEnv = (name: string) => (env[name] ? 'environment' : 'default');
  return [
    { name: 'MongoDB', value: mongodb ? withoutPassword(mongodb.uri) : null, source: mongodb?.from ?? 'default' },
    { name: 'Temporal', value: temporal?.address ?? null, source: temporal?.from ?? 'default' },
    { name: 'Namespace', value: temporal?.namespace ?? null, source: temporal?.from ?? 'default' },
    {
      name: 'Temporal web',
      value: uiUrl ?? null,
      source: uiUrl === undefined ? 'default' : (temporal?.from ?? 'default'),
    },
    { name: 'Page', value: apiUrl ?? null, source: apiUrl === undefined ? 'default' : 'stack' },
    { name: 'Data folder', value: dataDir, source: flags.dataDir === undefined ? 'default' : 'flag' },
    { name: 'Cache folder', value: cacheFolder(env), source: fromEnv('PLIMSOLL_CACHE') },
    { name: 'Search', value: env.PLIMSOLL_SEARCH || 'local', source: fromEnv('PLIMSOLL_SEARCH') },
    ...(inference === undefined
      ? []
      : [
          { name: 'Device', value: deviceName(inference.device), source: fromEnv('PLIMSOLL_DEVICE') },
          {
            name: 'Model folders',
            value: inference.modelFolders.join(', ') || null,
            source: fromEnv('PLIMSOLL_MODELS'),
          },
          { name: 'Batch size', value: String(inference.batchSize), source: fromEnv('PLIMSOLL_BATCH_SIZE') },
          { name: 'Threads', value: String(inference.threads), source: fromEnv('PLIMSOLL_THREADS') },
          ...knownMedia(env)
            .all.flatMap(({ settings }) => settings)
            .map(({ name, variable, value }) => ({ name, value, source: fromEnv(variable) })),
        ]),
  ];
}
