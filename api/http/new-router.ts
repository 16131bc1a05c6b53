import { OpenAPIHono } from '@hono/zod-openapi';
import { z } from 'zod';
import { inWords } from '../../contract/faults-in-words.ts';
import type { ApiEnv } from '../context.ts';
import { invalidRequest } from './errors.ts';

// Schemas without a message of their own use the same words as the workflows.
z.config({ customError: inWords });

/** Creates a feature's router. Input that does not fit a route's schemas gets a problem that names each field. */
export function newRouter(): OpenAPIHono<ApiEnv> {
  return new OpenAPIHono<ApiEnv>({
    defaultHook: (result) => {
      if (!result.success) throw invalidRequest(result.target as Parameters<typeof invalidRequest>[0], result.error);
    },
  });
}
