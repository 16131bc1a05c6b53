import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { BUILT_IN_MODEL } from '../../contract/built-in-model.ts';
import { loadDatasetInput } from '../../contract/inputs.ts';
import { embedWorkflowId } from '../../contract/names.ts';
import { generated } from '../../scripts/write-schemas.ts';

describe('the contract', () => {
  it.each(Object.keys(generated))('is documented as it is in docs/%s (npm run write-docs)', (path) => {
    expect(readFileSync(join(import.meta.dirname, '../../docs', path), 'utf8')).toBe(generated[path]);
  });

  it('embeds with the built-in model unless told otherwise', () => {
    expect(loadDatasetInput.parse({ dataset: 'a', source: '/a' }).model).toBe(BUILT_IN_MODEL);
  });

  it.each([
    ['built-in', 'embed-cats:built-in'],
    // The built-in models by their own names.
    ['color-gradient-grid', 'embed-cats:built-in'],
    ['hashed-words', 'embed-cats:built-in'],
    ['org/name', 'embed-cats:org/name'],
    ['/models/clip', expect.stringMatching(/^embed-cats:clip~[0-9a-f]{8}$/)],
    ['/other/clip', expect.not.stringMatching(embedWorkflowId('cats', '/models/clip'))],
  ])('names the embedding with %s %s', (model, id) => {
    expect(embedWorkflowId('cats', model)).toEqual(id);
  });
});
