import { randomUUID } from 'node:crypto';
import { collectionsOf } from './collections.ts';
import type { StartKeyDocument } from './documents.ts';
import type { Store } from './store.ts';

/** How long an answer is kept, so that a repeated request gets it. */
const KEPT_MS = 24 * 3600 * 1000;

/** An answer to a request that started something. */
export type KeptAnswer = NonNullable<StartKeyDocument['answer']>;

/** The right to carry out a request. */
export interface StartClaim {
  /** Marks what the request starts. It stays the same if another process takes the claim over. */
  id: string;
  /** When the request was made first. */
  since: Date;
  /** Whether a process claimed the key before and left no answer: it may have started something. */
  takenOver: boolean;
}

/** The claim of a key; else its answer, or why it can't be claimed. */
export type Claimed =
  | { claim: StartClaim }
  | { answer: KeptAnswer }
  | { refused: /** Another request has this key. */ 'other' | /** The request is being carried out. */ 'busy' };

/**
 * Claims a key for a request. A claim is held for some time; after that, another request may take it over, as the
 * process that held it has ended.
 */
export async function claimStart(
  store: Store,
  key: string,
  { fingerprint, holdMs }: { fingerprint: string; holdMs: number },
): Promise<Claimed> {
  const { start_keys } = collectionsOf(store);
  // The server's clock decides, because those of processes differ.
  const held = { $add: ['$$NOW', holdMs] };
  const id = randomUUID();
  const unless = (field: string, value: unknown) => ({ [field]: { $ifNull: [`$${field}`, value] } });
  const found = await start_keys.findOneAndUpdate(
    { _id: key },
    [
      {
        $set: {
          ...unless('claim_id', id),
          ...unless('fingerprint', fingerprint),
          ...unless('claimed_at', '$$NOW'),
          ...unless('held_until', held),
          ...unless('expires_at', { $add: ['$$NOW', KEPT_MS] }),
        },
      },
    ],
    { upsert: true, returnDocument: 'after' },
  );
  if (found === null) throw new Error('An upsert returned no document.');
  if (found.fingerprint !== fingerprint) return { refused: 'other' };
  if (found.answer !== undefined) return { answer: found.answer };
  const claim = { id: found.claim_id, since: found.claimed_at };
  if (found.claim_id === id) return { claim: { ...claim, takenOver: false } };
  const { matchedCount } = await start_keys.updateOne(
    { _id: key, claim_id: found.claim_id, answer: { $exists: false }, $expr: { $lte: ['$held_until', '$$NOW'] } },
    [{ $set: { held_until: held } }],
  );
  return matchedCount === 0 ? { refused: 'busy' } : { claim: { ...claim, takenOver: true } };
}

/** Keeps the answer to a claimed request. */
export async function keepAnswer(store: Store, key: string, claim: StartClaim, answer: KeptAnswer): Promise<void> {
  await collectionsOf(store).start_keys.updateOne({ _id: key, claim_id: claim.id }, { $set: { answer } });
}

/** Gives a claim up: the request was refused and has started nothing, so its key is free. */
export async function forgetClaim(store: Store, key: string, claim: StartClaim): Promise<void> {
  await collectionsOf(store).start_keys.deleteOne({ _id: key, claim_id: claim.id, answer: { $exists: false } });
}

/** Lets another request take a claim over at once: nobody knows whether this one has started something. */
export async function leaveClaim(store: Store, key: string, claim: StartClaim): Promise<void> {
  await collectionsOf(store).start_keys.updateOne({ _id: key, claim_id: claim.id }, [
    { $set: { held_until: '$$NOW' } },
  ]);
}
