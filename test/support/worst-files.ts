import { execFileSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32, gzipSync } from 'node:zlib';
import sharp from 'sharp';
import { drawPicture } from './pictures.ts';

export interface WorstFile {
  /** Description of the defect. */
  name: string;
  /** Bytes if the name is not UTF-8. */
  path: string | Buffer;
  /** `indexed` and embedded; `embedding_failed`: indexed, but its pixels cannot be read; `ignored`: never a sample. */
  expect: 'indexed' | 'embedding_failed' | 'failed' | 'ignored';
  /** The error's code if it is `failed`. */
  code?: string;
}

export interface WorstFiles {
  files: WorstFile[];
  /** A folder without permissions that holds one picture. Restore the permissions before removing it. */
  unreadableFolder: string;
  /** False for root, who ignores permissions; the folder's picture is then read like any other. */
  isUnreadable: boolean;
}

const SVG_ROOT = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="7">';

/** A small SVG that librsvg draws for minutes: filters of blurs, used 10 to the fifth times. */
export const ENDLESS_SVG = [
  '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="900" height="900">',
  `<defs><filter id="f">${'<feGaussianBlur stdDeviation="30"/>'.repeat(1000)}</filter>`,
  '<g id="a0"><rect width="900" height="900" filter="url(#f)"/></g>',
  ...[1, 2, 3, 4, 5].map((n) => `<g id="a${n}">${`<use xlink:href="#a${n - 1}"/>`.repeat(10)}</g>`),
  '</defs><use xlink:href="#a5"/></svg>',
].join('');

