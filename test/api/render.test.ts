import { expect, test, vi } from 'vitest';
import type { Change } from '../../api/events/changes.ts';
import { createRenderer } from '../../api/events/render.ts';
import type { DatasetDocument } from '../../core/store/documents.ts';

/** A change that counts how often it is read. */
function datasetChange(): { change: Change; reads: () => number } {
  const mediaType = vi.fn(() => 'image');
  const document = {
    _id: 'photos',
    get media_type() {
      return mediaType();
    },
    sources: ['/srv/photos'],
    next_seq: 1,
    counts: { total: 1, indexed: 1, failed: 0, missing: 0 },
    phases: {},
    models: [],
    latest_job: 'none',
    created_at: new Date(0),
    last_modified_at: new Date(0),
  } as DatasetDocument;
  return { change: { kind: 'dataset', dataset: 'photos', document }, reads: () => mediaType.mock.calls.length };
}

test('a change is rendered once for each scope, however many are told of it', () => {
  const render = createRenderer([]);
  const { change, reads } = datasetChange();
  const told = Array.from({ length: 1000 }, (_, i) => render(change, i % 2 === 0 ? 'read' : 'operate'));
  expect(reads()).toBe(2);
  const sources = new Set(told.map(({ event }) => JSON.parse(event.text).sources[0]));
  expect(sources).toEqual(new Set(['photos', '/srv/photos']));
});

test('another change of the same thing is rendered anew', () => {
  const render = createRenderer([]);
  const [one, two] = [datasetChange(), datasetChange()];
  render(one.change, 'read');
  render(two.change, 'read');
  expect([one.reads(), two.reads()]).toEqual([1, 1]);
});
