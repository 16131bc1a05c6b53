import { setCurrentDetails, setHandler, upsertSearchAttributes, workflowInfo } from '@temporalio/workflow';
import {
  indexes,
  type JobKind,
  type JobState,
  type JobStatus,
  PHASES,
  type PhaseName,
  type RecordedError,
  type RemovedCounts,
  removes,
} from '../contract/job.ts';
import { datasetAttribute, phaseAttribute } from '../contract/search-attributes.ts';
import { ended, held, phaseEnd, released, resumed } from '../core/jobs/phase-changes.ts';
import { statusOf } from '../core/jobs/status.ts';
import { jobInWords } from '../core/jobs/words.ts';
import type { JobDocument, PhaseDocument, Waiting } from '../core/store/documents.ts';
import { statusQuery } from './messages.ts';

/** What a workflow knows of its own job: answers the status query, and shows it on Temporal's page. */
export interface JobTracker {
  readonly jobId: string;
  readonly workflowId: string;
  phase(name: PhaseName): PhaseDocument;
  /** Applies a change of a phase and shows it. */
  update(name: PhaseName, change: Partial<PhaseDocument>): void;
  /** A phase stops, or waits for something else than before. */
  hold(name: PhaseName, waiting: Omit<Waiting, 'since'>): void;
  /** A phase begins, or goes on. */
  release(name: PhaseName): void;
  isPaused(): boolean;
  pause(at: Date): void;
  resume(at: Date): void;
  /** Says what the job has removed so far. */
  noteRemoved(removed: RemovedCounts): void;
  /** Ends the job, and the phases that are still open. */
  end(state: JobState, error?: RecordedError): void;
  /** Search attributes are used only where the worker found them registered: an unknown one blocks a workflow. */
  useSearchAttributes(): void;
  status(): JobStatus;
}

const idle = (state: 'pending' | 'skipped'): PhaseDocument => ({
  state,
  done: 0,
  failed: 0,
  total: 0,
  total_known: state === 'skipped',
});

export function trackJob(job: {
  kind: JobKind;
  dataset: string;
  request: Record<string, unknown>;
  jobId?: string | undefined;
  embeds: boolean;
  /** When the job began, where that was before this run. */
  startedAt?: Date;
}): JobTracker {
  const { firstExecutionRunId, workflowId, runStartTime } = workflowInfo();
  const jobId = job.jobId ?? firstExecutionRunId;
  const startedAt = job.startedAt ?? runStartTime;
  const load: JobDocument = {
    _id: jobId,
    kind: job.kind,
    dataset_id: job.dataset,
    workflow_id: workflowId,
    request: job.request,
    state: 'running',
    phases: {
      indexing: indexes(job.kind) ? { ...idle('pending'), state: 'running', started_at: startedAt } : idle('skipped'),
      embedding: idle(job.embeds ? 'pending' : 'skipped'),
    },
    started_at: startedAt,
  };
  let searchable = false;
  let shownPhase: string | undefined;

  const atWork = () => {
    if (removes(job.kind)) return job.kind;
    return load.phases.indexing.state === 'running' ? 'indexing' : 'embedding';
  };
  const show = () => {
    setCurrentDetails(jobInWords(statusOf(load, new Date())).join('  \n'));
    const current = load.state === 'running' ? atWork() : load.state;
    if (!searchable || current === shownPhase) return;
    shownPhase = current;
    upsertSearchAttributes([
      { key: datasetAttribute, value: job.dataset },
      { key: phaseAttribute, value: current },
    ]);
  };

  const update = (name: PhaseName, change: Partial<PhaseDocument>) => {
    const phase = { ...load.phases[name], ...change };
    if (phase.state !== 'waiting') delete phase.waiting_for;
    load.phases[name] = phase;
    show();
  };

  setHandler(statusQuery, () => statusOf(load, new Date()));

  return {
    jobId,
    workflowId,
    phase: (name) => load.phases[name],
    update,
    hold: (name, waiting) => update(name, held(load.phases[name], { ...waiting, since: new Date() })),
    release: (name) => update(name, released(load.phases[name], new Date())),
    isPaused: () => load.paused_at !== undefined,
    pause(at) {
      load.state = 'paused';
      load.paused_at = at;
      show();
    },
    resume(at) {
      for (const name of PHASES) update(name, resumed(load, load.phases[name], at));
      load.state = 'running';
      delete load.paused_at;
      show();
    },
    noteRemoved(removed) {
      load.removed = removed;
      show();
    },
    end(state, error) {
      const finished_at = new Date();
      for (const name of PHASES) {
        const phase = load.phases[name];
        if (phase.finished_at !== undefined || phase.state === 'skipped') continue;
        const waited = ended(load, name, finished_at);
        load.phases[name] = { ...phase, ...waited, state: phaseEnd(phase.state, state), finished_at };
      }
      load.state = state;
      load.finished_at = finished_at;
      delete load.paused_at;
      if (error !== undefined) load.error = error;
      show();
    },
    useSearchAttributes() {
      searchable = true;
      show();
    },
    status: () => statusOf(load, new Date()),
  };
}
