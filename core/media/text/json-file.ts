import { readFile } from 'node:fs/promises';
import type * as z from 'zod';
import { ModelInvalidError } from '../../models/errors.ts';

/**
 * Reads a JSON file of a model.
 *
 * @throws ModelInvalidError naming the file and the field
 */
export async function readJson<T>(file: string, schema: z.ZodType<T>): Promise<T> {
  const text = await readFile(file, 'utf8');
  return inFile(file, () => {
    const parsed = schema.safeParse(JSON.parse(text));
    if (parsed.success) return parsed.data;
    const issue = parsed.error.issues[0];
    throw new Error(`${issue?.path.join('.') || 'the content'}: ${issue?.message}`);
  });
}

/** Names the file in whatever `read` throws, as a ModelInvalidError. */
export function inFile<T>(file: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new ModelInvalidError(`${file}: ${(error as Error).message}`);
  }
}
