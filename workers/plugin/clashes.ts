import { UserError } from '../../core/errors.ts';

const DONT = 'Rename them, or run them on another worker and task queue.';

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
    `This worker has activities of its own with names that Plimsoll's have: ${clashes.join(', ')}. ${DONT}`,
  );
}

/**
 * The same for what a plugin behind ours has put in the place of ours: that can't be known before the worker is made.
 *
 * @throws UserError ActivityNameClash naming them
 */
export function refuseReplacements(ours: object, all: ReadonlyMap<string, unknown>): void {
  const replaced = Object.entries(ours).filter(([name, activity]) => all.get(name) !== activity);
  if (replaced.length === 0) return;
  const names = replaced.map(([name]) => name).join(', ');
  throw new UserError(
    'ActivityNameClash',
    `A plugin behind Plimsoll's has activities with names that Plimsoll's have: ${names}. ${DONT}`,
  );
}
