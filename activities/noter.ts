/** The record of a job shows its progress this often. */
const NOTE_EVERY_MS = 1000;

/** Notes how far a job is. */
export interface Noter<Status> {
  /** Notes it once a second at most. A lost note costs nothing: the next one follows. */
  note(status: Status): void;
  /** Notes it behind all notes before. */
  last(status: Status): Promise<Status>;
}

/** @param write writes a status into the job's record */
export function createNoter<Status>(write: (status: Status) => Promise<void>): Noter<Status> {
  let noted = Promise.resolve();
  let notedAt = Number.NEGATIVE_INFINITY;
  return {
    note(status) {
      if (performance.now() - notedAt < NOTE_EVERY_MS) return;
      notedAt = performance.now();
      noted = noted.then(() => write(status)).catch(() => undefined);
    },
    async last(status) {
      await noted;
      await write(status);
      return status;
    },
  };
}
