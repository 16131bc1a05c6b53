import type { ComparedCounts } from '../../../contract/job.ts';
import { type CurrentSample, currentSamples } from '../../store/current-vectors.ts';
import type { DuplicatesDocument } from '../../store/documents.ts';
import {
  type Comparison,
  comparedBy,
  pairsOf,
  publishGroups,
  removeGroupsOf,
  removeOtherGroups,
  writeGroups,
} from '../../store/duplicates.ts';
import type { VectorSet } from '../../store/embeddings.ts';
import { jobEnded } from '../../store/job-errors.ts';
import { slicesOf } from '../../store/slices.ts';
import type { Store } from '../../store/store.ts';
import { cosine } from '../cosine.ts';
import { byQuality } from './best-copy.ts';
import { createUnion } from './union.ts';

export interface JoinRequest extends Comparison {
  set: VectorSet;
  threshold: number;
  exact: boolean;
  onStep: () => void;
  signal: AbortSignal;
}

/** Members of a group that are stored, the best and those that are nearest to it. */
const MOST_MEMBERS = 10_000;
/** Samples that are read at once, with their vectors. */
const READ_AT_ONCE = 1000;

/**
 * Joins the pairs of all chunks into groups, the largest first, and publishes them. The groups of the search before are
 * read until then. Groups are keyed by the job, so a repeated call replaces its own.
 *
 * @throws UserError Superseded
 */
export async function joinGroups(store: Store, request: JoinRequest): Promise<ComparedCounts> {
  const { jobId, set, threshold, exact, onStep, signal } = request;
  const { datasetId } = set;
  const union = createUnion();
  for await (const pairs of pairsOf(store, request)) {
    for (const [first, second] of pairs) union.join(first, second);
    onStep();
  }
  let groups = 0;
  let samples = 0;
  const largestFirst = union.groups().sort((a, b) => b.length - a.length || (a[0] as number) - (b[0] as number));
  for (const some of together(largestFirst)) {
    signal.throwIfAborted();
    const bySeq = await readSamples(store, request, some.flat());
    const documents: DuplicatesDocument[] = [];
    for (const seqs of some) {
      const members = seqs.map((seq) => bySeq.get(seq)).filter((member) => member !== undefined);
      // Samples that are gone since they were compared are in no group.
      if (members.length < 2) continue;
      groups += 1;
      samples += members.length;
      documents.push(documentOf(members, { jobId, datasetId, group: groups }));
    }
    await writeGroups(store, documents);
    onStep();
  }
  const run = {
    job_id: jobId,
    model_key: set.modelKey,
    threshold,
    exact,
    groups,
    samples,
    finished_at: new Date(),
  };
  if (!(await publishGroups(store, request, datasetId, run))) {
    await removeGroupsOf(store, datasetId, jobId);
    throw jobEnded(jobId);
  }
  await removeOtherGroups(store, datasetId, { jobId, from: groups + 1 });
  return (await comparedBy(store, jobId)) ?? { samples: 0, total: 0, groups };
}

/** Groups in lists whose samples are read together. A large group is a list of its own. */
function* together(groups: readonly number[][]): Generator<number[][]> {
  let list: number[][] = [];
  let count = 0;
  for (const group of groups) {
    if (list.length > 0 && count + group.length > READ_AT_ONCE) {
      yield list;
      list = [];
      count = 0;
    }
    list.push(group);
    count += group.length;
  }
  if (list.length > 0) yield list;
}

async function readSamples(
  store: Store,
  { set, onStep }: JoinRequest,
  seqs: readonly number[],
): Promise<Map<number, CurrentSample>> {
  const bySeq = new Map<number, CurrentSample>();
  for (const slice of slicesOf(seqs, READ_AT_ONCE)) {
    for (const sample of await currentSamples(store, set, slice)) bySeq.set(sample.seq, sample);
    onStep();
  }
  return bySeq;
}

function documentOf(
  members: readonly CurrentSample[],
  { jobId, datasetId, group }: { jobId: string; datasetId: string; group: number },
): DuplicatesDocument {
  const [best, ...others] = members.toSorted(byQuality) as [CurrentSample, ...CurrentSample[]];
  const scored = others
    .map((member) => ({ member, score: Math.min(1, cosine(best.vector, member.vector)) }))
    .sort((a, b) => b.score - a.score || a.member.seq - b.member.seq)
    .slice(0, MOST_MEMBERS - 1);
  return {
    _id: `${jobId}/${group}`,
    dataset_id: datasetId,
    job_id: jobId,
    group,
    kind: members.every(({ content }) => content === best.content) ? 'exact' : 'near',
    size: members.length,
    members: [{ member: best, score: 1 }, ...scored].map(({ member, score }) => ({
      seq: member.seq,
      version: member.version,
      score,
      same_content: member.content === best.content,
    })),
  };
}
