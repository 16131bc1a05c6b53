import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { csv } from '../../core/annotations/formats/csv.ts';
import { jsonl } from '../../core/annotations/formats/jsonl.ts';
import type { NamedFile } from '../../core/annotations/reading/annotation-files.ts';
import { csvRecords, type TextPosition } from '../../core/annotations/reading/csv-records.ts';
import { type Asked, expectResumable, files, folderWith, readAll, stepsOf } from './format-files.ts';

const readCsv = (content: string | Uint8Array, columns?: Record<string, string>) =>
  readAll(csv, join(folderWith({ 'table.csv': content }), 'table.csv'), columns && { columns });

const readLines = (rows: readonly unknown[], asked?: Asked) =>
  readJsonl(rows.map((row) => JSON.stringify(row)).join('\n'), asked);
const readJsonl = (content: string | Uint8Array, asked?: Asked) =>
  readAll(jsonl, join(folderWith({ 'table.jsonl': content }), 'table.jsonl'), asked);

describe('a CSV file', () => {
  it("reads TensorFlow's columns: width and height are the picture's, and boxes count pixels", async () => {
    const folder = folderWith({
      'boxes.csv':
        'filename,width,height,class,xmin,ymin,xmax,ymax\na.jpg,640,480,cat,10,20,110,70\na.jpg,640,480,dog,0,0,5,5\nb.jpg,10,10,,,,,\n',
    });
    expect(await readAll(csv, join(folder, 'boxes.csv'))).toEqual({
      classes: [],
      bytes: expect.any(Number),
      pieces: [
        {
          key: 'a.jpg',
          image: { name: 'a.jpg', paths: [`${folder}/a.jpg`], width: 640, height: 480 },
          unit: 'pixels',
          annotations: [
            { label: 'cat', bounding_box: [10, 20, 100, 50] },
            { label: 'dog', bounding_box: [0, 0, 5, 5] },
          ],
        },
        {
          key: 'b.jpg',
          image: { name: 'b.jpg', paths: [`${folder}/b.jpg`], width: 10, height: 10 },
          unit: 'pixels',
          annotations: [],
        },
      ],
      invalid: [],
    });
  });

  it("reads Open Images' columns as shares of the picture", async () => {
    const { pieces } = await readCsv(
      'ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax,IsOccluded\n000026,xclick,/m/01g317,1,0.25,0.75,0.5,1,0\n',
    );
    expect(pieces).toMatchObject([
      {
        key: '000026',
        unit: 'relative',
        annotations: [{ label: '/m/01g317', confidence: 1, bounding_box: [0.25, 0.5, 0.5, 0.5] }],
      },
    ]);
  });

  it.each([
    ['image,label,xmin,ymin,xmax,ymax\na.jpg,cat,1,2,3,4\n', 'pixels or shares'],
    ['image,label,x,y,w,h\na.jpg,cat,1,2,3,4\n', 'pixels or shares'],
    ['image,bbox\na.jpg,"1,2,3,4"\n', 'pixels or shares'],
    ['image,xmin,ymin\na.jpg,1,2\n', 'part of a box'],
    ['picture,label\na.jpg,cat\n', 'name the image'],
    ['image,weather\na.jpg,rain\n', 'say anything'],
    ['image,label,category\na.jpg,cat,3\n', '"label" and "category" may both'],
    ['image,label,label\na.jpg,cat,dog\n', '"label" and "label" may both'],
  ])('asks what columns mean rather than guess: %j', async (content, why) => {
    const message = await readCsv(content).catch((error: Error) => error);
    expect(message).toMatchObject({ code: 'AnnotationsUnclear', message: expect.stringContaining(why) });
    const [header = ''] = content.split('\n');
    for (const column of header.split(','))
      expect(message).toMatchObject({ message: expect.stringContaining(`"${column}"`) });
  });

  it('takes the unit and the columns that are named', async () => {
    const { pieces } = await readCsv('pic;what;x0;y0;x1;y1\na.jpg;cat;.1;.2;.3;.6\n', {
      image: 'pic',
      label: 'what',
      xmin: 'x0',
      ymin: 'y0',
      xmax: 'x1',
      ymax: 'y1',
      unit: 'relative',
    });
    expect(pieces[0]?.unit).toBe('relative');
    const [x, y, width, height] = pieces[0]?.annotations?.[0]?.bounding_box ?? [];
    expect([x, y]).toEqual([0.1, 0.2]);
    expect(width).toBeCloseTo(0.2);
    expect(height).toBeCloseTo(0.4);
  });

  it.each([
    [{ image: 'nothing' }, '"nothing"'],
    [{ picture: 'image' }, '"picture"'],
    [{ unit: 'percent' }, '"percent"'],
  ])('refuses the mapping %j', async (columns, name) => {
    const reading = readCsv('image,label\na.jpg,cat\n', columns);
    await expect(reading).rejects.toMatchObject({ code: 'AnnotationsUnclear', message: expect.stringContaining(name) });
  });

  it('finds positions that show that the unit is wrong', async () => {
    const named = await readCsv('image,x,y,w,h\na.jpg,1,2,30,40\n', { unit: 'relative' });
    expect(named.invalid).toMatchObject([{ reason: 'bad_geometry', line: 2 }]);
    const inferred = await readCsv('image,width,height,xmin,ymin,xmax,ymax\na.jpg,640,480,0.1,0.1,0.9,0.9\n');
    expect(inferred.invalid).toMatchObject([{ reason: 'bad_geometry', line: 2 }]);
  });

  it('finds the delimiter of the header', async () => {
    for (const delimiter of [',', ';', '\t']) {
      const { pieces } = await readCsv(
        `image${delimiter}"a,;\t"${delimiter}label\na.jpg${delimiter}1${delimiter}cat\n`,
      );
      expect(pieces[0]?.annotations).toEqual([{ label: 'cat' }]);
    }
  });

  it('keeps class names with quotes, newlines, emoji and names of prototypes, and counts lines of the file', async () => {
    const { pieces, invalid } = await readCsv(
      '\uFEFFimage,label,__proto__\r\na.jpg,"two\r\nlines, ""quoted""",1\r\n\r\nb.jpg,🐈,1\r\nc.jpg,__proto__,1\r\nd.jpg\r\ne.jpg,5" disk,1',
    );
    expect(pieces.map(({ key, annotations }) => [key, annotations?.[0]?.label])).toEqual([
      ['a.jpg', 'two\r\nlines, "quoted"'],
      ['b.jpg', '🐈'],
      ['c.jpg', '__proto__'],
      ['e.jpg', '5" disk'],
    ]);
    expect(invalid).toMatchObject([
      { reason: 'malformed', line: 7, message: 'The row has 1 cells, and the header 3.' },
    ]);
  });

  it('may have columns of any name', async () => {
    const { pieces } = await readCsv('__proto__,constructor\na.jpg,cat\n', {
      image: '__proto__',
      label: 'constructor',
    });
    expect(pieces).toMatchObject([{ key: 'a.jpg', annotations: [{ label: 'cat' }] }]);
  });

  it('takes numbers for names, splits tags and reads splits and captions', async () => {
    const { pieces } = await readCsv(
      'image_id,class,split,tags,caption\n007,3,val,night; rain|night,"A dog, asleep"\n',
    );
    expect(pieces).toMatchObject([
      {
        key: '007',
        split: 'val',
        tags: ['night', 'rain'],
        annotations: [{ label: '3' }, { caption: 'A dog, asleep' }],
      },
    ]);
  });

  it.each([
    ['a.jpg,1,2,1,4', 'bad_geometry'],
    ['a.jpg,NaN,2,3,4', 'bad_geometry'],
    ['a.jpg,1,2,Infinity,4', 'bad_geometry'],
    ['a.jpg,0x1,2,3,4', 'malformed'],
    ['a.jpg,1,2,3,', 'malformed'],
    [',1,2,3,4', 'malformed'],
    ['a.jpg,1,2,3,4,5', 'malformed'],
    ['a\0.jpg,1,2,3,4', 'malformed'],
    ['../../a.jpg,1e400,2,3,4', 'bad_geometry'],
  ])('leaves out the row %j and reads the others', async (row, reason) => {
    const { pieces, invalid } = await readCsv(`image,xmin,ymin,xmax,ymax\n${row}\nb.jpg,1,2,3,4\n`, { unit: 'pixels' });
    expect(invalid).toMatchObject([{ reason, line: 2, file: expect.stringMatching(/table\.csv$/) }]);
    expect(pieces.map(({ key }) => key)).toEqual(['b.jpg']);
  });

  it('leaves out rows that are not UTF-8', async () => {
    const { pieces, invalid } = await readCsv(Buffer.from('image,label\na.jpg,caf\xe9\nb.jpg,cafe\n', 'latin1'));
    expect(invalid).toMatchObject([{ reason: 'bad_encoding', line: 2 }]);
    expect(pieces.map(({ key }) => key)).toEqual(['b.jpg']);
  });

  it.each([
    ['', 'line 1, column 1: the file is empty'],
    ['\uFEFF', 'line 1, column 1: the file is empty'],
    ['\n\n \n', 'no header'],
    [Buffer.from('\uFEFFimage,label\na.jpg,cat\n', 'utf16le'), 'UTF-16'],
    [Buffer.from('image,label\na.jpg,cat\n', 'utf16le'), 'UTF-16'],
    [Buffer.from('image,caf\xe9\na.jpg,cat\n', 'latin1'), 'not UTF-8'],
    [
      'image,label\na.jpg,cat\n\n\nb.jpg,"dog\nc.jpg,cow\n',
      'line 3, column 1: the record that begins here can not be read: Quote Not Closed',
    ],
  ])('is broken as a whole: %j', async (content, what) => {
    await expect(readCsv(content)).rejects.toMatchObject({
      code: 'AnnotationsBroken',
      message: expect.stringContaining(what),
    });
  });

  it('may have only a header', async () => {
    expect(await readCsv('image,label\n')).toEqual({ pieces: [], invalid: [], classes: [], bytes: 0 });
  });

  it('stops at a quote that is never closed before it takes in the file', async () => {
    const content = `image,label\na.jpg,cat\nb.jpg,"dog\n${'c.jpg,cow\n'.repeat(1_000_000)}`;
    const path = join(folderWith({ 'table.csv': content }), 'table.csv');
    let read = 0;
    const counted = {
      ...files,
      async *stream(name: NamedFile, start?: number) {
        for await (const piece of files.stream(name, start)) {
          read += piece.length;
          yield piece;
        }
      },
    };
    const reading = Array.fromAsync(csv.read({ path, files: counted }));
    await expect(reading).rejects.toMatchObject({
      code: 'AnnotationsBroken',
      message: expect.stringContaining('line 3, column 1: the record that begins here has more than 1048576 bytes'),
    });
    expect(read).toBeLessThan(6 << 20);
  });

  it('reads 200,000 rows in small steps, and on behind each', async () => {
    const rows = Array.from(
      { length: 200_000 },
      (_, row) => `folder/${row}.jpg,${row % 3 === 0 ? '"a\r\nb"' : 'c'}\r\n`,
    );
    const path = join(folderWith({ 'large.csv': `image,label\n${rows.join('')}` }), 'large.csv');
    let images = 0;
    const cursors: { cursor: unknown; images: number }[] = [];
    for await (const step of stepsOf(csv, path)) {
      expect(step.pieces.length).toBeLessThanOrEqual(1000);
      images += step.pieces.length;
      cursors.push({ cursor: step.cursor, images });
    }
    expect(images).toBe(200_000);
    for (const { cursor, images: before } of cursors.filter((_, k) => k % 40 === 0)) {
      const [next] = await Array.fromAsync(first(stepsOf(csv, path, { from: cursor })));
      expect(next?.pieces[0]?.key).toBe(before === 200_000 ? undefined : `folder/${before}.jpg`);
    }
  });

  it.each(['\n', '\r\n', '\r'])(
    'has the same records from behind each one on, with lines that end in %j',
    async (end) => {
      const rows = [
        'a,1',
        '',
        `"b${end}${end}""c""",2`,
        ' ',
        'é🐈,3',
        `"${end}",`,
        'd" ,"4',
        '"',
        '',
        ',x',
        'last,"5"',
      ];
      const path = join(folderWith({ 'table.csv': rows.join(end) }), 'table.csv');
      const records = (start: TextPosition) => Array.fromAsync(csvRecords(files, { path }, ',', start));
      const all = await records({ offset: 0, line: 1 });
      expect(all.map(({ line, cells }) => [line, cells])).toEqual([
        [1, ['a', '1']],
        [3, [`b${end}${end}"c"`, '2']],
        [7, ['é🐈', '3']],
        [10, ['d" ', `4${end}`]],
        [13, ['', 'x']],
        [14, ['last', '5']],
      ]);
      for (const [k, { next }] of all.entries()) expect(await records(next)).toEqual(all.slice(k + 1));
    },
  );

  it('reads on behind every step', async () => {
    const rows = Array.from({ length: 3_500 }, (_, row) =>
      row % 500 === 7 ? 'ragged' : `${row % 900}.jpg,"c ${'é\r\n'.repeat(row % 5)}",${row % 2 ? 'train' : 'val'}`,
    );
    const path = join(folderWith({ 'table.csv': `\uFEFFimage,label,split\r\n${rows.join('\r\n')}` }), 'table.csv');
    expect(await expectResumable(csv, path)).toHaveLength(4);
  });
});

