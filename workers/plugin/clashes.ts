import { UserError } from '../../core/errors.ts';

/**
 * Activities of one worker are known by their names alone: of two of the same name one would win in silence.
 *
 * @throws UserError ActivityNameClash naming them
 */
export function refuseClashes(ours: object, theirs: object): void {
  const clashes = Object.keys(ours).filter((name) => name in theirs);
  if (clashes.length === 0) return;
  throw new UserError(
    'ActivityNameClash',
    `This worker has activities of its own with names that Plimsoll's have: ${clashes.join(', ')}. Rename them, or run them on another worker and task queue.`,
  );
}
