import mammoth from 'mammoth';
import { ItemError } from '../../item-error.ts';
import type { ExtractedDocument } from '../document.ts';
import { type Archive, openArchive } from './archive.ts';
import { readTags } from './html-tags.ts';
import { htmlText } from './html-text.ts';
import { refuseOldOffice } from './old-office.ts';

/** Titles have no heading's style. Pictures are left out. */
const OPTIONS = {
  styleMap: ["p[style-name='Title'] => h1:fresh", "p[style-name='Subtitle'] => h2:fresh"],
  convertImage: mammoth.images.imgElement(async () => ({ src: '' })),
};

/** A link from a note back to where it belongs. */
const BACK_LINKS = / ?<a href="#[\w-]*-ref-\w+">↑<\/a>/g;

/** The text of a Word document, with its headings, lists, tables and notes. */
export async function extractDocx(bytes: Buffer): Promise<ExtractedDocument> {
  refuseOldOffice(bytes, 'DOCX');
  const archive = await openArchive(bytes, 'DOCX');
  // mammoth inflates without a bound.
  await archive.check();
  const { text, headings } = htmlText((await toHtml(bytes)).replaceAll(BACK_LINKS, ''));
  const title = (await titleOf(archive)) || headings.find(({ level }) => level === 1)?.title;
  return { format: 'docx', ...(title && { title }), text, headings };
}

async function toHtml(buffer: Buffer): Promise<string> {
  try {
    return (await mammoth.convertToHtml({ buffer }, OPTIONS)).value;
  } catch (error) {
    throw new ItemError('broken_document', `this is no DOCX file, or a damaged one: ${(error as Error).message}`);
  }
}

async function titleOf(archive: Archive): Promise<string> {
  const properties = (await archive.read('docProps/core.xml'))?.toString() ?? '';
  let title = '';
  let isInTitle = false;
  readTags(properties, 'xml', {
    open: (name) => {
      isInTitle = name === 'dc:title';
    },
    close: () => {
      isInTitle = false;
    },
    text: (words) => {
      if (isInTitle) title += words;
    },
  });
  return title.trim();
}
