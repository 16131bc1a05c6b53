import { UserError } from '../../errors.ts';
import type { DatasetDocument, DuplicatesDocument, DuplicatesRun, SampleDocument } from '../../store/documents.ts';
import { groupsAfter } from '../../store/duplicates.ts';
import { versionOf } from '../../store/sample-version.ts';
import { samplesOfSeqs } from '../../store/samples.ts';
import { slicesOf } from '../../store/slices.ts';
import type { Store } from '../../store/store.ts';
import { tagSamples } from '../../store/tags.ts';
import { byQuality } from './best-copy.ts';

/** A member of a group, as its sample is now. */
export interface Duplicate {
  sample: SampleDocument;
  /** The cosine of its vector and that of the first member when they were compared. */
  score: number;
  same_content: boolean;
  /** Whether it is the one to keep: the most pixels, then the most bytes, then the lowest seq. */
  keep: boolean;
}

export interface DuplicateGroup {
  group: number;
  kind: DuplicatesDocument['kind'];
  /** How many members are there; the first 1,000 are given. */
  size: number;
  members: Duplicate[];
}

export interface GroupsRequest {
  kind?: DuplicatesDocument['kind'] | undefined;
  /** `next` of the page before. */
  cursor?: string | undefined;
  /** At most this many groups. */
  limit: number;
}

export interface GroupPage {
  /** The search that found the groups; undefined if none has ended. */
  run: DuplicatesRun | undefined;
  groups: DuplicateGroup[];
  /** Null on the last page. */
  next: string | null;
}

/** Members of a group that are given, and of a page: it ends early, with a next one. */
const MOST_SHOWN = 1000;
const MOST_OF_PAGE = 5000;
/** Samples that are read or tagged at once. */
const BATCH = 2000;

/**
 * A page of the groups that were found last, the largest first. A sample that is missing, is gone, or whose file has
 * changed since it was compared is left out, and a group with fewer than two members as well.
 *
 * @throws UserError InvalidInput for a cursor of an earlier search
 */
export async function readGroups(
  store: Store,
  { _id: datasetId, duplicates: run }: DatasetDocument,
  { kind, cursor, limit }: GroupsRequest,
): Promise<GroupPage> {
  if (run === undefined) return { run, groups: [], next: null };
  const from = positionOf(run, cursor);
  const groups: DuplicateGroup[] = [];
  let shown = 0;
  for await (const { group, all } of presentGroups(store, datasetId, { run, kind, after: from })) {
    if (groups.length === limit || shown >= MOST_OF_PAGE) {
      return { run, groups, next: cursorOf(run, groups.at(-1)?.group ?? from) };
    }
    const members = all.slice(0, MOST_SHOWN);
    shown += members.length;
    groups.push({
      group: group.group,
      kind: group.kind,
      size: all.length + group.size - group.members.length,
      members,
    });
  }
  return { run, groups, next: null };
}

/** The groups that are looked at for tags in one call. */
const TAGGED_GROUPS = 1000;

export interface TagRestRequest {
  tag: string;
  kind?: DuplicatesDocument['kind'] | undefined;
  /** `next` of the call before. */
  cursor?: string | undefined;
}

/** The effect of one call, and where the next one goes on. */
export interface TaggedRest {
  /** Groups that were looked at. */
  groups: number;
  /** Samples that have the tag now. */
  tagged: number;
  /** Samples whose tags were changed. */
  modified: number;
  next: string | null;
}

/**
 * Tags all members of the next groups but the one to keep, and takes the tag from that one, so that no group loses all of
 * its members to a tag. A repeated call changes nothing.
 *
 * @throws UserError InvalidInput for a cursor of an earlier search
 */
