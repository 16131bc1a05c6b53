import { describe, expect, test } from 'vitest';
import { eventsOf } from '../../web/src/api/event-stream.ts';
import { filtersFrom, queryOf } from '../../web/src/filters.ts';
import { layoutGrid } from '../../web/src/grid/layout.ts';
import { contentAfterScroll, createScrollMap, TALLEST_PX } from '../../web/src/grid/scroll-map.ts';
import { extended, NOTHING, toggled } from '../../web/src/grid/selection.ts';
import { bodyAgain, formOf } from '../../web/src/load-again.ts';
import { inVariants, isVariant } from '../../web/src/model-variants.ts';
import { bodyOf, datasetNameOf, embedAtWords, emptyForm } from '../../web/src/new-load.ts';
import { routeOf } from '../../web/src/state/route.ts';

describe('the map of a scroll bar', () => {
  const WINDOW = 800;
  const CONTENT = 90_000_000;
  const map = createScrollMap(CONTENT, WINDOW);

  test('is never taller than a browser allows, and reaches from end to end', () => {
    expect(map.heightPx).toBe(TALLEST_PX);
    expect(map.contentAt(0)).toBe(0);
    expect(map.contentAt(TALLEST_PX - WINDOW)).toBe(CONTENT - WINDOW);
  });

  test.each([0, 500, 999_999, 1_000_001, 45_000_000, CONTENT - 1_000_001, CONTENT - 900])('finds %d again', (px) => {
    expect(map.contentAt(map.scrollFor(px))).toBeCloseTo(px, 3);
  });

  test('rises all the way', () => {
    const steps = Array.from({ length: 1000 }, (_, n) => map.contentAt((n / 999) * (TALLEST_PX - WINDOW)));
    expect(steps.every((px, n) => n === 0 || px > (steps[n - 1] ?? 0))).toBe(true);
  });

  test('moves the content by a step as far as the wheel turned, and by a leap to where the bar says', () => {
    const before = { scrollTop: 4_000_000, contentTop: map.contentAt(4_000_000) };
    expect(contentAfterScroll(map, before, 4_000_120, WINDOW)).toBe(before.contentTop + 120);
    expect(contentAfterScroll(map, before, 6_000_000, WINDOW)).toBe(map.contentAt(6_000_000));
  });

  test('leaves content that fits as it is', () => {
    const short = createScrollMap(10_000, WINDOW);
    expect([short.heightPx, short.contentAt(1234), short.contentAt(99_999)]).toEqual([10_000, 1234, 9200]);
  });
});

test('tiles fill the width, and a phone has three in a row', () => {
  const { columns, tileWidthPx } = layoutGrid(1312, 'medium');
  expect(columns * tileWidthPx + (columns - 1) * 4).toBeCloseTo(1312);
  expect(layoutGrid(347, 'medium').columns).toBe(3);
});

describe('filters', () => {
  test('come from an address and go back into the same one', () => {
    const query = 'status=failed&tag=a+b&q=%C3%BC&min_width=10&error=any';
    expect(queryOf(filtersFrom(new URLSearchParams(query))).toString()).toBe(
      'status=failed&tag=a+b&q=%C3%BC&error=any&min_width=10',
    );
  });

  test('keep a class as it is named, with the field in which it is looked for', () => {
    const query = 'label=+%F0%9F%98%80%0A&field=truth&split=val';
    const filters = filtersFrom(new URLSearchParams(query));
    expect(filters).toMatchObject({ label: ' 😀\n', field: 'truth', split: 'val' });
    expect(queryOf(filters).toString()).toBe(query);
  });

  test('leave out what makes no sense', () => {
    const query = new URLSearchParams('status=odd&min_width=-5&max_bytes=1e9&other=1');
    expect(queryOf(filtersFrom(query)).toString()).toBe('');
  });
});

describe('a stream of events', () => {
  const streamOf = (...chunks: (string | Uint8Array)[]) => {
    const encoder = new TextEncoder();
    return new ReadableStream<Uint8Array>({
      start(controller) {
        for (const chunk of chunks) controller.enqueue(typeof chunk === 'string' ? encoder.encode(chunk) : chunk);
        controller.close();
      },
    });
  };
  const read = async (...chunks: (string | Uint8Array)[]) => Array.fromAsync(eventsOf(streamOf(...chunks)));

  test('is read whole, however it is cut', async () => {
    const text = ': hello\n\nid: 7\nevent: job\ndata: {"a":\ndata: "ü"}\n\ndata: x\n\n';
    const expected = [
      { event: 'job', data: '{"a":\n"ü"}', id: '7' },
      { event: 'message', data: 'x', id: '7' },
    ];
    const bytes = new TextEncoder().encode(text);
    expect(await read(text)).toEqual(expected);
    expect(await read(...Array.from(bytes, (byte) => Uint8Array.of(byte)))).toEqual(expected);
  });

  test('gives nothing of an event that was cut off', async () => {
    expect(await read('data: whole\n\ndata: half')).toEqual([{ event: 'message', data: 'whole', id: '' }]);
  });
});

test('a selection grows from its anchor, and forgets nothing', () => {
  const between = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, n) => from + n);
  const first = toggled(toggled(NOTHING, 9), 4);
  expect([...extended(first, between, 2).seqs].sort()).toEqual([2, 3, 4, 9]);
  expect([...toggled(first, 9).seqs]).toEqual([4]);
});

