import { z } from 'zod';
import type { Annotation } from '../../../contract/annotation.ts';
import { InvalidValue } from '../reading/invalid-value.ts';

const point = z.tuple([z.number(), z.number()]);
const side = z.int().positive();

const schema = z.strictObject({
  label: z.string().optional(),
  bounding_box: z.tuple([z.number(), z.number(), z.number().positive(), z.number().positive()]).optional(),
  points: z.array(z.array(point).min(3)).min(1).optional(),
  oriented: z.literal(true).optional(),
  mask: z.strictObject({ size: z.tuple([side, side]), counts: z.string() }).optional(),
  keypoints: z
    .array(z.tuple([z.number(), z.number(), z.number()]))
    .min(1)
    .optional(),
  caption: z.string().optional(),
  confidence: z.number().min(0).max(1).optional(),
  iscrowd: z.literal(true).optional(),
  attributes: z
    .custom<Record<string, string | number | boolean>>(
      (value) =>
        typeof value === 'object' &&
        value !== null &&
        Object.values(value).every((one) => ['string', 'number', 'boolean'].includes(typeof one)),
    )
    .optional(),
});

/** An annotation in Plimsoll's own shape, as an export has it. @throws InvalidValue malformed */
export function plimsollAnnotation(value: unknown): Annotation {
  const { success, data, error } = schema.safeParse(value);
  if (success) return data as Annotation;
  const [issue] = error.issues;
  const at = issue?.path.join('.');
  throw new InvalidValue('malformed', `${at ? `${at}: ` : ''}${issue?.message ?? 'it is no annotation'}.`);
}
