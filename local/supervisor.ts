import type { LocalStackError } from './errors.ts';
import { startGuard } from './guard.ts';
import { createMember, type Member, type MemberName, type MemberSpec } from './member.ts';
import { identify } from './process-identity.ts';
import type { Report } from './report.ts';
import { makePrivate } from './secrets.ts';
import { claimDataDir, type DataDirClaim } from './stack-file.ts';

/** Keeps the processes of one data folder running and ends them in order. */
export interface Supervisor {
  readonly claim: DataDirClaim;
  readonly members: ReadonlyMap<MemberName, Member>;
  /** Adds a process without starting it. */
  add(spec: MemberSpec): Member;
  /** Has something of this process closed before the processes end. */
  closeFirst(close: () => Promise<void>): void;
  /** Ends all processes and releases the data folder. Further calls wait for the first. */
  stop(): Promise<void>;
  /** Resolves with the reason when a member can't be kept running and everything is stopped. Never rejects. */
  readonly failed: Promise<LocalStackError>;
}

/**
 * Claims a data folder and creates its supervisor.
 * @param open whether others on this machine may look into the folder
 * @throws LocalStackError StackRunning
 */
export async function createSupervisor(dataDir: string, report: Report, open = false): Promise<Supervisor> {
  if (!open) await makePrivate(dataDir, report);
  const claim = await claimDataDir(dataDir, report);
  const guard = startGuard();
  const specs = new Map<MemberName, MemberSpec>();
  const members = new Map<MemberName, Member>();
  const failure = Promise.withResolvers<LocalStackError>();
  const closing: (() => Promise<void>)[] = [];
  let stopping: Promise<void> | undefined;
  let recording = Promise.resolve();

  function record(): void {
    recording = recording.then(writeDown).catch((error: unknown) => {
      report(`could not write down which processes run: ${String(error)}`);
    });
  }

  async function writeDown(): Promise<void> {
    const running = await Promise.all(
      [...members.values()].map(async ({ name, pid }) => {
        const identity = pid === undefined ? undefined : await identify(pid);
        return identity ? [[name, identity] as const] : [];
      }),
    );
    const identities = new Map(running.flat());
    guard.protect(
      tiersOf(specs).map((names) =>
        names.flatMap((name) => {
          const identity = identities.get(name);
          return identity ? [{ ...identity, graceMs: specs.get(name)?.graceMs ?? 0 }] : [];
        }),
      ),
    );
    await claim.update({ members: Object.fromEntries(identities) });
  }

  async function stopAll(): Promise<void> {
    await Promise.all(closing.map((close) => close()));
    for (const names of tiersOf(specs)) await Promise.all(names.map((name) => members.get(name)?.stop()));
    await recording;
    guard.release();
    await claim.release();
  }

  function stop(): Promise<void> {
    stopping ??= stopAll();
    return stopping;
  }

  return {
    claim,
    members,
    add(spec) {
      const member = createMember(spec, {
        report,
        changed: record,
        over: () => stopping !== undefined,
        failed(error) {
          report('stopping everything');
          stop().then(
            () => failure.resolve(error),
            () => failure.resolve(error),
          );
        },
      });
      specs.set(spec.name, spec);
      members.set(spec.name, member);
      return member;
    },
    closeFirst: (close) => void closing.push(close),
    stop,
    failed: failure.promise,
  };
}

/** Member names by tier, in the order in which they end. */
function tiersOf(specs: ReadonlyMap<MemberName, MemberSpec>): MemberName[][] {
  const tiers = Map.groupBy(specs.values(), (spec) => spec.tier);
  return [...tiers.entries()].sort(([a], [b]) => a - b).map(([, ofTier]) => ofTier.map(({ name }) => name));
}
