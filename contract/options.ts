/** Options that several inputs share: when the second phase runs, ahead of whom, and who is told. */
import { z } from 'zod';
import { INDEX_KINDS } from './job.ts';

// The sandbox has no `new Function`, which zod would otherwise try.
z.config({ jitless: true });

export const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;

const clockTime = z
  .string()
  .regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'must be a time of day from 00:00 to 23:59, as in 22:00');

/** The form of an IANA name or an offset. */
export const zoneName = z
  .string()
  .min(1)
  .max(100)
  .regex(/^[A-Za-z0-9+_/:-]+$/, 'must be the name of a time zone, as in Europe/Zurich');

/**
 * Whether the time zone exists is the worker's to say: its rules change, and a workflow must replay by those it began
 * with.
 */
export const embedWindow = z
  .strictObject({
    start: clockTime.describe('Time of day at which the window opens.'),
    end: clockTime.describe(
      'Time of day at which it closes; on the next day where it is before `start`. It must differ from `start`.',
    ),
    days: z.array(z.enum(DAYS)).min(1).max(7).optional().describe('Days on which it opens; every day if left out.'),
    time_zone: zoneName.default('UTC').describe('IANA time zone, as in Europe/Zurich.'),
  })
  .refine(({ start, end }) => start !== end, {
    path: ['end'],
    message: 'must differ from start: a window of zero length never opens. Leave the window out to embed at any time',
  });

export const WEBHOOK_EVENTS = ['dataset.browsable', 'dataset.ready', 'job.failed', 'job.canceled'] as const;

export const webhook = z.strictObject({
  url: z
    .url({ protocol: /^https?$/, error: 'must be an http or https URL' })
    .max(2048)
    .refine(
      (url) => !/^[^:]*:[\s/\\]*[^/\\?#]*@/.test(url),
      'must hold no user name or password: histories are readable',
    )
    .describe('Where to post to. It is kept in the history, so it must hold no secret.'),
  secret: z
    .string()
    .regex(/^[a-z0-9][a-z0-9_-]{0,62}$/, 'must be the name of a secret: a-z, 0-9, "_" or "-"')
    .default('default')
    .describe("Name of the signing secret in the worker's configuration."),
  events: z.array(z.enum(WEBHOOK_EVENTS)).min(1).optional().describe('Only these events; all if left out.'),
});

const pattern = z
  .string()
  .max(1000)
  .regex(/[^/]/, 'must name something')
  // A NUL is in no file name, and MongoDB takes none in a request.
  .refine((glob) => !glob.includes('\0'), 'must hold no NUL')
  .refine((glob) => !glob.startsWith('!'), 'must not begin with "!": name what is left out in exclude');

/** The files of a source that a load takes. core/sources/selection.ts says how patterns match. */
export const selectionOptions = {
  include: z
    .array(pattern)
    .max(100)
    .default([])
    .describe(
      'Takes only files that one of these glob patterns covers. A pattern without a slash matches names at any depth, one with a slash paths below the source; one that matches a folder covers everything in it.',
    ),
  exclude: z
    .array(pattern)
    .max(100)
    .default([])
    .describe('Leaves out files and folders that one of these patterns matches. It wins over include.'),
  hidden: z.boolean().default(false).describe('Whether to take files and folders whose names begin with a dot.'),
  reread: z
    .boolean()
    .default(false)
    .describe('Reads every file again, even if its size and times are unchanged. Equal content is not embedded again.'),
};

export const mediumOption = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,30}$/, 'must be the name of a medium: image or text')
  .optional()
  .describe(
    "What the files are: image or text. Left out, the dataset's own; of a new dataset, what the folder holds: documents alone are text.",
  );

/** The most that a chunk may hold: more than any model of text reads. */
export const MOST_CHUNK = 100_000;

export const CHUNK_UNITS = ['tokens', 'characters'] as const;
export type ChunkUnit = (typeof CHUNK_UNITS)[number];

/** How documents are cut. Defaults depend on the unit, so the medium knows them. */
export const chunks = z
  .strictObject({
    size: z
      .int()
      .min(16)
      .max(MOST_CHUNK)
      .optional()
      .describe('The most that a chunk holds: 240 tokens or 800 characters if left out.'),
    overlap: z
      .int()
      .min(0)
      .max(MOST_CHUNK)
      .optional()
      .describe('How much two neighbouring chunks share at most: 32 tokens or 100 characters if left out.'),
    unit: z
      .enum(CHUNK_UNITS)
      .optional()
      .describe("What sizes count: tokens of the load's model, or characters (UTF-16 code units). Tokens if left out."),
  })
  .refine(({ size, overlap }) => size === undefined || overlap === undefined || overlap <= size / 2, {
    path: ['overlap'],
    message: 'must be half of size at most',
  })
  .optional()
  .describe('How documents are cut into chunks; it means nothing for images. The first load of a dataset decides.');

export type ChunkOptions = NonNullable<z.output<typeof chunks>>;

export const queueOptions = {
  priority: z
    .int()
    .min(1)
    .max(5)
    .optional()
    .describe('1 goes first, 5 last, 3 if left out: where work waits for the same workers.'),
  fairness_key: z
    .string()
    .min(1)
    .max(64)
    .optional()
    .describe('Work of one priority is shared out between keys: a tenant, or the dataset if left out.'),
  fairness_weight: z
    .number()
    .min(0.001)
    .max(1000)
    .optional()
    .describe('How large a share the key gets, beside others of weight 1.'),
};

/** A year with a digit too many would wait, and what Temporal counts in nanoseconds ends in 2262. */
const TOO_LATE = Date.UTC(2200);

export const embeddingOptions = {
  embed_task_queue: z
    .string()
    .min(1)
    .max(1000)
    .optional()
    .describe(
      "Task queue of the workers that run inference; the indexing worker's own choice, plimsoll-gpu, if left out.",
    ),
  embed_at: z.iso
    .datetime({ offset: true, error: 'must be a time with a date and an offset, as in 2026-01-31T22:00:00Z' })
    .refine(
      (at) => !(Date.parse(at) >= TOO_LATE),
      'must be before the year 2200: a load that waits longer is a mistake',
    )
    .optional()
    .describe('Embeds nothing before this time, which is before the year 2200.'),
  index: z
    .enum(['auto', 'none', ...INDEX_KINDS])
    .optional()
    .describe(
      'The index of vectors that follows the embedding: auto, the default, builds one for 10,000 vectors and more, a graph of int8 above 250,000; none builds none.',
    ),
  embed_window: embedWindow.optional().describe('Embeds only inside this window, each day that it opens.'),
  switch: z
    .boolean()
    .default(false)
    .describe(
      'Whether searches of the dataset use this model once it has embedded the dataset to the end. Until then, and without this, the model that serves them goes on.',
    ),
};

export const webhooks = z
  .array(webhook)
  .max(10)
  .default([])
  .describe('Receivers of the events of this job, in the Standard Webhooks format.');

export type EmbedWindow = z.output<typeof embedWindow>;
export type Webhook = z.output<typeof webhook>;
export type WebhookEvent = (typeof WEBHOOK_EVENTS)[number];
