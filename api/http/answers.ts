import type { z } from 'zod';
import { PROBLEMS, type ProblemCode } from '../problem/codes.ts';
import { problem } from '../schemas/problem.ts';

/** A JSON answer for a route's `responses`. */
export const json = <T extends z.ZodType>(schema: T, description: string) => ({
  description,
  content: { 'application/json': { schema } },
});

/** A JSON body for a route's `request`. */
export const body = <T extends z.ZodType>(schema: T) => ({
  required: true,
  content: { 'application/json': { schema } },
});

/** Problems that every route may answer with. */
const EVERYWHERE: ProblemCode[] = ['HostRefused', 'InvalidParameter'];
/** A session is looked up in MongoDB. */
export const GUARDED: ProblemCode[] = ['TokenRequired', 'TokenInvalid', 'MongoDBUnavailable'];
export const STORED: ProblemCode[] = ['MongoDBUnavailable', 'Overloaded'];
/** The problems of a request that takes an `Idempotency-Key`. */
export const KEYED: ProblemCode[] = ['InvalidParameter', 'IdempotencyKeyReused', 'IdempotencyKeyInUse'];
export const WITH_BODY: ProblemCode[] = [
  'OriginRefused',
  'InvalidJson',
  'BodyIncomplete',
  'BodyTooLarge',
  'UnsupportedMediaType',
  'InvalidInput',
];

type Described = {
  description: string;
  content: { 'application/problem+json': { schema: typeof problem } };
  headers?: { 'Retry-After': { schema: { type: 'string' } } };
};

/** The problems that a route may answer with, by status, for its `responses`. */
export function problems(...codes: ProblemCode[]): Record<string, Described> {
  const content = { 'application/problem+json': { schema: problem } };
  const byStatus = Map.groupBy([...EVERYWHERE, ...codes], (code) => PROBLEMS[code].status);
  const known = [...byStatus].map(([status, ofStatus]): [string, Described] => [
    String(status),
    {
      description: [...new Set(ofStatus)].map((code) => `\`${code}\`: ${PROBLEMS[code].title}.`).join(' '),
      content,
      ...(status === 503 ? { headers: { 'Retry-After': { schema: { type: 'string' } } } } : {}),
    },
  ]);
  const fault = `\`InternalError\`: ${PROBLEMS.InternalError.title}. It is a fault of the server's, whatever was sent.`;
  return { ...Object.fromEntries(known), default: { description: fault, content } };
}