export async function tagRest(
  store: Store,
  { _id: datasetId, duplicates: run }: DatasetDocument,
  { tag, kind, cursor }: TagRestRequest,
): Promise<TaggedRest> {
  const done: TaggedRest = { groups: 0, tagged: 0, modified: 0, next: null };
  if (run === undefined) return done;
  let after = positionOf(run, cursor);
  const [kept, rest]: [number[], number[]] = [[], []];
  for await (const { group, all } of presentGroups(store, datasetId, { run, kind, after })) {
    if (done.groups === TAGGED_GROUPS || rest.length >= MOST_OF_PAGE) {
      done.next = cursorOf(run, after);
      break;
    }
    after = group.group;
    done.groups += 1;
    for (const { sample, keep } of all) (keep ? kept : rest).push(sample.seq);
  }
  const none: string[] = [];
  for (const seqs of slicesOf(kept, BATCH))
    done.modified += (await tagSamples(store, datasetId, { add: none, remove: [tag] }, seqs)).modified;
  for (const seqs of slicesOf(rest, BATCH)) {
    const { matched, modified } = await tagSamples(store, datasetId, { add: [tag], remove: none }, seqs);
    done.tagged += matched;
    done.modified += modified;
  }
  return done;
}

const GROUPS_AT_ONCE = 100;

/** Groups with the members that are there now. */
async function* presentGroups(
  store: Store,
  datasetId: string,
  { run, kind, after }: { run: DuplicatesRun; kind: DuplicatesDocument['kind'] | undefined; after: number },
): AsyncGenerator<{ group: DuplicatesDocument; all: Duplicate[] }> {
  for (let last = after; ; ) {
    const found = await groupsAfter(store, {
      datasetId,
      jobId: run.job_id,
      kind,
      after: last,
      limit: GROUPS_AT_ONCE,
    });
    for (const group of found) {
      const all = await presentMembers(store, datasetId, group);
      if (all.length > 1) yield { group, all };
    }
    const end = found.at(-1);
    if (end === undefined || found.length < GROUPS_AT_ONCE) return;
    last = end.group;
  }
}

async function presentMembers(store: Store, datasetId: string, { members }: DuplicatesDocument): Promise<Duplicate[]> {
  const present: Duplicate[] = [];
  for (const slice of slicesOf(members, BATCH)) {
    const samples = await samplesOfSeqs(
      store,
      datasetId,
      slice.map(({ seq }) => seq),
    );
    const bySeq = new Map(samples.map((sample) => [sample.seq, sample]));
    for (const { seq, version, score, same_content } of slice) {
      const sample = bySeq.get(seq);
      if (sample === undefined || sample.status !== 'indexed' || versionOf(sample) !== version) continue;
      present.push({ sample, score, same_content, keep: false });
    }
  }
  const [best] = present.toSorted((a, b) => byQuality(copyOf(a), copyOf(b)));
  if (best !== undefined) best.keep = true;
  return present;
}

const copyOf = ({ sample: { seq, metadata, source } }: Duplicate) => ({ seq, metadata, sizeBytes: source.size_bytes });

/** A cursor belongs to a search: another one numbers its groups anew. */
const cursorOf = ({ job_id }: DuplicatesRun, group: number) => Buffer.from(`${group}/${job_id}`).toString('base64url');

function positionOf({ job_id }: DuplicatesRun, cursor: string | undefined): number {
  if (cursor === undefined) return 0;
  const position = readCursor(cursor);
  if (position?.jobId === job_id) return position.group;
  throw new UserError(
    'InvalidInput',
    'cursor: it is not "next" of a page of these groups. A later search has found others: begin without a cursor.',
  );
}

/** Whether a cursor has the form of ours. */
export const isGroupsCursor = (cursor: string) => readCursor(cursor) !== undefined;

function readCursor(cursor: string): { group: number; jobId: string } | undefined {
  const [, group, jobId] = /^(\d{1,15})\/([\w-]+)$/.exec(Buffer.from(cursor, 'base64url').toString()) ?? [];
  return group === undefined || jobId === undefined ? undefined : { group: Number(group), jobId };
}
