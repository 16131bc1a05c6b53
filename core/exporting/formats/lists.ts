import type { DraftFile } from '../draft-file.ts';

/** Writes an element of a JSON list, with what comes before it. */
export function createJsonList(file: DraftFile): (element: unknown) => Promise<void> {
  let isFirst = true;
  return async (element) => {
    const text = JSON.stringify(element);
    await file.write(isFirst ? `\n${text}` : `,\n${text}`);
    isFirst = false;
  };
}
