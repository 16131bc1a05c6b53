/** The tables of plimsoll.toml: which keys each has, and what a key may hold. */
import { delimiter } from 'node:path';
import { z } from 'zod';
import { embedDatasetInput, loadDatasetInput } from '../../contract/inputs.ts';
import { DTYPES, parseModelName } from '../../contract/model-name.ts';
import { chunks as chunkOptions } from '../../contract/options.ts';
import { searchInput } from '../../contract/search.ts';
import { parseDuration } from '../../core/duration.ts';
import { DEVICES_ALLOWED, parseDevices } from '../../inference/settings.ts';

/** A key of the file. */
export interface Key {
  schema: z.ZodType;
  /** The environment variable that the key stands for. */
  variable?: string;
  /** The value names files: relative paths count from the file's folder. A model may also be a plain name. */
  names?: 'path' | 'model';
  /** All that holds if neither the file nor the environment says anything; absent if nothing does. */
  otherwise?: unknown;
}

export interface Table {
  keys: Readonly<Record<string, Key>>;
  /** Checks keys that depend on each other. */
  together?: z.ZodType;
}

export type Tables = Readonly<Record<string, Table>>;

type Shape = Readonly<Record<string, z.ZodType>>;

/**
 * The dataset, its annotations and the files that a job writes are named on the command line: a second job would write over those of the
 * first. A time that was fit for one job is past for the next.
 */
const OF_ONE_JOB = ['dataset', 'source', 'annotations', 'artifact', 'artifact_index', 'embed_at'];

/** The tables, made of the inputs of the workflows: an option that an input gains is a key of the file. */
export function tablesOf(load: Shape, embed: Shape): Tables {
  const optionsOf = (shape: Shape) => Object.entries(shape).filter(([name]) => !OF_ONE_JOB.includes(name));
  return {
    load: withDtype(keysOf(optionsOf(load).filter(([name]) => name !== 'chunks'))),
    chunks: { keys: keysOf(Object.entries(chunkOptions.unwrap().shape)), together: chunkOptions },
    embed: withDtype(keysOf(optionsOf(embed))),
    search: withDtype({
      ...keysOf([
        ['limit', searchInput.shape.limit],
        ['model', searchInput.shape.model],
        ['mode', searchInput.shape.mode],
      ]),
      backend: { schema: z.enum(['local', 'mongodb']), variable: 'PLIMSOLL_SEARCH', otherwise: 'local' },
      enable_background_indexing: { schema: z.boolean(), otherwise: true },
      enable_index_building: { schema: z.boolean(), otherwise: true },
    }),
    servers: { keys: SERVERS },
    workers: { keys: WORKERS },
    api: { keys: API },
  };
}

/** A table whose model may have a variant. It is that of this table's model, so that none gets that of another. */
const withDtype = (keys: Table['keys']): Table => ({
  keys: { ...keys, dtype: { schema: z.enum(DTYPES) } },
  together: z
    .looseObject({ model: z.unknown().optional(), dtype: z.unknown().optional() })
    .superRefine(({ model, dtype }, context) => {
      if (dtype === undefined) return;
      const problem = (message: string) => context.addIssue({ code: 'custom', path: ['dtype'], message });
      if (typeof model !== 'string') return problem('is a variant of a model: name the model in the same table');
      const named = parseModelName(model).dtype;
      if (named !== undefined && named !== dtype) problem(`must be ${named}, which model names, or be left out`);
    }),
});

/** Fields with patterns. On the command line, ./thumbs counts from the current folder. A file has none. */
const GLOBS = ['include', 'exclude'];

