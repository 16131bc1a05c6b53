const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;
/** How programs write numbers that are none. */
const NOT_FINITE = /^[+-]?(?:nan|inf|infinity)$/i;

/** A decimal number, or NaN if it is not finite. Undefined if the text is no number. */
export function parseNumber(text: string): number | undefined {
  if (NOT_FINITE.test(text)) return Number.NaN;
  if (!NUMBER.test(text)) return undefined;
  const value = Number(text);
  return Number.isFinite(value) ? value : Number.NaN;
}

/** A text of a file in a message: never a whole page of it. */
export const quoted = (text: string): string => JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
