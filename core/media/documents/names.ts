import type { DocumentFormat } from './document.ts';

/** Formats by the extensions of names, in lower case. `json` is left out: it is data and settings, with no passages. */
const EXTENSIONS: Readonly<Record<DocumentFormat, string>> = {
  text: 'txt text log rst adoc asciidoc org tex textile srt vtt',
  markdown: 'md markdown mdown mkd mdx qmd rmd',
  html: 'html htm xhtml xht',
  pdf: 'pdf',
  docx: 'docx docm dotx',
  epub: 'epub',
  csv: 'csv tsv tab',
  jsonl: 'jsonl ndjson',
  code: [
    'js mjs cjs jsx ts mts cts tsx vue svelte astro css scss sass less',
    'py pyi rb php pl pm lua tcl r jl sh bash zsh fish ps1 bat awk',
    'java kt kts scala groovy gradle clj cljs go rs swift dart zig nim d',
    'c h cc cpp cxx hh hpp hxx cs fs fsx vb m mm cu f90 f95 pas ada adb ads cob asm',
    'hs lhs ml mli elm ex exs erl hrl lisp el scm rkt v sv vhd vhdl',
    'sql graphql gql proto thrift sol tf hcl nix cmake mk dockerfile',
    'yaml yml toml ini cfg conf properties xml xsd xsl xslt',
  ].join(' '),
};

/** Formats that are recognised and not read, with what a user can do. */
const UNREAD: Readonly<Record<string, string>> = {
  doc: 'save it as DOCX or PDF',
  rtf: 'save it as DOCX or PDF',
  odt: 'save it as DOCX or PDF',
  pages: 'export it as DOCX or PDF',
  ppt: 'export it as PDF',
  pptx: 'export it as PDF',
  odp: 'export it as PDF',
  xls: 'save each sheet as CSV',
  xlsx: 'save each sheet as CSV',
  ods: 'save each sheet as CSV',
  mobi: 'convert it to EPUB',
  azw3: 'convert it to EPUB',
};

/** Names without an extension, in capitals: those that projects give to their texts. */
const WHOLE_NAMES: Readonly<Record<string, DocumentFormat>> = {
  README: 'text',
  LICENSE: 'text',
  LICENCE: 'text',
  COPYING: 'text',
  NOTICE: 'text',
  AUTHORS: 'text',
  CHANGELOG: 'text',
  CHANGES: 'text',
  NEWS: 'text',
  CONTRIBUTING: 'text',
  INSTALL: 'text',
  TODO: 'text',
  MAKEFILE: 'code',
  DOCKERFILE: 'code',
};

/** MIME types that the formats of whole families share. */
const MIME_TYPES: Readonly<Record<DocumentFormat, string>> = {
  text: 'text/plain',
  markdown: 'text/markdown',
  html: 'text/html',
  pdf: 'application/pdf',
  docx: 'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
  epub: 'application/epub+zip',
  csv: 'text/csv',
  jsonl: 'application/jsonl',
  // A browser must run no source code that it is shown.
  code: 'text/plain',
};

const TSV = 'text/tab-separated-values';
const XHTML = 'application/xhtml+xml';

const FORMATS = new Map(
  Object.entries(EXTENSIONS).flatMap(([format, extensions]) =>
    extensions.split(' ').map((extension) => [extension, format as DocumentFormat] as const),
  ),
);

/** All MIME types that documents may have. */
export const DOCUMENT_MIME_TYPES: ReadonlySet<string> = new Set([...Object.values(MIME_TYPES), TSV, XHTML]);

/** Whether a file name is a document's: by its extension, in any case, or as a whole (`README`). */
export function isDocumentName(name: string): boolean {
  return formatOfName(name) !== undefined || adviceFor(name) !== undefined;
}

/** Formats that people also keep as notes, labels and tables beside pictures. */
const SIDECARS: ReadonlySet<DocumentFormat> = new Set(['text', 'csv', 'jsonl', 'code']);

/** Names of texts that stand in every project's folder. */
const ABOUT_THE_FOLDER = /^(?:readme|licen[cs]e|copying|notice|authors|changelog|changes|contributing|install|todo)\b/i;

/** Whether a folder with a file of this name is one of documents, also if it holds pictures. */
export function speaksForText(name: string): boolean {
  const format = formatOfName(name);
  return format !== undefined && !SIDECARS.has(format) && !ABOUT_THE_FOLDER.test(baseOf(name));
}

/** The format that a name stands for. Undefined if no document that can be read has such a name. */
export function formatOfName(name: string): DocumentFormat | undefined {
  const extension = extensionOf(name);
  return extension === undefined ? WHOLE_NAMES[baseOf(name).toUpperCase()] : FORMATS.get(extension);
}

/** Advice about a document whose format is recognised by its name and not read: `save it as DOCX or PDF`. */
export function adviceFor(name: string): string | undefined {
  const extension = extensionOf(name);
  return extension !== undefined && Object.hasOwn(UNREAD, extension) ? UNREAD[extension] : undefined;
}

/** The MIME type of a document. */
export function mimeTypeOf(format: DocumentFormat, name: string): string {
  const extension = extensionOf(name) ?? '';
  if (format === 'csv' && ['tsv', 'tab'].includes(extension)) return TSV;
  if (format === 'html' && ['xhtml', 'xht'].includes(extension)) return XHTML;
  return MIME_TYPES[format];
}

/** The extension in lower case, without its dot. Undefined for a name without one, such as `README` and `.profile`. */
export function extensionOf(name: string): string | undefined {
  const base = baseOf(name);
  const dot = base.lastIndexOf('.');
  return dot > 0 ? base.slice(dot + 1).toLowerCase() : undefined;
}

const baseOf = (name: string) => name.slice(name.lastIndexOf('/') + 1);
