import sharp, { type Exif } from 'sharp';
import { describe, expect, test } from 'vitest';
import { exifOf } from '../../web/src/exif.ts';

const EXIF: Exif = {
  IFD0: { Make: 'Canon', Model: 'Canon EOS R5' },
  IFD2: {
    LensModel: 'RF50mm F1.8 STM',
    ExposureTime: '1/250',
    FNumber: '28/10',
    ISOSpeedRatings: '100',
    FocalLength: '50/1',
    DateTimeOriginal: '2024:05:01 12:30:00',
  },
  IFD3: {
    GPSLatitudeRef: 'S',
    GPSLatitude: '47/1 22/1 3684/100',
    GPSLongitudeRef: 'E',
    GPSLongitude: '8/1 32/1 3012/100',
  },
};
const FACTS = [
  ['Camera', 'Canon EOS R5'],
  ['Lens', 'RF50mm F1.8 STM'],
  ['Exposure', '1/250 s, f/2.8, ISO 100, 50 mm'],
  ['Taken', '2024-05-01 12:30:00'],
  ['Position', '-47.37690, 8.54170'],
];
const picture = () => sharp({ create: { width: 8, height: 8, channels: 3, background: '#abc' } });

describe('what a camera wrote', () => {
  test.each([
    ['JPEG', () => picture().withExif(EXIF).jpeg()],
    ['PNG', () => picture().withExif(EXIF).png()],
  ])('into a %s is read', async (_format, make) => {
    expect(exifOf(await make().toBuffer())).toEqual(FACTS);
  });

  test('is nothing in a picture without it', async () => {
    expect(exifOf(await picture().jpeg().toBuffer())).toEqual([]);
  });

  test('may be cut off or changed anywhere, which gives fewer facts and no failure', async () => {
    const whole = await picture().withExif(EXIF).jpeg().toBuffer();
    const known = FACTS.map(([title]) => title);
    for (let at = 0; at < whole.length; at++) {
      expect(known).toEqual(expect.arrayContaining(exifOf(whole.subarray(0, at)).map(([title]) => title)));
      const changed = Uint8Array.from(whole);
      changed[at] = 0xff;
      expect(known).toEqual(expect.arrayContaining(exifOf(changed).map(([title]) => title)));
    }
  });
});
