import { expect, it } from 'vitest';
import { extractDocument } from '../../../core/media/documents/extract/extract-document.ts';
import { htmlText } from '../../../core/media/documents/extract/html-text.ts';

const extract = (html: string) => extractDocument(Buffer.from(html), 'a.html');
const textOf = (html: string) => htmlText(html).text;

const SENTENCE = 'The load line shows how deep a ship may lie, and its marks are painted on both of her sides. ';

it('reads the article of a page, its headings and its title', async () => {
  const { title, text, headings } = await extract(`<!doctype html><html><head><title>Load &amp; lines</title>
    <style>p { color: red }</style><script>var x = "<p>no</p>";</script></head><body>
    <nav><a href="/">Home</a></nav>
    <article><h2>Marks <a class="headerlink" href="#m">¶</a></h2><p>${SENTENCE.repeat(10)}</p>
    <h3>Of  <b>wood</b></h3><p>${SENTENCE.repeat(10)}</p></article>
    <footer>Imprint</footer></body></html>`);
  expect(title).toBe('Load & lines');
  expect(text).not.toMatch(/Home|Imprint|no|red/);
  expect(headings.map(({ level, title: words, at }) => [level, words, text.slice(at, at + words.length)])).toEqual([
    [2, 'Marks', 'Marks'],
    [3, 'Of wood', 'Of wood'],
  ]);
  expect(text.match(/The load line/g)).toHaveLength(20);
});

it('reads the whole page where the article is only a part of it', async () => {
  const cards = Array.from(
    { length: 40 },
    (_, n) => `<div class="card"><a href="/${n}">Ship number ${n} of the list</a></div>`,
  );
  const { text } = await extract(
    `<body><article><p>${SENTENCE.repeat(8)}</p></article><div>${cards.join('')}</div></body>`,
  );
  expect(text).toContain('Ship number 0 of');
  expect(text).toContain('Ship number 39 of');
});

it.each([
  ['of too many characters', `<!-- ${'x'.repeat(1_000_000)} -->`, ''],
  ['of too many elements', '<wbr>'.repeat(20_001), ''],
  ['nested too deep', '<div>'.repeat(201), '</div>'.repeat(201)],
])('does not look for the article of a page %s', async (_, before, after) => {
  const page = `<article><p>${SENTENCE.repeat(20)}</p></article><div class="sidebar"><p>Related</p></div>`;
  expect((await extract(`<body>${page}</body>`)).text).not.toContain('Related');
  expect((await extract(`<body>${before}${page}${after}</body>`)).text).toContain('Related');
});

it('reads a page of nothing but navigation', async () => {
  expect((await extract('<nav><a href="/">All ships</a></nav>')).text).toBe('All ships');
  const { text } = await extract(`<nav>${'<a href="/">A ship</a> '.repeat(30_000)}</nav>`);
  expect(text.match(/A ship/g)).toHaveLength(30_000);
});

it('has paragraphs, lines, rows and cells', () => {
  expect(
    textOf(
      '<p>one<p>two\n three<div>four<br>five<br><br>six</div><ul><li>a<li>b</ul>' +
        '<table><tr><th>h<th>i<tr><td><p>1</p></td><td>2</td></tr></table>end',
    ),
  ).toBe('one\n\ntwo three\n\nfour\nfive\n\nsix\n\na\nb\n\nh\ti\n1\t2\n\nend');
});

it('keeps the lines of preformatted text', () => {
  expect(textOf('<pre>\nif x:\n    y  z\n\n<b>end</b></pre><p>a</p>')).toBe('if x:\n    y  z\n\nend\n\na');
});

it('leaves out what is hidden, code, controls and readings beside characters', () => {
  expect(
    textOf(
      'a<script>if (a < b) "</p>"</script><style>x</style><template>t</template><svg><text>s</text></svg>' +
        '<select><option>o</select><div hidden>h<div>h</div></div><span aria-hidden=true>i</span><!-- c -->' +
        '<ruby>漢<rp>(</rp><rt>かん</rt><rp>)</rp></ruby>b',
    ),
  ).toBe('a漢b');
});

it('reads entities, and joins what the line end of a source breaks in Chinese and Japanese', () => {
  expect(textOf('<p>a&nbsp;&amp;&#8364;&hellip;in&shy;visible</p>')).toBe('a &€…invisible');
  expect(textOf('<p>満載\n    喫水線\nis a\nline</p>')).toBe('満載喫水線 is a line');
  expect(textOf('<p dir="rtl">שלום\n<b>עולם</b></p>')).toBe('שלום עולם');
});

it('replaces what no text may hold, one for one', async () => {
  const nul = `<p>${'a'.repeat(9000)}\0b&#xD800;c</p><h2>\0d</h2>`;
  const { text, headings } = await extract(nul);
  expect(text.slice(9000)).toBe('\ufffdb\ufffdc\n\n\ufffdd');
  expect(headings).toEqual([{ at: 9006, level: 2, title: '\ufffdd' }]);
});

it('reads XHTML with empty elements', async () => {
  const xhtml =
    '<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><head><title/><script src="a"/></head><body><p>a</p></body></html>';
  expect((await extract(xhtml)).text).toBe('a');
});

it('reads what is never closed', async () => {
  expect((await extract('<html><body><div><p>one <b>two <i>three<table><tr><td>four')).text).toBe(
    'one two three\n\nfour',
  );
  expect((await extract('<p>one</p><a href="never closed>two')).text).toBe('one');
  expect((await extract('</div></p></table></td></h1>one<h1>two')).headings).toEqual([
    { at: 3 + 2, level: 1, title: 'two' },
  ]);
  expect((await extract(`<h1>${SENTENCE.repeat(20)}`)).headings).toEqual([]);
  // A heading that is never closed ends where the next paragraph begins.
  expect((await extract(`<h1>one<p>${SENTENCE}`)).headings).toEqual([{ at: 0, level: 1, title: 'one' }]);
});

it.each([
  ['open', '<div>'.repeat(100_000), ''],
  ['closed', '<div>'.repeat(100_000), '</div>'.repeat(100_000)],
  ['closed wrongly', '<div>'.repeat(100_000), '</p></x>'.repeat(100_000)],
  ['skipped', '<svg>'.repeat(100_000) + '</svg>'.repeat(100_000), ''],
  ['cells', '<table><tr><td>'.repeat(100_000), ''],
])('reads 100,000 nested elements, %s', async (_, before, after) => {
  expect((await extract(`${before}deep${after}`)).text).toBe('deep');
});
