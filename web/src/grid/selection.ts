/** Which samples are chosen, by seq. Steps return a new selection; none changes the one it is given. */
export interface Selection {
  seqs: ReadonlySet<number>;
  /** Where a range begins. */
  anchor: number | null;
}

export const NOTHING: Selection = { seqs: new Set(), anchor: null };

/** A plain click on the box, or Ctrl with a click. */
export function toggled(selection: Selection, seq: number): Selection {
  const seqs = new Set(selection.seqs);
  if (!seqs.delete(seq)) seqs.add(seq);
  return { seqs, anchor: seq };
}

/** Shift with a click or an arrow: all from the anchor to here, of what is between. Added to what was chosen. */
export function extended(
  selection: Selection,
  between: (from: number, to: number) => number[],
  seq: number,
): Selection {
  const anchor = selection.anchor ?? seq;
  const seqs = new Set(selection.seqs);
  for (const each of between(Math.min(anchor, seq), Math.max(anchor, seq))) seqs.add(each);
  return { seqs, anchor };
}

/** The most samples that one request tags by number. */
export const MOST_SELECTED = 10_000;