/** Writes every kind of bad or odd file that a folder may hold into `dir`, with the expected outcome of each. */
export async function makeWorstFiles(dir: string): Promise<WorstFiles> {
  await mkdir(dir, { recursive: true });
  const files: WorstFile[] = [];
  let drawn = 0;
  const draw = (format: 'jpeg' | 'png' | 'webp' = 'jpeg') => drawPicture(900_000 + drawn++, format);
  const add = async (file: Omit<WorstFile, 'path'>, filename: string | Buffer, content: Buffer | string) => {
    const path = typeof filename === 'string' ? join(dir, filename) : Buffer.concat([Buffer.from(`${dir}/`), filename]);
    await writeFile(path, content);
    files.push({ ...file, path });
  };

  await add({ name: 'zero bytes', expect: 'failed', code: 'empty_file' }, 'empty.jpg', '');
  await add({ name: 'text named .jpg', expect: 'failed', code: 'not_an_image' }, 'text.jpg', 'A shopping list.\n');
  await add(
    { name: 'web page named .png', expect: 'failed', code: 'not_an_image' },
    'page.png',
    '<!doctype html><p>404',
  );
  const truncated = { expect: 'failed', code: 'truncated_header' } as const;
  await add({ name: 'JPEG cut within its header', ...truncated }, 'header-cut.jpg', (await draw()).subarray(0, 100));
  await add({ name: 'PNG cut within its header', ...truncated }, 'header-cut.png', (await draw('png')).subarray(0, 20));
  await add(
    { name: 'SVG cut within its root element', ...truncated },
    'header-cut.svg',
    '<svg xmlns="http://www.w3.org/2000/svg" width="9"',
  );
  const heic = Buffer.from('\0\0\0\x18ftypheic\0\0\0\0mif1heic\0\0\0\0', 'latin1');
  await add({ name: 'HEIC cut within its header, named .jpg', ...truncated }, 'phone.jpg', heic);

  const grain = await drawGrain();
  const cut = { expect: 'embedding_failed' } as const;
  await add({ name: 'JPEG cut behind its header', ...cut }, 'cut.jpg', grain.jpeg.subarray(0, grain.jpeg.length >> 1));
  await add({ name: 'PNG cut behind its header', ...cut }, 'cut.png', grain.png.subarray(0, grain.png.length >> 1));
  await add({ name: 'SVG that is not closed', ...cut }, 'cut.svg', `${SVG_ROOT}<g`);
  await add({ name: 'decompression bomb', ...cut }, 'bomb.png', await drawBomb());
  await add({ name: 'bitmap, which sharp alone does not decode', expect: 'indexed' }, 'bitmap.bmp', drawBitmap());

  const indexed = { expect: 'indexed' } as const;
  await add({ name: 'SVG in UTF-16', ...indexed }, 'utf-16.svg', Buffer.from(`\ufeff${SVG_ROOT}</svg>`, 'utf16le'));
  await add({ name: 'SVG compressed with gzip', ...indexed }, 'gzip.svg', gzipSync(`${SVG_ROOT}</svg>`));
  await add(
    { name: 'SVG behind a long comment', ...indexed },
    'comment.svg',
    `<!-- ${'word '.repeat(5000)}-->${SVG_ROOT}</svg>`,
  );
  await add({ name: 'SVG that begins as an AVIF does', ...indexed }, 'ftyp.svg', `<!--ftyp-->${SVG_ROOT}</svg>`);
  if (process.platform !== 'win32') {
    execFileSync('mkfifo', [join(dir, 'pipe.txt')]);
    const including = `${SVG_ROOT}<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="pipe.txt" parse="text"/></svg>`;
    for (const filename of ['including.svg', 'including.png', '<!--ftyp.avif'])
      await add({ name: `SVG that includes a pipe, as ${filename}`, ...indexed }, filename, including);
  }
  await add({ name: 'PNG named .jpg', ...indexed }, 'really-a-png.jpg', await draw('png'));
  await add({ name: 'extension in capitals', ...indexed }, 'LOUD.JPG', await draw());
  await add({ name: 'no name but its extension, so hidden', expect: 'ignored' }, '.jpg', await draw());
  const names = [
    ['spaces', ' a picture  with spaces .jpg'],
    ['quotes', `it's "quoted" \`twice\`.jpg`],
    ['newline', 'two\nlines\r\n.jpg'],
    ['tab and escape', 'a\tb\u001b[31mred.jpg'],
    ['backslash', 'back\\slash\\.jpg'],
    ['emoji', '🌊⛵️.jpg'],
    ['right to left', 'תמונה.jpg'],
    ['composed accent', 'caf\u00e9.jpg'],
    ['the same accent, decomposed', 'cafe\u0301.jpg'],
    ['shell and glob characters', '$(rm -rf *)[1]{2};&|?.jpg'],
    ['percent and plus, as in an address', 'a%20b+c#d?e.jpg'],
    ['leading dash', '-rf.jpg'],
    ['leading dollar and dots, as in a MongoDB field', '$set.a..b.jpg'],
    ['255 bytes', `${'n'.repeat(251)}.jpg`],
    ['255 bytes of emoji', `${'🌊'.repeat(62)}abc.jpg`],
  ] as const;
  for (const [name, filename] of names) await add({ name: `name: ${name}`, ...indexed }, filename, await draw());
  if (process.platform === 'linux') {
    const notUtf8 = Buffer.from('caf\xe9 \xff\xfe.jpg', 'latin1');
    await add({ name: 'name: bytes that are not UTF-8', ...indexed }, notUtf8, await draw());
    const alsoNotUtf8 = Buffer.from('caf\xe8 \xff\xfe.jpg', 'latin1');
    await add({ name: 'name: other such bytes, alike once decoded', ...indexed }, alsoNotUtf8, await draw());
  }

  const ignored = { expect: 'ignored' } as const;
  await add({ name: 'not named as an image', ...ignored }, 'notes.txt', 'notes');
  await add({ name: 'picture without an extension', ...ignored }, 'picture', await draw());
  const link = async (file: Omit<WorstFile, 'path'>, target: string, filename: string) => {
    await symlink(target, join(dir, filename));
    files.push({ ...file, path: join(dir, filename) });
  };
  await link({ name: 'link to itself', expect: 'failed', code: 'io_error' }, 'self.jpg', 'self.jpg');
  await link(
    { name: 'link to nothing', expect: 'failed', code: 'file_not_found' },
    'nowhere/at-all.jpg',
    'dangling.jpg',
  );
  await link({ name: 'link to the folder that it is in', ...ignored }, '.', 'around');
  await mkdir(join(dir, 'nested', 'deeper'), { recursive: true });
  await link({ name: 'link to the folder above', ...ignored }, '../..', 'nested/deeper/up');
  await add(
    { name: 'picture below a folder that is linked in a circle', ...indexed },
    'nested/deeper/one.jpg',
    await draw(),
  );
  await mkdir(join(dir, 'folder.jpg'));
  files.push({ name: 'folder named .jpg', path: join(dir, 'folder.jpg'), ...ignored });
  await add({ name: 'picture in a folder named .jpg', ...indexed }, 'folder.jpg/inside.jpg', await draw());
  if (process.platform !== 'win32') {
    execFileSync('mkfifo', [join(dir, 'pipe.jpg')]);
    files.push({ name: 'pipe named .jpg', path: join(dir, 'pipe.jpg'), ...ignored });
    if (await leaveSocket(dir, 'socket.jpg')) {
      files.push({ name: 'socket named .jpg', path: join(dir, 'socket.jpg'), ...ignored });
    }
  }

  const unreadableFolder = join(dir, 'locked');
  await mkdir(unreadableFolder);
  const locked = join(unreadableFolder, 'inside.jpg');
  await writeFile(locked, await draw());
  await chmod(unreadableFolder, 0);
  const isUnreadable = !canRead(unreadableFolder);
  files.push({ name: 'picture in a locked folder', path: locked, expect: isUnreadable ? 'ignored' : 'indexed' });
  return { files, unreadableFolder, isUnreadable };
}

