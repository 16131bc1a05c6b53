import { posix } from 'node:path';
import { ItemError } from '../../item-error.ts';
import type { ExtractedDocument, Heading } from '../document.ts';
import { type Archive, openArchive } from './archive.ts';
import { decodeText, xmlEncoding } from './decode-text.ts';
import { readTags } from './html-tags.ts';
import { type HtmlText, htmlText } from './html-text.ts';

const CONTAINER = 'META-INF/container.xml';
const ENCRYPTION = 'META-INF/encryption.xml';
const CHAPTER_TYPES = new Set(['application/xhtml+xml', 'text/html', 'text/x-oeb1-document']);

/** The text of a book: its chapters in reading order. One without a heading gets that of the table of contents. */
export async function extractEpub(bytes: Buffer): Promise<ExtractedDocument> {
  const archive = await openArchive(bytes, 'EPUB');
  const { title, chapters, contents } = await readPackage(archive);
  await refuseEncrypted(archive, chapters);
  const labels = contents === undefined ? new Map<string, string>() : await readLabels(archive, contents);

  const texts: string[] = [];
  const headings: Heading[] = [];
  let length = 0;
  for (const chapter of chapters) {
    const xhtml = await readText(archive, chapter);
    if (xhtml === undefined) throw broken(`its chapter ${chapter} is missing`);
    const { text, headings: found } = withLabel(htmlText(xhtml, { dialect: 'xhtml' }), labels.get(chapter));
    if (text === '') continue;
    if (texts.length > 0) length += '\n\n'.length;
    headings.push(...found.map((heading) => ({ ...heading, at: length + heading.at })));
    texts.push(text);
    length += text.length;
  }
  return { format: 'epub', ...(title && { title }), text: texts.join('\n\n'), headings };
}

const broken = (why: string) => new ItemError('broken_document', `this is no EPUB file, or a damaged one: ${why}`);

/** A chapter begins with its label, unless it has a heading or shows the label anyway. */
function withLabel(chapter: HtmlText, label: string | undefined): Pick<HtmlText, 'text' | 'headings'> {
  if (!label || chapter.text === '' || chapter.headings.length > 0) return chapter;
  const heading = { at: 0, level: 1, title: label };
  if (chapter.text.startsWith(label)) return { text: chapter.text, headings: [heading] };
  return { text: `${label}\n\n${chapter.text}`, headings: [heading] };
}

interface Package {
  title: string;
  /** Names of the chapters' entries, in reading order. */
  chapters: string[];
  /** Name of the table of contents. */
  contents: string | undefined;
}

async function readPackage(archive: Archive): Promise<Package> {
  const container = await readText(archive, CONTAINER);
  if (container === undefined) throw broken(`it has no ${CONTAINER}`);
  let packageName: string | undefined;
  readTags(container, 'xml', {
    open: (name, attributes) => {
      if (localName(name) === 'rootfile') packageName ??= attributes['full-path'];
    },
    close() {},
    text() {},
  });
  const source = packageName === undefined ? undefined : await readText(archive, packageName);
  if (packageName === undefined || source === undefined) throw broken('its package file is missing');

  const items = new Map<string, { href: string; type: string }>();
  const spine: string[] = [];
  let navigation: string | undefined;
  let ncx: string | undefined;
  let title = '';
  let isInTitle = false;
  readTags(source, 'xml', {
    open(name, { id = '', href = '', idref = '', properties = '', toc, 'media-type': type = '' }) {
      const tag = localName(name);
      isInTitle = tag === 'title' && title === '';
      if (tag === 'item') items.set(id, { href: resolve(packageName as string, href), type });
      if (tag === 'item' && properties.split(' ').includes('nav')) navigation = id;
      if (tag === 'spine') ncx = toc;
      if (tag === 'itemref') spine.push(idref);
    },
    close() {
      isInTitle = false;
    },
    text(words) {
      if (isInTitle) title += words;
    },
  });
  const chapters = spine
    .map((id) => items.get(id))
    .filter((item) => item !== undefined && CHAPTER_TYPES.has(item.type.toLowerCase()))
    .map((item) => (item as { href: string }).href)
    // The table of contents repeats the headings.
    .filter((href) => navigation === undefined || href !== items.get(navigation)?.href);
  if (chapters.length === 0) throw broken('it lists no chapters');
  return { title: title.trim(), chapters, contents: items.get(navigation ?? ncx ?? '')?.href };
}

/** Fonts are often obfuscated, which hides no text. */
async function refuseEncrypted(archive: Archive, chapters: readonly string[]): Promise<void> {
  const encryption = await readText(archive, ENCRYPTION);
  if (encryption === undefined) return;
  const encrypted = new Set<string>();
  readTags(encryption, 'xml', {
    open: (name, { uri = '' }) => {
      if (localName(name) === 'cipherreference') encrypted.add(decoded(uri));
    },
    close() {},
    text() {},
  });
  if (chapters.some((chapter) => encrypted.has(chapter)))
    throw new ItemError('encrypted', 'the book is protected by DRM, so its chapters can not be read');
}

/** The labels of the table of contents (EPUB 3 nav or EPUB 2 NCX) by the entries that they lead to, the first of each. */
async function readLabels(archive: Archive, contents: string): Promise<Map<string, string>> {
  const labels = new Map<string, string>();
  let words = '';
  let target: string | undefined;

  function add(): void {
    const label = words.replaceAll(/\s+/g, ' ').trim();
    if (target !== undefined && label !== '' && !labels.has(target)) labels.set(target, label);
    target = undefined;
    words = '';
  }
  readTags((await readText(archive, contents)) ?? '', 'xml', {
    open(name, { href, src }) {
      const tag = localName(name);
      if (tag === 'a' && href !== undefined) {
        words = '';
        target = resolve(contents, href);
      }
      if (tag === 'navlabel') words = '';
      if (tag === 'content' && src !== undefined) {
        target = resolve(contents, src);
        add();
      }
    },
    close: (name) => {
      if (localName(name) === 'a') add();
    },
    text: (piece) => {
      words += piece;
    },
  });
  return labels;
}

async function readText(archive: Archive, name: string): Promise<string | undefined> {
  const bytes = await archive.read(name);
  return bytes === undefined ? undefined : decodeText(bytes, xmlEncoding);
}

const localName = (name: string) => name.slice(name.indexOf(':') + 1);

/** The entry that a reference in another one means, without its fragment. */
function resolve(from: string, reference: string): string {
  return posix.join(posix.dirname(from), decoded(reference.split('#')[0] as string));
}

function decoded(uri: string): string {
  try {
    return decodeURIComponent(uri);
  } catch {
    return uri;
  }
}
