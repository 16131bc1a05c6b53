import { presentDataset } from '../present/dataset.ts';
import { presentJob } from '../present/job.ts';
import type { Job } from '../schemas/jobs.ts';
import type { Scope } from '../schemas/server.ts';
import type { Change } from './changes.ts';
import type { FeedEvent } from './feed.ts';
import { jobEvent, newsOf } from './job-event.ts';

/** A change as callers of one scope are told it. */
export interface Rendered {
  /** What a later change of the same thing takes the place of. */
  key: string;
  event: FeedEvent;
  /** Of a job. */
  job?: Job;
  /** What of it is news; empty where all is. */
  news: string;
}

/** Renders each change once for each scope, however many streams it goes to: a thousand held the process up for 200 ms. */
export function createRenderer(roots: readonly string[]): (change: Change, scope: Scope) => Rendered {
  const kept = { read: new WeakMap<Change, Rendered>(), operate: new WeakMap<Change, Rendered>() };
  return function rendered(change, scope) {
    const before = kept[scope].get(change);
    if (before !== undefined) return before;
    const now = render(change, scope, roots);
    kept[scope].set(change, now);
    return now;
  };
}

function render(change: Change, scope: Scope, roots: readonly string[]): Rendered {
  if (change.kind === 'job') {
    const job = presentJob(change.status, scope, roots);
    return { key: `job:${job.job_id}`, event: jobEvent(job), job, news: newsOf(job) };
  }
  const key = `dataset:${change.dataset}`;
  if (change.kind === 'dataset_removed')
    return { key, event: { name: 'dataset_removed', text: JSON.stringify({ dataset: change.dataset }) }, news: '' };
  const text = JSON.stringify(presentDataset(change.document, scope));
  return { key, event: { name: 'dataset', text }, news: '' };
}