/** Pictures large enough that half of the file lies far after the header. */
async function drawGrain(): Promise<{ jpeg: Buffer; png: Buffer }> {
  const pixels = Buffer.alloc(200 * 150 * 3);
  for (let i = 0, state = 3; i < pixels.length; i++) {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    pixels[i] = state >>> 16;
  }
  const picture = sharp(pixels, { raw: { width: 200, height: 150, channels: 3 } });
  return { jpeg: await picture.clone().jpeg().toBuffer(), png: await picture.clone().png().toBuffer() };
}

/** A hundred bytes that claim to be 30,000 x 30,000 pixels, above sharp's own limit of 268 million. */
async function drawBomb(): Promise<Buffer> {
  const png = await sharp({ create: { width: 8, height: 8, channels: 3, background: '#123' } })
    .png()
    .toBuffer();
  png.writeUInt32BE(30_000, 16);
  png.writeUInt32BE(30_000, 20);
  png.writeUInt32BE(crc32(png.subarray(12, 29)), 29);
  return png;
}

function drawBitmap(): Buffer {
  const bytes = Buffer.alloc(54 + 16 * 16 * 3, 0x80);
  bytes.fill(0, 0, 54);
  bytes.write('BM');
  bytes.writeUInt32LE(bytes.length, 2);
  bytes.writeUInt32LE(54, 10);
  bytes.writeUInt32LE(40, 14);
  bytes.writeInt32LE(16, 18);
  bytes.writeInt32LE(16, 22);
  bytes.writeUInt16LE(1, 26);
  bytes.writeUInt16LE(24, 28);
  return bytes;
}

/** Leaves a socket behind, as a killed server does. Paths longer than the system's 107 bytes get none. */
async function leaveSocket(dir: string, name: string): Promise<boolean> {
  const path = join(dir, name);
  if (Buffer.byteLength(path) > 100) return false;
  const script = `require('net').createServer().listen(process.argv[1], () => process.kill(process.pid, 'SIGKILL'))`;
  try {
    execFileSync(process.execPath, ['-e', script, path]);
  } catch {
    // The server was killed on purpose, because a server that ends normally removes its socket.
  }
  return true;
}

function canRead(folder: string): boolean {
  try {
    accessSync(folder, constants.R_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
