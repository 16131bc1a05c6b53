import type { Figure, History, Target } from './figure.ts';

/** Formats a figure as lines for people. */
export function linesOf(figure: Figure): string[] {
  const { floor, ratio, unit, targets, histories, facts = {}, peak_memory_bytes: memory, cpu_seconds: cpu } = figure;
  return [
    `${figure.measurement}: ${figure.what}`,
    row('Plimsoll', spreadText(figure, unit)),
    ...(floor ? [row('floor', `${spreadText(floor, unit)}  ${floor.what}`)] : []),
    ...(ratio === null ? [] : [row('ratio', ratio.toFixed(2))]),
    ...targets.map((target) => row('target', targetText(target))),
    ...Object.entries(facts).map(([what, text]) => row(what, text)),
    ...(Object.keys(memory).length > 0 ? [row('peak memory', memoryText(memory))] : []),
    ...(Object.keys(cpu).length > 0 ? [row('CPU', cpuText(cpu))] : []),
    ...histories.map((history) => row('history', historyText(history))),
    row('bound by', figure.bound_by),
    '',
  ];
}

const row = (title: string, text: string) => `  ${title.padEnd(12)} ${text}`;

function spreadText({ value, min, max, runs }: Pick<Figure, 'value' | 'min' | 'max' | 'runs'>, unit: string): string {
  const spread = runs.length > 1 ? `(${digits(min)}-${digits(max)}, ${runs.length} runs)` : '(1 run)';
  return `${digits(value)} ${unit}  ${spread}`;
}

function targetText({ what, value, at_most, at_least, unit, met }: Target): string {
  const bound = at_most === undefined ? `at least ${at_least}` : `at most ${at_most}`;
  const verdict = met === null ? 'not judged' : met ? 'met' : 'NOT MET';
  return `${verdict}: ${what} ${digits(value)}, ${bound} ${unit}`.trimEnd();
}

function memoryText(memory: Record<string, number>): string {
  return Object.entries(memory)
    .map(([name, bytes]) => `${name} ${Math.round(bytes / 1e6)} MB`)
    .join(', ');
}

function cpuText(seconds: Record<string, number>): string {
  return Object.entries(seconds)
    .map(([name, value]) => `${name} ${digits(value)} s`)
    .join(', ');
}

function historyText({ workflow_id, runs }: History): string {
  const lengths = runs.map(({ events, bytes }) => `${events} events, ${Math.round(bytes / 1024)} KiB`);
  return `${workflow_id}: ${lengths.join('; continued as new: ')}`;
}

function digits(value: number): string {
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}
