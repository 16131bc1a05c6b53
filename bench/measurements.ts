import { annotatedMeasurement } from './annotated-measurement.ts';
import { artifactMeasurement } from './artifact-measurement.ts';
import { builtInMeasurement } from './built-in-measurement.ts';
import { commandMeasurement } from './command-measurement.ts';
import type { Measurement } from './context.ts';
import { feedMeasurement } from './feed-measurement.ts';
import type { Figure } from './figure.ts';
import { firstMeasurement } from './first-measurement.ts';
import { indexMeasurement } from './index-measurement.ts';
import { minilmMeasurement } from './minilm-measurement.ts';
import { reloadMeasurement } from './reload-measurement.ts';
import { samplesMeasurement } from './samples-measurement.ts';
import { searchIndexesMeasurement } from './search-indexes-measurement.ts';
import { searchMeasurement } from './search-measurement.ts';
import { tenMillionMeasurement } from './ten-million-measurement.ts';
import { textMeasurement } from './text-measurement.ts';
import { vitMeasurement } from './vit-measurement.ts';
import { workersMeasurement } from './workers-measurement.ts';

type Untargeted = Omit<Figure, 'targets'>;

/** A bound on the ratio to the floor of the same run: seconds depend on the machine. */
const within =
  (ratioAtMost: number) =>
  ({ ratio }: Untargeted) => [
    { what: 'ratio to the floor', value: ratio ?? Number.NaN, at_most: ratioAtMost, unit: '' },
  ];

/** The measurements of DESIGN.md's table "Where it must stand", in the order in which they run. */
export const MEASUREMENTS: readonly Measurement[] = [
  indexMeasurement({ name: 'index', weight: 'photograph', count: 10_000, byDefault: true, targets: within(3) }),
  indexMeasurement({ name: 'index-100k', weight: 'small', count: 100_000, byDefault: true, targets: within(2) }),
  annotatedMeasurement({
    name: 'annotated',
    weight: 'photograph',
    count: 10_000,
    byDefault: true,
    targets: ({ ratio }) => [
      { what: 'ratio to the load without', value: ratio ?? Number.NaN, at_most: 1.25, unit: '' },
    ],
  }),
  annotatedMeasurement({
    name: 'annotated-100k',
    weight: 'small',
    count: 100_000,
    byDefault: true,
    targets: ({ ratio, peak_memory_bytes }) => [
      // 12 s where the load without took 4.6 s.
      { what: 'ratio to the load without', value: ratio ?? Number.NaN, at_most: 12 / 4.6, unit: '' },
      {
        what: 'indexing worker, peak memory',
        value: (peak_memory_bytes['worker-indexing'] ?? Number.NaN) / 1e6,
        at_most: 500,
        unit: 'MB',
      },
    ],
  }),
  firstMeasurement,
  reloadMeasurement,
  vitMeasurement,
  feedMeasurement,
  minilmMeasurement,
  builtInMeasurement,
  artifactMeasurement,
  commandMeasurement,
  samplesMeasurement,
  searchMeasurement({
    name: 'search',
    count: 100_000,
    targets: { p50: 25, p99: 60, filteredP99: 60, first: 1000, recall: 1 },
  }),
  searchMeasurement({
    name: 'search-million',
    count: 1_000_000,
    runs: 1,
    targets: { p50: 10, p99: 30, filteredP99: 60, first: 1000, recall: 0.98 },
  }),
  searchIndexesMeasurement,
  textMeasurement({ name: 'text', chunks: 1115, byDefault: true, targets: { browsable: 1.5 } }),
  textMeasurement({
    name: 'text-100k',
    chunks: 100_000,
    byDefault: false,
    runs: 1,
    targets: { both: 60, memory: 500, p99: 80 },
  }),
  tenMillionMeasurement,
  workersMeasurement,
  indexMeasurement({
    name: 'million',
    weight: 'small',
    count: 1_000_000,
    byDefault: false,
    runs: 1,
    targets: (figure) => [
      ...within(1.5)(figure),
      {
        what: 'indexing worker, peak memory',
        value: (figure.peak_memory_bytes['worker-indexing'] ?? Number.NaN) / 1e6,
        at_most: 500,
        unit: 'MB',
      },
      {
        what: "parent's events, its longest run",
        value: Math.max(...figure.histories.flatMap(({ runs }) => runs.map(({ events }) => events))),
        at_most: 4096,
        unit: 'events',
      },
    ],
  }),
];
