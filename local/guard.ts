import { type ChildProcess, spawn } from 'node:child_process';
import type { ProcessIdentity } from './process-identity.ts';
import { siblingModule } from './sibling-module.ts';

/** Processes in the order in which they end: all of the first list, then all of the second. */
export type GuardedTiers = readonly (readonly (ProcessIdentity & { graceMs: number })[])[];

/** A killed guard is replaced, but a guard that can't run at all is not retried forever. */
const MOST_REPLACEMENTS = 5;

export interface Guard {
  /** Sets the processes to end; replaces the previous list. */
  protect(tiers: GuardedTiers): void;
  /** Ends the guard; the guarded processes keep running. */
  release(): void;
}

/**
 * Starts a small process that ends the servers and workers when this process dies without doing so, for example by
 * SIGKILL. Temporal and mongod don't watch their parent, and Node has no PR_SET_PDEATHSIG.
 */
export function startGuard(): Guard {
  let current: GuardedTiers = [];
  let released = false;
  let replacements = 0;
  let child = spawnGuard();

  function spawnGuard(): ChildProcess {
    const guard = spawn(process.execPath, [siblingModule(import.meta.url, 'guard-process')], {
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    guard.on('error', () => {});
    guard.stdin?.on('error', () => {});
    guard.on('exit', () => {
      if (released || replacements === MOST_REPLACEMENTS) return;
      replacements += 1;
      child = spawnGuard();
      send();
    });
    guard.unref();
    (guard.stdin as { unref?: () => void } | null)?.unref?.();
    return guard;
  }

  function send(): void {
    child.stdin?.write(`${JSON.stringify(current)}\n`);
  }

  return {
    protect(tiers) {
      if (released) return;
      current = tiers;
      send();
    },
    release() {
      released = true;
      current = [];
      send();
      child.stdin?.end();
    },
  };
}
