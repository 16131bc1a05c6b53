/** The selected samples by seq. Functions return a new selection and never change their argument. */
export interface Selection {
  seqs: ReadonlySet<number>;
  /** Start of a range. */
  anchor: number | null;
}

export const NOTHING: Selection = { seqs: new Set(), anchor: null };

/** Toggles a sample: a click on its box, or Ctrl with a click. */
export function toggled(selection: Selection, seq: number): Selection {
  const seqs = new Set(selection.seqs);
  if (!seqs.delete(seq)) seqs.add(seq);
  return { seqs, anchor: seq };
}

/** Adds the samples from the anchor to this one: Shift with a click or an arrow. */
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

/** Maximum number of samples that one request tags by number. */
export const MOST_SELECTED = 10_000;
