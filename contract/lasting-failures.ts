import type { PhaseName } from './job.ts';

/** Failures of a file's content: the same bytes fail again. Another setting may let a file through that is too large. */
const LASTING: ReadonlySet<string> = new Set([
  'empty_file',
  'not_a_file',
  'not_an_image',
  'unsupported_format',
  'truncated_header',
  'decode_failed',
  'no_text',
  'not_text',
  'encrypted',
  'broken_document',
  'archive_bomb',
]);

interface Failed {
  failed: number;
  /** By code. */
  failures?: Readonly<Record<string, number>> | undefined;
}

/** Whether a retry may do anything: whether something failed that is not a matter of a file's content. */
export function mayRetry({ phases }: { phases: Readonly<Record<PhaseName, Failed>> }): boolean {
  return Object.values(phases).some(({ failed, failures = {} }) => {
    const lasting = Object.entries(failures).filter(([code]) => LASTING.has(code));
    return failed > lasting.reduce((sum, [, count]) => sum + count, 0);
  });
}
