import { setCurrentDetails, setHandler, upsertSearchAttributes, workflowInfo } from '@temporalio/workflow';
import type { AnnotationsStatus } from '../contract/annotations.ts';
import type { ExportedCounts } from '../contract/exports.ts';
import type { ImportedStatus } from '../contract/imported.ts';
import {
  type ArtifactStatus,
  type ComparedCounts,
  hasPhases,
  indexes,
  type JobKind,
  type JobState,
  type JobStatus,
  type MovedCounts,
  PHASES,
  type PhaseName,
  type RecordedError,
  type RemovedCounts,
} from '../contract/job.ts';
import { type RetryReport, retryReport } from '../contract/retry-report.ts';
import { datasetAttribute, phaseAttribute } from '../contract/search-attributes.ts';
import { ended, held, phaseEnd, released, resumed } from '../core/jobs/phase-changes.ts';
import { isUnderWay, statusOf } from '../core/jobs/status.ts';
import { jobInWords } from '../core/jobs/words.ts';
import type { JobDocument, PhaseDocument, RetryingDocument, Waiting } from '../core/store/documents.ts';
import { retryingSignal, statusQuery } from './messages.ts';
import { parseSignal } from './parse-input.ts';

/** Tracks the state of a workflow's own job, answers the status query, and shows the state on Temporal's page. */
export interface JobTracker {
  readonly jobId: string;
  readonly workflowId: string;
  phase(name: PhaseName): PhaseDocument;
  /** Applies a change to a phase and shows it. */
  update(name: PhaseName, change: Partial<PhaseDocument>): void;
  /** Marks a phase as waiting, or changes the reason that it waits for. */
  hold(name: PhaseName, waiting: Omit<Waiting, 'since'>): void;
  /** Marks a phase as running, for the first time or again. */
  release(name: PhaseName): void;
  isPaused(): boolean;
  pause(at: Date): void;
  resume(at: Date): void;
  /** Sets the counts of what the job has removed. */
  noteRemoved(removed: RemovedCounts): void;
  /** Sets the counts of what the job has moved. */
  noteMoved(moved: MovedCounts): void;
  /** Sets the counts of what the job has compared. */
  noteCompared(compared: ComparedCounts): void;
  /** Sets the counts of what the job has exported. */
  noteExported(exported: ExportedCounts): void;
  /** Sets how the job's annotations stand. */
  noteAnnotations(annotations: AnnotationsStatus): void;
  /** Sets how far the job's artifact is. */
  noteArtifact(artifact: ArtifactStatus): void;
  /** Sets how far the job's import of vectors is. */
  noteImported(imported: ImportedStatus): void;
  /** Ends the job and the phases that are still open. */
  end(state: JobState, error?: RecordedError): void;
  /** Sets search attributes from now on. Call it only if they are registered: an unknown one blocks the workflow. */
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

/** Creates the tracker of a job and registers the handlers of its status query and of its workers' reports. */
export function trackJob(job: {
  kind: JobKind;
  dataset: string;
  request: Record<string, unknown>;
  jobId?: string | undefined;
  embeds: boolean;
  /** When the job began, if an earlier run began it. */
  startedAt?: Date;
}): JobTracker {
  const { firstExecutionRunId, workflowId, runStartTime } = workflowInfo();
  const jobId = job.jobId ?? firstExecutionRunId;
  const startedAt = job.startedAt ?? runStartTime;
  const record: JobDocument = {
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

  const runningPhase = () => {
    if (!hasPhases(job.kind)) return job.kind;
    const { indexing, embedding } = record.phases;
    if (indexing.state === 'running') return 'indexing';
    // A second phase that never begins is not shown: each change is an action in Temporal Cloud.
    const embeds = indexing.state === 'skipped' || isUnderWay(embedding) || shownPhase === 'embedding';
    return embeds ? 'embedding' : 'indexing';
  };
  const show = () => {
    setCurrentDetails(jobInWords(statusOf(record, new Date())).join('  \n'));
    const current = record.state === 'running' ? runningPhase() : record.state;
    if (!searchable || current === shownPhase) return;
    shownPhase = current;
    upsertSearchAttributes([
      { key: datasetAttribute, value: job.dataset },
      { key: phaseAttribute, value: current },
    ]);
  };

  const update = (name: PhaseName, change: Partial<PhaseDocument>) => {
    const phase = { ...record.phases[name], ...change };
    if (phase.state !== 'waiting') delete phase.waiting_for;
    // A phase changes its state only when none of its activities is left.
    if (change.state !== undefined) delete record.retrying;
    record.phases[name] = phase;
    show();
  };

  setHandler(statusQuery, () => statusOf(record, new Date()), {
    description: 'How the job stands: its phases, counts and times, as `plimsoll status --json` prints them.',
  });
  setHandler(
    retryingSignal,
    (message) => {
      const report = parseSignal(retryReport, 'retrying', message);
      if (report === undefined) return;
      record.retrying = retryingAfter(record.retrying, report);
      show();
    },
    { description: 'Sent by workers: an activity of this job is retried, or no longer. Nobody else needs to send it.' },
  );

  return {
    jobId,
    workflowId,
    phase: (name) => record.phases[name],
    update,
    hold: (name, waiting) => update(name, held(record.phases[name], { ...waiting, since: new Date() })),
    release: (name) => update(name, released(record.phases[name], new Date())),
    isPaused: () => record.paused_at !== undefined,
    pause(at) {
      record.state = 'paused';
      record.paused_at = at;
      show();
    },
    resume(at) {
      for (const name of PHASES) update(name, resumed(record, record.phases[name], at));
      // The pause has ended what was retried before it.
      delete record.retrying;
      record.state = 'running';
      delete record.paused_at;
      show();
    },
    noteRemoved(removed) {
      record.removed = removed;
      show();
    },
    noteMoved(moved) {
      record.moved = moved;
      show();
    },
    noteCompared(compared) {
      record.compared = compared;
      show();
    },
    noteExported(exported) {
      record.exported = exported;
      show();
    },
    noteAnnotations(annotations) {
      record.annotations = annotations;
      show();
    },
    noteArtifact(artifact) {
      record.artifact = artifact;
      show();
    },
    noteImported(imported) {
      record.imported = imported;
      show();
    },
    end(state, error) {
      const finished_at = new Date();
      for (const name of PHASES) {
        const phase = record.phases[name];
        if (phase.finished_at !== undefined || phase.state === 'skipped') continue;
        const waited = ended(record, name, finished_at);
        record.phases[name] = { ...phase, ...waited, state: phaseEnd(phase.state, state), finished_at };
      }
      record.state = state;
      record.finished_at = finished_at;
      delete record.paused_at;
      if (error !== undefined) record.error = error;
      show();
    },
    useSearchAttributes() {
      searchable = true;
      show();
    },
    status: () => statusOf(record, new Date()),
  };
}

/** The retried activities after a report. One that is reported again keeps its start. */
function retryingAfter(
  before: Readonly<Record<string, RetryingDocument>> = {},
  { key, retrying }: RetryReport,
): Record<string, RetryingDocument> {
  const { [key]: known, ...others } = before;
  if (retrying === null) return others;
  const since = new Date(retrying.since);
  return { ...others, [key]: { ...retrying, since: known !== undefined && known.since < since ? known.since : since } };
}
