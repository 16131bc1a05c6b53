import { OpenAPIHono } from '@hono/zod-openapi';
import { z } from 'zod';
import { inWords } from '../../contract/faults-in-words.ts';
import type { ApiEnv } from '../context.ts';
import { invalidRequest } from './errors.ts';

// What a schema has no words for is said as the workflows say it.
z.config({ customError: inWords });

/** A router of a feature: what does not fit a route's schemas is refused with a problem that names each field. */
export function newRouter(): OpenAPIHono<ApiEnv> {
  return new OpenAPIHono<ApiEnv>({
    defaultHook: (result) => {
      if (!result.success) throw invalidRequest(result.target as Parameters<typeof invalidRequest>[0], result.error);
    },
  });
}
