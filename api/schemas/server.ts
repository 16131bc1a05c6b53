import { z } from 'zod';
import { DTYPES } from '../../contract/model-name.ts';

export const scope = z.enum(['read', 'operate']);

export const health = z.object({ status: z.literal('alive') }).meta({ id: 'Health' });

const part = z.object({ ready: z.boolean(), detail: z.string() });

export const readiness = z
  .object({
    ready: z.boolean(),
    mongodb: part,
    temporal: part,
    changes: part.describe('The stream of changes that the events come from.'),
  })
  .meta({ id: 'Readiness' });

export const config = z
  .object({
    version: z.string(),
    scope: scope.nullable().describe('What the caller may do; null without a valid token.'),
    token_required: z.boolean(),
    temporal_ui_url: z.string().nullable(),
    temporal_namespace: z.string().nullable(),
    ready: z.boolean(),
    limits: z.object({
      samples_per_page: z.int(),
      jobs_per_page: z.int(),
      body_bytes: z.int(),
      picture_bytes: z.int(),
      open_streams: z.int(),
      samples_tagged_at_once: z.int(),
    }),
    thumbnail_sizes: z.array(z.int()),
  })
  .meta({ id: 'Config' });

export const sessionBody = z.strictObject({ token: z.string().min(1).max(500) }).meta({ id: 'SessionRequest' });
export const session = z.object({ scope }).meta({ id: 'Session' });

export const sources = z
  .object({
    restricted: z.boolean().describe('Whether loads may name only sources below these roots.'),
    roots: z
      .array(z.object({ path: z.string(), name: z.string() }))
      .describe('The source roots; without any, the folder in which the server was started and its home folder.'),
  })
  .meta({ id: 'Sources' });

export const foldersQuery = z.strictObject({
  path: z
    .string()
    .max(4096)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: every language must read the pattern
    .regex(/^\/[^\u0000]*$/, 'must be an absolute path without a zero byte')
    .meta({ description: 'Absolute path of a folder: a root or below one.' }),
});

export const folders = z
  .object({
    path: z.string(),
    parent: z.string().nullable().describe('Null at a root.'),
    folders: z.array(z.object({ path: z.string(), name: z.string() })).describe('By name; at most 1,000.'),
    truncated: z.boolean(),
    files: z.int().min(0).describe('Files here that a load would take, as far as their names tell.'),
    media: z
      .record(z.string(), z.int().min(1))
      .describe('Files of each medium here, as far as their names tell: of `image`, of `text`.'),
  })
  .meta({ id: 'Folders' });

export const models = z
  .object({
    models: z
      .array(
        z.object({
          name: z.string(),
          built_in: z.boolean(),
          media: z.array(z.string()).describe('The media of datasets that it can embed.'),
          dtypes: z
            .array(z.enum(DTYPES))
            .describe(
              'The variants that are here. A load names one behind the name: my-clip:fp16. fp32 is the plain one.',
            ),
        }),
      )
      .describe('Names that loads may give.'),
    default: z.string(),
  })
  .meta({ id: 'Models' });

export type Config = z.infer<typeof config>;
export type Readiness = z.infer<typeof readiness>;
export type Sources = z.infer<typeof sources>;
export type Folders = z.infer<typeof folders>;
export type Models = z.infer<typeof models>;
export type Session = z.infer<typeof session>;
export type Scope = z.infer<typeof scope>;
