import type { Readability as ReadabilityClass } from '@mozilla/readability';
import type { ExtractedDocument } from '../document.ts';
import { decodeText, xmlEncoding } from './decode-text.ts';
import { type HtmlText, htmlText } from './html-text.ts';

/**
 * Readability needs a tree, whose time grows with the square of its depth: 100,000 nested elements take a minute. Larger
 * pages than these are books and tables, where there is nothing to find.
 */
const MAX_CHARACTERS = 1_000_000;
const MAX_ELEMENTS = 20_000;
const MAX_DEPTH = 200;

/** The article is taken if it is most of the page. An index or a manual has no article, and would lose its text. */
const ARTICLE_SHARE = 0.6;

const CHARSET = /<meta[^>]{0,200}?charset\s*=\s*["']?\s*([\w.:-]+)/i;

const XHTML = /^\s*<\?xml|<!doctype[^>]*xhtml|xmlns=["']http:\/\/www\.w3\.org\/1999\/xhtml/i;

/** linkedom has the part of the DOM that Readability uses. */
type ReadabilityDocument = ConstructorParameters<typeof ReadabilityClass>[0];

/** The text of a web page: its article if Readability finds one, else all of it but navigation, header and footer. */
export async function extractHtml(bytes: Buffer): Promise<ExtractedDocument> {
  const html = decodeText(bytes, declaredCharset);
  const page = wholePage(html);
  const { text, headings } = (await findArticle(html, page)) ?? page;
  const title = page.title || headings.find(({ level }) => level === 1)?.title;
  return { format: 'html', ...(title && { title }), text, headings };
}

const declaredCharset = (start: string) => xmlEncoding(start) ?? CHARSET.exec(start)?.[1];

/** A page of nothing but navigation is text, too. */
function wholePage(html: string): HtmlText {
  const dialect = XHTML.test(html.slice(0, 1000)) ? 'xhtml' : 'html';
  const page = htmlText(html, { withoutChrome: true, dialect });
  return page.text === '' ? htmlText(html, { dialect }) : page;
}

async function findArticle(html: string, page: HtmlText): Promise<HtmlText | undefined> {
  if (html.length > MAX_CHARACTERS || page.elements > MAX_ELEMENTS || page.depth > MAX_DEPTH) return undefined;
  const [{ parseHTML }, { Readability }] = await Promise.all([import('linkedom'), import('@mozilla/readability')]);
  // linkedom makes no body of its own.
  const { document } = parseHTML(/<body[\s>]/i.test(html) ? html : `<html><body>${html}</body></html>`);
  let content: string | null | undefined;
  try {
    content = new Readability(document as unknown as ReadabilityDocument, { keepClasses: true }).parse()?.content;
  } catch {
    // It relies on what a browser would repair. The whole page needs no repair.
    return undefined;
  }
  if (!content) return undefined;
  const article = htmlText(content);
  if (article.text.length < ARTICLE_SHARE * page.text.length) return undefined;
  // Readability makes second level headings of the first ones.
  const levels = new Map(page.headings.map(({ title, level }) => [title, level]));
  return {
    ...article,
    headings: article.headings.map((heading) => ({ ...heading, level: levels.get(heading.title) ?? heading.level })),
  };
}
