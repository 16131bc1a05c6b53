import type { LoadStatus, PhaseStatus } from './status.ts';

/** A phase in a line of words, as Temporal's page and plain terminals show it. */
export function phaseInWords(name: string, phase: PhaseStatus): string {
  const count = (n: number) => n.toLocaleString('en-US');
  const progress = `${count(phase.done + phase.failed)} of ${count(phase.total)}${phase.total_known ? '' : '+'}`;
  const failed = phase.failed > 0 ? `, ${count(phase.failed)} failed` : '';
  const rate = phase.rate === null ? '' : `, ${count(Math.round(phase.rate * 10) / 10)}/s`;
  switch (phase.state) {
    case 'pending':
    case 'skipped':
      return `${name}: ${phase.state}`;
    case 'waiting':
      if (phase.waiting_for?.reason === 'other_job') return `${name}: waiting for another job that embeds this dataset`;
      return `${name}: waiting for a worker on ${phase.waiting_for?.task_queue ?? 'its task queue'}`;
    default:
      return `${name}: ${phase.state}, ${progress}${failed}${rate}`;
  }
}

/** A load in two lines of words. */
export function loadInWords({ phases }: Pick<LoadStatus, 'phases'>): string[] {
  return [phaseInWords('indexing', phases.indexing), phaseInWords('embedding', phases.embedding)];
}
