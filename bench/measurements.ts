import { builtInMeasurement } from './built-in-measurement.ts';
import type { Measurement } from './context.ts';
import type { Figure } from './figure.ts';
import { firstMeasurement } from './first-measurement.ts';
import { indexMeasurement } from './index-measurement.ts';
import { reloadMeasurement } from './reload-measurement.ts';
import { samplesMeasurement } from './samples-measurement.ts';
import { vitMeasurement } from './vit-measurement.ts';

type Untargeted = Omit<Figure, 'targets'>;

const within =
  (seconds: number) =>
  ({ value }: Untargeted) => [{ what: 'wall time', value, at_most: seconds, unit: 's' }];

/** The measurements of DESIGN.md's table "Where it must stand", in the order in which they run. */
export const MEASUREMENTS: readonly Measurement[] = [
  indexMeasurement({ name: 'index', weight: 'photograph', count: 10_000, byDefault: true, targets: within(1.6) }),
  indexMeasurement({ name: 'index-100k', weight: 'small', count: 100_000, byDefault: true, targets: within(9) }),
  firstMeasurement,
  reloadMeasurement,
  vitMeasurement,
  builtInMeasurement,
  samplesMeasurement,
  indexMeasurement({
    name: 'million',
    weight: 'small',
    count: 1_000_000,
    byDefault: false,
    runs: 1,
    targets: (figure) => [
      ...within(120)(figure),
      {
        what: 'index worker, peak memory',
        value: (figure.peak_memory_bytes['worker-index'] ?? Number.NaN) / 1e6,
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
