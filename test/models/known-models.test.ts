import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { isRepository, knownModels } from '../../core/models/known-models.ts';

test('known models have a graph for each thing that they embed, and what prepares it', () => {
  for (const { name, repository, files, embeds, dimensions } of knownModels()) {
    expect(name).toMatch(/^[a-z][a-z0-9-]*$/);
    expect(isRepository(repository), repository).toBe(true);
    expect(files.filter((file) => file.endsWith('.onnx')).length, name).toBe(embeds.length);
    expect(files.includes('preprocessor_config.json'), name).toBe(embeds.includes('images'));
    expect(files.includes('tokenizer.json'), name).toBe(embeds.includes('text'));
    expect(dimensions, name).toBeGreaterThan(0);
  }
});

test('docs/models.md has the known models', () => {
  const docs = readFileSync(join(import.meta.dirname, '../../docs/models.md'), 'utf8');
  const rows = knownModels().map(
    ({ name, repository, embeds, dimensions, licence }) =>
      `| \`${name}\` | \`${repository}\` | ${embeds.join(', ')} | ${dimensions} | ${licence} |`,
  );
  expect(docs).toContain(rows.join('\n'));
});