describe('the form of a new load', () => {
  test.each([
    ['/data/Holiday 2026/', 'holiday-2026'],
    ['/data/Überraschung', 'uberraschung'],
    ['/', ''],
    ['/a/..hidden..', 'hidden'],
  ])('names the dataset of %s', (source, name) => expect(datasetNameOf(source)).toBe(name));

  test('says by whose clock a time is entered, and which moment it is', () => {
    expect(embedAtWords('', 'Europe/Zurich')).toBe('In your own time zone, Europe/Zurich.');
    const local = '2030-07-01T10:00';
    const utc = new Date(local).toISOString().slice(11, 16);
    expect(embedAtWords(local, 'Europe/Zurich')).toMatch(new RegExp(`^In your own time zone, .* ${utc} UTC\\.$`));
  });

  test('sends what was filled in and nothing else', () => {
    const form = { ...emptyForm(), source: '/data/a', dataset: 'a' };
    expect(bodyOf(form)).toEqual({ source: '/data/a', dataset: 'a' });
    expect(bodyOf({ ...form, embed: false, model: 'x', embed_at: '2030-01-01T10:00' })).toEqual({
      source: '/data/a',
      dataset: 'a',
      embed: false,
    });
    const window = {
      window_start: '22:00',
      window_end: '06:00',
      window_days: ['sat', 'sun'],
      window_zone: 'Europe/Zurich',
    };
    expect(bodyOf({ ...form, ...window, priority: '1', webhooks: 'https://a.example\nhttps://b.example\n' })).toEqual({
      source: '/data/a',
      dataset: 'a',
      priority: 1,
      embed_window: { start: '22:00', end: '06:00', days: ['sat', 'sun'], time_zone: 'Europe/Zurich' },
      webhooks: [{ url: 'https://a.example' }, { url: 'https://b.example' }],
    });
    const annotations = {
      annotations: ' /data/a.json \n\n/data/b',
      annotation_format: 'coco',
      annotation_split: ' val ',
    };
    expect(bodyOf({ ...form, ...annotations })).toEqual({
      source: '/data/a',
      dataset: 'a',
      annotations: { paths: ['/data/a.json', '/data/b'], format: 'coco', split: 'val' },
    });
    expect(bodyOf({ ...form, no_annotations: true })).toMatchObject({ annotations: 'none' });
    // What was chosen for files that are not named any more, or for documents, says nothing.
    expect(bodyOf({ ...form, ...annotations, annotations: '' })).toEqual({ source: '/data/a', dataset: 'a' });
    expect(bodyOf({ ...form, ...annotations, media: 'text' })).not.toHaveProperty('annotations');
    const rules = { include: ' *.jpg \n\nraw/**\n', exclude: 'a b', hidden: true, reread: true };
    expect(bodyOf({ ...form, ...rules })).toEqual({
      source: '/data/a',
      dataset: 'a',
      include: ['*.jpg', 'raw/**'],
      exclude: ['a b'],
      hidden: true,
      reread: true,
    });
  });

  test('of a load that is made again sends what the load was asked for', () => {
    const asked = {
      source: '/data/a',
      dataset: 'a',
      media: 'image',
      model: 'my-clip:fp16',
      include: ['*.jpg'],
      exclude: ['thumbs', 'old'],
      annotations: { paths: ['/data/a.json'], format: 'coco', field: 'truth', replace: true },
      hidden: true,
      max_failed_percent: 5,
      priority: 1,
      fairness_key: 'tenant',
      embed_window: { start: '22:00', end: '06:00', days: ['mon'], time_zone: 'Europe/Zurich' },
      webhooks: [{ url: 'https://a.example', secret: 'other', events: ['dataset.ready'] }],
    };
    expect(bodyAgain(asked, formOf(asked))).toEqual(asked);
    const once = { ...asked, embed_at: '2026-01-01T00:00:00Z', artifact: '/data/a.mp4', max_failed_percent: 100 };
    const { max_failed_percent, ...again } = asked;
    expect(bodyAgain(once, formOf(once))).toEqual(again);
    const edited = { ...formOf(asked), source: '/data/b', webhooks: 'https://b.example' };
    expect(bodyAgain(asked, edited)).toMatchObject({ source: '/data/b', webhooks: [{ url: 'https://b.example' }] });
    const unembedded = { source: '/data/a', dataset: 'a', embed: false, model: 'color-gradient-grid' };
    expect(bodyAgain(unembedded, formOf(unembedded))).toEqual({ source: '/data/a', dataset: 'a', embed: false });
  });
});

test.each([
  ['/', { view: 'datasets' }],
  ['/datasets/a.b', { view: 'dataset', dataset: 'a.b', seq: null }],
  ['/datasets/a/samples/12', { view: 'dataset', dataset: 'a', seq: 12 }],
  ['/datasets/a/samples/x', { view: 'unknown', path: '/datasets/a/samples/x' }],
  ['/loads/new', { view: 'new-load' }],
  ['/jobs', { view: 'jobs' }],
  ['/jobs/01a1', { view: 'job', job: '01a1' }],
])('%s is a view', (path, route) => expect(routeOf(path)).toEqual(route));

test('a model is offered by its name, and by that of each variant beside its plain graph', () => {
  const clip = { name: 'org/my-clip', built_in: false, media: ['image'], dtypes: ['fp32', 'fp16', 'q8'] as const };
  const offered = inVariants({ ...clip, dtypes: [...clip.dtypes] });
  expect(offered.map((each) => [each.name, isVariant(each)])).toEqual([
    ['org/my-clip', false],
    ['org/my-clip:fp16', true],
    ['org/my-clip:q8', true],
  ]);
  expect(offered.every(({ media }) => media[0] === 'image')).toBe(true);
});
