import { Long, ObjectId } from 'mongodb';
import { collectionsOf } from '../core/store/collections.ts';
import type { SampleDocument } from '../core/store/documents.ts';
import { prepareDatabase } from '../core/store/prepare.ts';
import type { Store } from '../core/store/store.ts';

export const DATASET = 'bench';
export const SOURCE = '/bench/photos';
const BATCH = 10_000;

/** Writes a dataset of this many samples, a few of which failed, and none of whose files is there. */
export async function fillSamples(store: Store, count: number, dataset = DATASET): Promise<void> {
  await prepareDatabase(store);
  const now = new Date();
  await collectionsOf(store).datasets.insertOne({
    _id: dataset,
    media_type: 'image',
    sources: [SOURCE],
    next_seq: count,
    counts: { total: count, indexed: count, failed: 0, missing: 0 },
    phases: {},
    models: [],
    latest_job: 'bench',
    created_at: now,
    last_modified_at: now,
  });
  for (let first = 0; first < count; first += BATCH) {
    const size = Math.min(BATCH, count - first);
    await collectionsOf(store).samples.insertMany(
      Array.from({ length: size }, (_, i) => sample(dataset, first + i, now)),
      {
        ordered: false,
        writeConcern: { w: 1 },
      },
    );
  }
}

function sample(dataset: string, seq: number, now: Date): SampleDocument {
  const png = seq % 50 === 3;
  const size_bytes = 50_000 + ((seq * 7919) % 200_000);
  const failed = seq % 1000 === 11;
  return {
    _id: new ObjectId(),
    dataset_id: dataset,
    seq,
    filepath: `${SOURCE}/f${String(Math.floor(seq / 1000)).padStart(4, '0')}/photo-${String(seq).padStart(7, '0')}.${png ? 'png' : 'jpg'}`,
    part: 0,
    source: { size_bytes, mtime_ns: Long.fromNumber(1_700_000_000_000 + seq), fingerprint: `${size_bytes}-${seq}` },
    metadata: {
      size_bytes,
      mime_type: png ? 'image/png' : 'image/jpeg',
      format: png ? 'png' : 'jpeg',
      width: 200 + ((seq * 31) % 1600),
      height: 200 + ((seq * 17) % 1600),
      num_channels: 3,
      orientation: 1,
    },
    tags: seq % 100 === 5 ? ['keep'] : [],
    status: failed ? 'failed' : 'indexed',
    ...(failed ? { error: { code: 'decode_failed', message: 'torn', stage: 'embedding' as const, at: now } } : {}),
    job_id: 'bench',
    created_at: now,
    last_modified_at: now,
  };
}
