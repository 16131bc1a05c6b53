import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createExclusively } from './create-exclusively.ts';
import { endProcess } from './end-process.ts';
import { LocalStackError } from './errors.ts';
import type { MemberName } from './member.ts';
import { identify, isRunning, type ProcessIdentity } from './process-identity.ts';
import type { Report } from './report.ts';

const ORPHAN_GRACE_MS = 15_000;

/** Content of `<dataDir>/stack.json`: the owner, the processes and the addresses of a stack. */
export interface StackRecord {
  /** The process that started the stack. */
  pid: number;
  startTime: string;
  /** ISO 8601. */
  startedAt: string;
  /** Absent until the stack is ready. */
  temporalAddress?: string;
  temporalNamespace?: string;
  mongodbUri?: string;
  uiUrl?: string;
  /** The HTTP API and the page. */
  apiUrl?: string;
  /** The token that the API asks for; absent if it has others, or needs none. */
  apiToken?: string;
  /** The workers' webhook variables, so that a command can report at once what the workers would refuse. */
  webhookEnv?: Record<string, string>;
  /** The folders in which the workers look for models, for the same purpose. */
  modelFolders?: string[];
  members: Partial<Record<MemberName, ProcessIdentity>>;
}

/** A stack that is ready. */
export type RunningStack = StackRecord & { temporalAddress: string; mongodbUri: string };

/** Reads the stack that runs in a data folder; undefined if none runs or it is not ready yet. */
export async function readStack(dataDir: string): Promise<RunningStack | undefined> {
  const record = await readRecord(stackFile(dataDir));
  if (!record?.temporalAddress || !record.mongodbUri || !(await isRunning(record))) return undefined;
  return { ...record, temporalAddress: record.temporalAddress, mongodbUri: record.mongodbUri };
}

/** This process's claim on a data folder. */
export interface DataDirClaim {
  /** Writes changed fields to the file. */
  update(change: Partial<StackRecord>): Promise<void>;
  release(): Promise<void>;
}

/**
 * Claims a data folder for this process. Ends processes that an earlier stack left running there.
 * @throws LocalStackError StackRunning naming the process that owns it
 */
export async function claimDataDir(dataDir: string, report: Report): Promise<DataDirClaim> {
  await mkdir(dataDir, { recursive: true });
  const file = stackFile(dataDir);
  const self = await identify(process.pid);
  let record: StackRecord = {
    pid: process.pid,
    startTime: self?.startTime ?? '',
    startedAt: new Date().toISOString(),
    members: {},
  };
  while (!(await createExclusively(file, textOf(record)))) {
    const other = await readRecord(file);
    if (other && (await isRunning(other))) throw alreadyRunning(dataDir, other);
    if (other) await endOrphans(other, report);
    // Another process may have found the same leftovers and claimed the folder in the meantime; keep its file.
    if ((await readRecord(file))?.startTime === other?.startTime) await rm(file, { force: true });
  }

  // Writes run one after the other, so that the last requested one wins.
  let writing = Promise.resolve();
  let released = false;
  return {
    update(change) {
      if (released) return writing;
      record = { ...record, ...change };
      writing = writing.then(() => replaceFile(file, record));
      return writing;
    },
    async release() {
      released = true;
      await writing;
      await rm(file, { force: true });
    },
  };
}

async function endOrphans(record: StackRecord, report: Report): Promise<void> {
  const tiers: MemberName[][] = [['worker-indexing', 'worker-embedding', 'api'], ['temporal'], ['mongod']];
  for (const tier of tiers) {
    await Promise.all(
      tier.map(async (name) => {
        const orphan = record.members[name];
        if (!orphan || !(await isRunning(orphan))) return;
        report(`ending ${name} (process ${orphan.pid}), which an earlier stack left running`);
        await endProcess(orphan, ORPHAN_GRACE_MS);
      }),
    );
  }
}

function alreadyRunning(dataDir: string, other: StackRecord): LocalStackError {
  return new LocalStackError(
    'StackRunning',
    `A stack already runs in ${dataDir}: process ${other.pid}, since ${other.startedAt}. ` +
      `${other.apiUrl === undefined ? '' : `Its page: ${other.apiUrl}. `}` +
      `Use that one, stop it (Ctrl-C in its terminal, or kill ${other.pid}), or choose another data folder.`,
  );
}

function stackFile(dataDir: string): string {
  return join(dataDir, 'stack.json');
}

async function readRecord(file: string): Promise<StackRecord | undefined> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as StackRecord;
  } catch {
    return undefined;
  }
}

async function replaceFile(file: string, record: StackRecord): Promise<void> {
  await rename(await writeDraft(file, record), file);
}

async function writeDraft(file: string, record: StackRecord): Promise<string> {
  const draft = join(dirname(file), `.stack-${randomUUID()}.json`);
  await writeFile(draft, textOf(record), { mode: 0o600 });
  return draft;
}

const textOf = (record: StackRecord) => `${JSON.stringify(record, undefined, 2)}\n`;