async function* first<T>(values: AsyncGenerator<T>): AsyncGenerator<T> {
  for await (const value of values) {
    yield value;
    return;
  }
}

describe('a JSON Lines file', () => {
  it('reads objects of a line, and leaves out the broken ones', async () => {
    const { pieces, invalid } = await readLines([
      {
        image: 'a.jpg',
        tags: ['x;y', 'z'],
        objects: [
          { label: 'cat', bounding_box: [0.1, 0.2, 0.3, 0.4] },
          { label: 'dog', bounding_box: [0.1, 0.2, 0, 0.4] },
          { label: '__proto__', confidence: 0.5 },
          7,
          {},
        ],
      },
      { image: 12, label: ['two', 'classes'], caption: 'A\nB' },
    ]);
    expect(pieces).toMatchObject([
      {
        key: 'a.jpg',
        tags: ['x;y', 'z'],
        annotations: [
          { label: 'cat', bounding_box: [0.1, 0.2, 0.3, 0.4] },
          { label: '__proto__', confidence: 0.5 },
        ],
      },
      { key: '12', annotations: [{ label: 'two' }, { label: 'classes' }, { caption: 'A\nB' }] },
    ]);
    expect(pieces[0]?.unit ?? 'relative').toBe('relative');
    expect(invalid.map(({ reason, line, message }) => [reason, line, message.slice(0, 11)])).toEqual([
      ['bad_geometry', 1, 'objects[1]:'],
      ['malformed', 1, 'objects[3]:'],
      ['malformed', 1, 'objects[4]:'],
    ]);
  });

  it('asks for the unit of a bbox, unless the size of the picture is stated', async () => {
    const row = { image: 'a.jpg', objects: [{ label: 'cat', bbox: [1, 2, 3, 4] }] };
    await expect(readLines([row])).rejects.toMatchObject({ code: 'AnnotationsUnclear' });
    const expected = [{ unit: 'pixels', annotations: [{ label: 'cat', bounding_box: [1, 2, 3, 4] }] }];
    const sized = await readLines([{ ...row, width: 10, height: 20 }]);
    expect(sized.pieces.filter(({ annotations }) => annotations)).toMatchObject(expected);
    const named = await readLines([row], { columns: { unit: 'pixels' } });
    expect(named.pieces.filter(({ annotations }) => annotations)).toMatchObject(expected);
  });

  it('reads what an export of Plimsoll has', async () => {
    const annotations = [
      {
        label: 'cat',
        bounding_box: [0.1, 0.2, 0.3, 0.4],
        points: [
          [
            [0, 0],
            [1, 0],
            [1, 1],
          ],
        ],
        mask: { size: [4, 3], counts: '0<' },
        keypoints: [[0.5, 0.5, 2]],
        confidence: 1,
        iscrowd: true,
        attributes: JSON.parse('{"__proto__": "p", "n": 1, "b": false}'),
      },
      { caption: 'words' },
    ];
    const { pieces, invalid } = await readJsonl(
      `${JSON.stringify({ filepath: '/data/a.jpg', split: 'test', annotations })}\n` +
        `${JSON.stringify({ filepath: '/data/b.jpg', annotations: [{ label: 3 }, { label: 'ok' }, { colour: 'red' }] })}`,
    );
    expect(pieces.filter(({ image }) => image)).toMatchObject([
      { key: '/data/a.jpg', image: { paths: ['/data/a.jpg'] }, split: 'test' },
      { key: '/data/b.jpg' },
    ]);
    expect(pieces.flatMap((piece) => piece.annotations ?? [])).toEqual([...annotations, { label: 'ok' }]);
    expect(Object.keys(pieces.flatMap((piece) => piece.annotations ?? [])[0]?.attributes ?? {})).toEqual([
      '__proto__',
      'n',
      'b',
    ]);
    expect(invalid).toMatchObject([
      { reason: 'malformed', line: 2, message: expect.stringContaining('annotations[0]: label') },
      { reason: 'malformed', line: 2, message: expect.stringContaining('annotations[2]') },
    ]);
  });

  it('leaves out broken lines', async () => {
    const good = '{"image": "a.jpg", "label": "cat"}';
    const long = `{"image": "b.jpg", "label": "${'x'.repeat(8 << 20)}"}`;
    const { pieces, invalid } = await readJsonl(
      Buffer.concat([
        Buffer.from(`\uFEFF${good}\r\n\r\n{"image": "b.jpg", \n${long}\n`),
        Buffer.from('{"image": "caf\xe9"}\n', 'latin1'),
        Buffer.from(`null\n{"label": "no image"}\n\0\n${good.replace('a.', 'z.')}`),
      ]),
    );
    expect(invalid.map(({ reason, line }) => [reason, line])).toEqual([
      ['malformed', 3],
      ['malformed', 4],
      ['bad_encoding', 5],
      ['malformed', 6],
      ['malformed', 7],
      ['malformed', 8],
    ]);
    expect(pieces.map(({ key }) => key)).toEqual(['a.jpg', 'z.jpg']);
  });

  it.each([
    ['', 'empty'],
    ['[{"image": "a.jpg"}]', 'one list'],
    [Buffer.from('\uFEFF{"image": "a.jpg"}', 'utf16le'), 'UTF-16'],
  ])('is broken as a whole: %j', async (content, what) => {
    await expect(readJsonl(content)).rejects.toMatchObject({
      code: 'AnnotationsBroken',
      message: expect.stringContaining(what),
    });
  });

  it('reads a bounding_box as shares of the picture, and survives values of any depth', async () => {
    const { pieces, invalid } = await readJsonl(
      `{"image": "a.jpg", "label": "cat", "bounding_box": [0, 0, 0.5, 1], "width": 9, "height": 9}\n` +
        `{"image": ${'['.repeat(200_000)}${']'.repeat(200_000)}, "label": "cat"}\n`,
    );
    expect(pieces).toMatchObject([{ unit: 'relative', annotations: [{ label: 'cat', bounding_box: [0, 0, 0.5, 1] }] }]);
    expect(invalid).toMatchObject([{ reason: 'malformed', line: 2 }]);
  });

  it('asks what its fields mean before the first step', async () => {
    await expect(readLines([{ picture: 'a.jpg' }])).rejects.toMatchObject({ code: 'AnnotationsUnclear' });
    await expect(readLines([{ image: 'a.jpg' }], { columns: { label: 'klass' } })).rejects.toMatchObject({
      code: 'AnnotationsUnclear',
      message: expect.stringContaining('"klass"'),
    });
  });

  it('reads on behind every step', async () => {
    const rows = Array.from({ length: 3_200 }, (_, row) =>
      row % 700 === 5 ? '{' : JSON.stringify({ file_name: `${row % 800}.jpg`, label: '🐈'.repeat(row % 400) }),
    );
    const path = join(folderWith({ 'table.jsonl': `\uFEFF${rows.join('\n\n')}` }), 'table.jsonl');
    expect((await expectResumable(jsonl, path)).length).toBeGreaterThan(3);
  });
});
