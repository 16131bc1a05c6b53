import { homedir } from 'node:os';
import type { Store } from '../core/store/store.ts';
import type { Output } from './output.ts';
import { printable } from './printable.ts';

const MOST_NAMED = 2;

/** Notes what is rarely meant of a load: that it adds a folder to another folder's dataset, and that it reads a whole machine or home. */
export async function noteSource(
  { datasets }: Pick<Store, 'datasets'>,
  { dataset, source }: { dataset: string; source: string },
  { named, note }: { named: boolean } & Pick<Output, 'note'>,
): Promise<void> {
  if (source === '/' || source === homedir())
    note(`note: this reads everything below ${source}. To stop it: plimsoll cancel ${dataset}`);
  // A dataset that was named is the one that is meant.
  if (named) return;
  const { sources = [] } = (await datasets.findOne({ _id: dataset }, { projection: { sources: 1 } })) ?? {};
  if (sources.length === 0 || sources.includes(source)) return;
  const held = sources.slice(0, MOST_NAMED).map(printable).join(', ');
  const more = sources.length > MOST_NAMED ? ` and ${sources.length - MOST_NAMED} more` : '';
  note(
    `note: ${dataset} already holds ${held}${more}; this adds ${printable(source)} to it. For a dataset of its own: --dataset NAME`,
  );
}
