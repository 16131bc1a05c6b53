import { z } from 'zod';
import { PROBLEMS, type ProblemCode } from '../problem/codes.ts';

/** RFC 9457, with a `code` for programs. Every error of the API has this shape. */
export const problem = z
  .object({
    type: z.string().describe('Where the code is described, relative to this server.'),
    title: z.string().describe('The kind of problem, in words.'),
    status: z.int().describe('The HTTP status.'),
    code: z.enum(Object.keys(PROBLEMS) as [ProblemCode, ...ProblemCode[]]).describe('Stable, for programs.'),
    detail: z.string().describe('What was wrong, with which value, and what to do.'),
    request_id: z.string().describe("The request's ID, as in `X-Request-Id` and in the server's log."),
    errors: z
      .array(
        z.object({
          in: z.enum(['path', 'query', 'header', 'body']),
          field: z.string().describe('Its name, or the path to it in a body; empty for the body as a whole.'),
          message: z.string(),
        }),
      )
      .optional()
      .describe('Each field that was wrong.'),
    job: z
      .object({ job_id: z.string(), workflow_id: z.string(), dataset: z.string() })
      .optional()
      .describe('With AlreadyRunning: the job that runs.'),
  })
  .meta({ id: 'Problem' });

export type Problem = z.infer<typeof problem>;
