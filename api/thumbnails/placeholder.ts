const WORDS: Readonly<Record<string, string>> = {
  file_not_found: 'file is gone',
  permission_denied: 'no permission',
  not_a_file: 'not a file',
  unsupported_format: 'unknown format',
  too_many_pixels: 'too large',
  decode_timeout: 'took too long',
  no_picture: 'no picture',
};

/** An SVG placeholder that names the reason: a torn frame over a few words. */
export function placeholder(code: string, size: number): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${size}" height="${size}" viewBox="0 0 128 128"><rect width="128" height="128" fill="#8883"/><g fill="none" stroke="#888" stroke-width="3" stroke-linejoin="round"><path d="M38 34h52v20l-9 7-9-7-9 7-9-7-9 7-7-6z"/><path d="M38 84V66l7 5 9-7 9 7 9-7 9 7 9-7v20z"/></g><text x="64" y="106" font-family="system-ui,sans-serif" font-size="11" fill="#888" text-anchor="middle">${WORDS[code] ?? 'damaged'}</text></svg>`;
}