const fromSource = (schema: z.ZodType): z.ZodType =>
  schema.refine(
    (globs) => !(globs as string[]).some((glob) => /^\.{1,2}\//.test(glob)),
    'must hold patterns that count from the folder that is loaded, such as thumbs or 2019/**, without ./',
  );

function keysOf(shape: readonly (readonly [string, z.ZodType])[]): Table['keys'] {
  return Object.fromEntries(
    shape.map(([name, ofContract]): [string, Key] => {
      const schema = GLOBS.includes(name) ? fromSource(ofContract) : ofContract;
      const { data: otherwise } = schema.safeParse(undefined);
      return [
        name,
        {
          schema,
          ...(name === 'model' ? { names: 'model' } : {}),
          ...(otherwise === undefined ? {} : { otherwise }),
        },
      ];
    }),
  );
}

const text = z.string().min(1);
const count = z.int().min(1);
const list = z.array(text);
/** The variable separates them as PATH does. No path at all would not mean "none" there but "any". */
const paths = {
  schema: z
    .array(text.refine((name) => !name.includes(delimiter), `must hold no "${delimiter}"`))
    .min(1, 'must have an entry; leave the key out otherwise'),
  names: 'path',
} as const;
const path = { schema: text, names: 'path' } as const;

/** One name, several in a string with commas between them, or a list. `auto` stands alone. */
function isDevices(value: unknown): boolean {
  const names = Array.isArray(value) ? value : [value];
  return names.every((name) => typeof name === 'string') && parseDevices(names.join(',')) !== undefined;
}

const SERVERS: Table['keys'] = {
  data: { ...path, variable: 'PLIMSOLL_DATA' },
  mongodb_uri: {
    schema: z.string().regex(/^mongodb(\+srv)?:\/\//, 'must begin with mongodb:// or mongodb+srv://'),
    variable: 'MONGODB_URI',
  },
  temporal_address: { schema: text, variable: 'TEMPORAL_ADDRESS' },
  temporal_namespace: { schema: text, variable: 'TEMPORAL_NAMESPACE' },
  temporal_profile: { schema: text, variable: 'TEMPORAL_PROFILE' },
  temporal_ui_url: { schema: z.url('must be a URL'), variable: 'TEMPORAL_UI_URL' },
};

const WORKERS: Table['keys'] = {
  device: {
    schema: z.custom(isDevices, `must be ${DEVICES_ALLOWED}`),
    variable: 'PLIMSOLL_DEVICE',
    otherwise: 'cpu',
  },
  models: { ...paths, variable: 'PLIMSOLL_MODELS' },
  batch_size: { schema: count, variable: 'PLIMSOLL_BATCH_SIZE' },
  threads: { schema: count, variable: 'PLIMSOLL_THREADS' },
  decoders: { schema: count, variable: 'PLIMSOLL_DECODERS' },
  max_pixels: { schema: count, variable: 'PLIMSOLL_MAX_PIXELS', otherwise: 268_402_689 },
  source_roots: { ...paths, variable: 'PLIMSOLL_SOURCE_ROOTS' },
  job_retention: {
    schema: z.string().refine((age) => parseDuration(age) !== undefined, 'must be a time span, such as 90d or 12h'),
    variable: 'PLIMSOLL_JOB_RETENTION',
  },
  webhook_secrets: { ...path, variable: 'PLIMSOLL_WEBHOOK_SECRETS' },
  webhook_allow: { schema: list, variable: 'PLIMSOLL_WEBHOOK_ALLOW' },
  log_level: {
    schema: z.enum(['debug', 'info', 'warn', 'error']),
    variable: 'PLIMSOLL_LOG_LEVEL',
    otherwise: 'warn',
  },
  cache: { ...path, variable: 'PLIMSOLL_CACHE' },
};

const API: Table['keys'] = {
  tokens_file: { ...path, variable: 'PLIMSOLL_API_TOKENS_FILE' },
  hosts: { schema: list, variable: 'PLIMSOLL_API_HOSTS' },
  origins: { schema: list, variable: 'PLIMSOLL_API_ORIGINS' },
  streams: { schema: count, variable: 'PLIMSOLL_API_STREAMS', otherwise: 1024 },
  thumbnails: { ...path, variable: 'PLIMSOLL_THUMBNAILS' },
  thumbnails_mb: { schema: count, variable: 'PLIMSOLL_THUMBNAILS_MB', otherwise: 1024 },
};

export const TABLES = tablesOf(loadDatasetInput.shape, embedDatasetInput.shape);
