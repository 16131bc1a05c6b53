import { expect, it } from 'vitest';
import { extractMarkdown } from '../../../core/media/documents/extract/markdown.ts';

const headingsOf = (text: string) =>
  extractMarkdown(text).headings.map(({ at, level, title }) => [level, title, text.slice(at).split('\n')[0]]);

it('finds headings of both kinds, with where they begin', () => {
  expect(
    headingsOf('# One #\n\ntext\n\nTwo\n===\n\n ### `Three` **b**\nFour\nlines\n---\n#No\n####### No\n#\n'),
  ).toEqual([
    [1, 'One', '# One #'],
    [1, 'Two', 'Two'],
    [3, 'Three b', ' ### `Three` **b**'],
    [2, 'Four lines', 'Four'],
  ]);
});

it('takes lines in code, and rules below lists, quotes and tables, for no headings', () => {
  const text = [
    '```sh\n# comment\n~~~\n# still\n```\n',
    '~~~~\n```\n# comment\n~~~\n# still\n~~~~\n',
    '    # indented\n    text\n---\n',
    '- item\ngoes on\n---\n',
    '> quote\ngoes on\n---\n',
    '| a | b |\n---\n',
    'Text with `# code`.\n\n---\n',
    '# After ``` it\n',
  ].join('\n');
  expect(headingsOf(text)).toEqual([[1, 'After it', '# After ``` it']]);
});

it('takes inline code of three backticks for no fence', () => {
  expect(headingsOf('```a``` b\n# Heading\n')).toEqual([[1, 'Heading', '# Heading']]);
});

it('goes on to the end in a fence that is never closed', () => {
  expect(headingsOf('# One\n```\n# Two\n')).toEqual([[1, 'One', '# One']]);
});

it('shows the words of links and pictures', () => {
  expect(headingsOf('## See [the _guide_](guide.md) ![x](y.png) for snake_case \\*\n')[0]?.[1]).toBe(
    'See the guide x for snake_case *',
  );
});

it('reads the title from front matter, which has no headings', () => {
  const yaml = '---\r\ntitle: "Load lines"\r\n# comment\r\n---\r\n# First\r\n';
  expect(extractMarkdown(yaml)).toEqual({
    format: 'markdown',
    title: 'Load lines',
    text: yaml,
    headings: [{ at: yaml.indexOf('# First'), level: 1, title: 'First' }],
  });
  expect(extractMarkdown("+++\ntitle = 'TOML'\n+++\n").title).toBe('TOML');
  expect(extractMarkdown('---\nnever: closed\n\n# First\n').title).toBe('First');
  expect(extractMarkdown('## Second\n').title).toBeUndefined();
});

it('takes linear time for what makes expressions go back', () => {
  for (const hard of [
    '['.repeat(1e6),
    '#'.repeat(1e6),
    `# ${'[a'.repeat(1e6)}`,
    '_'.repeat(1e6),
    `# ${'`*_'.repeat(1e5)}`,
    `a\n${'-'.repeat(1e6)}x`,
    '\n'.repeat(1e6),
  ])
    expect(extractMarkdown(hard).text).toBe(hard);
});
