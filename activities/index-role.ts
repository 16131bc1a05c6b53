import { createIndexActivities, type IndexDependencies } from './index-activities.ts';

/** Everything that the activities of the index role depend on. */
export type IndexRoleDependencies = IndexDependencies;

export type IndexRoleActivities = ReturnType<typeof createIndexRoleActivities>;

/** All activities of the index role: of whoever polls the task queue that workflows run on. */
export function createIndexRoleActivities(dependencies: IndexRoleDependencies) {
  return Object.assign({}, createIndexActivities(dependencies));
}
