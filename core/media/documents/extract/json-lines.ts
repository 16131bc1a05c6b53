import type { ExtractedDocument } from '../document.ts';
import { linesOf } from './lines.ts';

/** Each line that is not blank is a record. A line that is no valid JSON is a record, too: its words can be found. */
export function extractJsonLines(text: string): ExtractedDocument {
  const records: number[] = [];
  for (const { start, end } of linesOf(text)) if (/\S/.test(text.slice(start, end))) records.push(start);
  return { format: 'jsonl', text, headings: [], records };
}
