import { Long, ObjectId } from 'mongodb';
import { collectionsOf } from '../../../core/store/collections.ts';
import type { SampleDocument } from '../../../core/store/documents.ts';
import { noteSchemaVersion } from '../../../core/store/prepare.ts';
import type { Store } from '../../../core/store/store.ts';

export const SOURCE = '/srv/data/photos';

/** A dataset without files: `count` samples, each changed by `change`. */
export async function fillDataset(
  store: Store,
  name: string,
  count: number,
  change: (seq: number) => Partial<SampleDocument> = () => ({}),
  sources: string[] = [SOURCE],
): Promise<void> {
  const now = new Date('2026-01-01T00:00:00Z');
  await noteSchemaVersion(store);
  await collectionsOf(store).datasets.insertOne({
    _id: name,
    media_type: 'image',
    sources,
    next_seq: count,
    counts: { total: count, indexed: count, failed: 0, missing: 0 },
    phases: {},
    models: [],
    latest_job: 'none',
    created_at: now,
    last_modified_at: now,
  });
  for (let first = 0; first < count; first += 10_000) {
    const size = Math.min(10_000, count - first);
    await collectionsOf(store).samples.insertMany(
      Array.from({ length: size }, (_, i) => sampleOf(name, first + i, now, change(first + i))),
      { ordered: false },
    );
  }
}

function sampleOf(name: string, seq: number, now: Date, change: Partial<SampleDocument>): SampleDocument {
  return {
    _id: new ObjectId(),
    dataset_id: name,
    seq,
    filepath: `${SOURCE}/${String(seq % 10)}/img-${String(seq).padStart(7, '0')}.jpg`,
    part: 0,
    source: { size_bytes: 1000 + seq, mtime_ns: Long.fromNumber(1), fingerprint: `${seq}-1` },
    metadata: {
      size_bytes: 1000 + seq,
      mime_type: 'image/jpeg',
      format: 'jpeg',
      width: 640,
      height: 480,
      num_channels: 3,
      orientation: 1,
    },
    tags: [],
    status: 'indexed',
    job_id: 'none',
    created_at: now,
    last_modified_at: now,
    ...change,
  };
}
