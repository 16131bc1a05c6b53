import type { ExtractedDocument } from '../document.ts';
import type { Range } from './pieces.ts';

/** A part of a document that shares its chunks with no other: what stands below a heading, or a record. */
export interface Section extends Range {
  /** The headings above it and its own, outermost first. */
  headings: string[];
  /** The number of its record, from 1. */
  record?: number;
}

/** The sections of a document, in order. A heading without a text of its own belongs to the section that follows. */
export function sectionsOf({ text, headings, records = [] }: ExtractedDocument): Section[] {
  const sections: Section[] = [];
  const path: { level: number; title: string }[] = [];
  const starts = [
    { at: 0 },
    ...records.map((at, i) => ({ at, record: i + 1 })),
    ...headings.map((heading) => ({ at: heading.at, heading })),
  ].sort((a, b) => a.at - b.at) as { at: number; record?: number; heading?: (typeof headings)[number] }[];
  let record: number | undefined;
  /** The place where headings without a text of their own began. */
  let pending: number | undefined;
  for (const [i, { at, record: begun, heading }] of starts.entries()) {
    record = begun ?? record;
    if (heading !== undefined) {
      while ((path.at(-1)?.level ?? 0) >= heading.level) path.pop();
      path.push(heading);
    }
    const end = starts[i + 1]?.at ?? text.length;
    const start = pending ?? at;
    const isLast = i === starts.length - 1;
    if (
      heading !== undefined &&
      !isLast &&
      starts[i + 1]?.heading !== undefined &&
      isHeadingAlone(text.slice(at, end))
    ) {
      pending = start;
      continue;
    }
    pending = undefined;
    if (end > start)
      sections.push({
        start,
        end,
        headings: path.map(({ title }) => title),
        ...(record === undefined ? {} : { record }),
      });
  }
  return sections;
}

/** Whether a section is one line, with or without a line of signs below that makes it a heading. */
const isHeadingAlone = (section: string) => /^\s*[^\n]*(?:\n[ \t]*[=-]+[ \t]*)?\s*$/.test(section);
