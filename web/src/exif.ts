/** What a camera wrote into a picture, as titles and words. */
export type ExifFacts = [title: string, words: string][];

/** EXIF stands at the beginning of a file, before the picture. */
export const EXIF_BYTES = 256 << 10;

const [ASCII, SHORT, LONG, RATIONAL] = [2, 3, 4, 5] as const;
const WIDTHS: Readonly<Record<number, number>> = { [ASCII]: 1, [SHORT]: 2, [LONG]: 4, [RATIONAL]: 8 };
/** No camera writes more, and a file that says so is made up. */
const MOST_ENTRIES = 500;
const MOST_VALUES = 300;

/** The values of a directory by their tags. */
type Directory = ReadonlyMap<number, string | number[]>;

/** Reads the facts of a picture from its first bytes. A file that is none, or says nonsense, has no facts. */
export function exifOf(bytes: Uint8Array): ExifFacts {
  const start = findTiff(bytes);
  if (start === undefined) return [];
  const view = new DataView(bytes.buffer, bytes.byteOffset + start, bytes.byteLength - start);
  try {
    return factsOf(view);
  } catch (error) {
    // The bytes end within what they promise.
    if (error instanceof RangeError) return [];
    throw error;
  }
}

/** Finds the TIFF header that begins EXIF: in JPEG and HEIC behind `Exif`, in PNG behind `eXIf`, in TIFF at the start. */
function findTiff(bytes: Uint8Array): number | undefined {
  const text = new TextDecoder('latin1').decode(bytes);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: zero bytes are part of the headers
  const found = /(?:^|Exif\u0000\u0000|eXIf)(?=II\*\u0000|MM\u0000\*)/.exec(text);
  return found === null ? undefined : found.index + found[0].length;
}

function factsOf(view: DataView): ExifFacts {
  const little = view.getUint16(0) === 0x4949;
  const directoryAt = (at: number | undefined) => (at === undefined ? new Map() : readDirectory(view, at, little));
  const main = directoryAt(view.getUint32(4, little));
  const photo = directoryAt(numberIn(main, 0x8769));
  const place = directoryAt(numberIn(main, 0x8825));
  const facts: [string, string | undefined][] = [
    ['Camera', cameraOf(textIn(main, 0x010f), textIn(main, 0x0110))],
    ['Lens', textIn(photo, 0xa434)],
    ['Exposure', exposureOf(photo)],
    ['Taken', takenAt(textIn(photo, 0x9003))],
    ['Position', positionOf(place)],
  ];
  return facts.filter((fact): fact is [string, string] => fact[1] !== undefined && fact[1] !== '');
}

function readDirectory(view: DataView, at: number, little: boolean): Directory {
  const entries = Math.min(view.getUint16(at, little), MOST_ENTRIES);
  const values = new Map<number, string | number[]>();
  for (let n = 0; n < entries; n++) {
    const entry = at + 2 + 12 * n;
    const [tag, type, count] = [
      view.getUint16(entry, little),
      view.getUint16(entry + 2, little),
      view.getUint32(entry + 4, little),
    ];
    const width = WIDTHS[type];
    if (width === undefined || count === 0 || count > MOST_VALUES) continue;
    const begin = width * count <= 4 ? entry + 8 : view.getUint32(entry + 8, little);
    const each = Array.from({ length: count }, (_, i) => valueAt(view, begin + i * width, type, little));
    values.set(tag, type === ASCII ? textOf(each) : each);
  }
  return values;
}

function valueAt(view: DataView, at: number, type: number, little: boolean): number {
  if (type === ASCII) return view.getUint8(at);
  if (type === SHORT) return view.getUint16(at, little);
  if (type === LONG) return view.getUint32(at, little);
  return view.getUint32(at, little) / view.getUint32(at + 4, little);
}

/** Cameras fill texts up with zeros and spaces. */
function textOf(codes: readonly number[]): string {
  const text = new TextDecoder().decode(Uint8Array.from(codes));
  return text.replace(/\p{Cc}/gu, '').trim();
}

function textIn(directory: Directory, tag: number): string | undefined {
  const value = directory.get(tag);
  return typeof value === 'string' ? value : undefined;
}

function numbersIn(directory: Directory, tag: number): number[] {
  const value = directory.get(tag);
  return Array.isArray(value) && value.every(Number.isFinite) ? value : [];
}

const numberIn = (directory: Directory, tag: number): number | undefined => numbersIn(directory, tag)[0];

/** Most models begin with their maker: `Canon`, `Canon EOS R5`. */
function cameraOf(maker = '', model = ''): string {
  const [first = ''] = maker.split(' ');
  return model.toLowerCase().startsWith(first.toLowerCase()) ? model : `${maker} ${model}`.trim();
}

function exposureOf(photo: Directory): string {
  const [seconds, aperture, iso, focal] = [0x829a, 0x829d, 0x8827, 0x920a].map((tag) => numberIn(photo, tag));
  const short = (value: number) => String(Number(value.toFixed(1)));
  return [
    seconds && (seconds < 0.5 ? `1/${Math.round(1 / seconds)} s` : `${short(seconds)} s`),
    aperture && `f/${short(aperture)}`,
    iso && `ISO ${iso}`,
    focal && `${short(focal)} mm`,
  ]
    .filter((part) => part)
    .join(', ');
}

/** `2024:05:01 12:30:00` has no time zone, so it is shown as it was written. */
function takenAt(written = ''): string {
  const [, year, month, day, time] = /^(\d{4}):(\d\d):(\d\d) (\d\d:\d\d:\d\d)/.exec(written) ?? [];
  return year === undefined ? '' : `${year}-${month}-${day} ${time}`;
}

function positionOf(place: Directory): string {
  const angle = (tag: number, negative: string) => {
    const [degrees, minutes = 0, seconds = 0] = numbersIn(place, tag);
    if (degrees === undefined) return undefined;
    return (textIn(place, tag - 1) === negative ? -1 : 1) * (degrees + minutes / 60 + seconds / 3600);
  };
  const [latitude, longitude] = [angle(2, 'S'), angle(4, 'W')];
  if (latitude === undefined || longitude === undefined) return '';
  return `${latitude.toFixed(5)}, ${longitude.toFixed(5)}`;
}
