import { UserError } from '../../core/errors.ts';

const DONT = 'Rename them, or run them on another worker and task queue.';

/**
 * Refuses activities of the user's that have the name of one of Plimsoll's. A worker keeps only one activity per name,
 * so one would silently replace the other.
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
 * Refuses activities that a later plugin put in place of Plimsoll's. They are known only once the worker is created.
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
