import type { z } from 'zod';
import { parseInWords, sentenceOf } from '../contract/faults-in-words.ts';
import type { EmbedWindow } from '../contract/options.ts';
import { requireTimeZone } from '../core/embedding/embed-window.ts';
import { UserError } from '../core/errors.ts';
import { unknownZone } from './time-zone.ts';

/** Checks a request before any server is asked. @throws UserError InvalidInput naming each wrong field */
export function parseRequest<Input>(schema: z.ZodType<Input>, request: unknown): Input {
  const parsed = parseInWords(schema, request);
  if (!parsed.success) throw new UserError('InvalidInput', sentenceOf(parsed.faults));
  const { embed_window } = parsed.data as { embed_window?: EmbedWindow };
  if (embed_window !== undefined) requireKnownZone('embed_window.time_zone', embed_window.time_zone);
  return parsed.data;
}

/**
 * The zone's name in its official letter case. A worker would refuse an unknown zone too, but only after it has indexed
 * the folder.
 *
 * @throws UserError InvalidInput
 */
export function requireKnownZone(field: string, zone: string): string {
  try {
    return requireTimeZone(zone);
  } catch (cause) {
    throw new UserError('InvalidInput', `${field}: ${unknownZone(zone)}`, { cause, fields: [field] });
  }
}
