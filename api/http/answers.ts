import type { z } from 'zod';
import { PROBLEMS, type ProblemCode } from '../problem/codes.ts';
import { problem } from '../schemas/problem.ts';

/** For a route's `responses`: JSON of this schema. */
export const json = <T extends z.ZodType>(schema: T, description: string) => ({
  description,
  content: { 'application/json': { schema } },
});

/** For a route's `request`: a JSON body. */
export const body = <T extends z.ZodType>(schema: T) => ({
  required: true,
  content: { 'application/json': { schema } },
});

/** What every route may answer, whatever it does. */
const EVERYWHERE: ProblemCode[] = ['HostRefused', 'InternalError'];
export const GUARDED: ProblemCode[] = ['TokenRequired', 'TokenInvalid'];
export const STORED: ProblemCode[] = ['MongoDBUnavailable', 'Overloaded'];
export const WITH_BODY: ProblemCode[] = [
  'OriginRefused',
  'InvalidJson',
  'BodyTooLarge',
  'UnsupportedMediaType',
  'InvalidInput',
];

/** For a route's `responses`: the problems that it may answer, by their status. */
export function problems(...codes: ProblemCode[]) {
  const byStatus = Map.groupBy([...EVERYWHERE, ...codes], (code) => PROBLEMS[code][0]);
  return Object.fromEntries(
    [...byStatus].map(([status, ofStatus]) => [
      status,
      {
        description: [...new Set(ofStatus)].map((code) => `\`${code}\`: ${PROBLEMS[code][1]}.`).join(' '),
        content: { 'application/problem+json': { schema: problem } },
        ...(status === 503 ? { headers: { 'Retry-After': { schema: { type: 'string' as const } } } } : {}),
      },
    ]),
  );
}
