import { describe, expect, test } from 'vitest';
import { type JsonBatch, type JsonPosition, jsonElements } from '../../core/annotations/reading/json-elements.ts';

async function* chunksOf(bytes: Buffer, size: number, start = 0): AsyncGenerator<Buffer> {
  for (let at = start; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

const inBytes = (document: string | Buffer) => (typeof document === 'string' ? Buffer.from(document) : document);

interface Choices {
  size?: number;
  wants?: (section: string, at: JsonPosition) => boolean;
  from?: JsonPosition;
}

async function batchesOf(document: string | Buffer, { size = 1 << 20, wants = () => true, from }: Choices = {}) {
  const chunks = chunksOf(inBytes(document), size, from?.offset);
  const batches: JsonBatch[] = [];
  for await (const batch of jsonElements(chunks, { path: '/a.json', wants, from })) batches.push(batch);
  return batches;
}

async function elementsOf(document: string | Buffer, choices?: Choices) {
  const batches = await batchesOf(document, choices);
  return batches.flatMap(({ elements }) => elements.map(({ bytes, ...rest }) => ({ ...rest, text: bytes.toString() })));
}

const textsOf = async (document: string | Buffer, choices?: Choices) =>
  (await elementsOf(document, choices)).map(({ section, text }) => [section, text]);

const whyBroken = async (document: string | Buffer, choices?: Choices) =>
  batchesOf(document, choices).then(
    () => 'not broken',
    (error) => [error.code, error.message],
  );

const broken = (place: string, what: string) => ['AnnotationsBroken', `/a.json: ${place}: ${what}.`];

const DOCUMENT = `{"info": {"year": 2017, "of": [1, [2]]}, "n": 12, "none": [],
 "images": [ {"id": 1, "a": "]},\\"{["} , {"id": 2}\t,\r
  3,"four\\\\",null , [5,[ ]],"\\u005d\\u0022" ],
"long": ["${'x'.repeat(60)}\\"${'\\\\'.repeat(30)}", "${'y'.repeat(39)}\\"${'z'.repeat(50)}\\"]"],
"caf\\u00e9 \\"]": {"x": "é"}, "last": true}
`;

describe('elements', () => {
  test('of lists come one by one, other members whole, with their places', async () => {
    expect(await elementsOf('{"a": [1,\n {"b": [2]}],\r\n"c": {"d": 3}, "e":4\n}')).toEqual([
      { section: 'a', inList: true, text: '1', offset: 7, line: 1, column: 8 },
      { section: 'a', inList: true, text: '{"b": [2]}', offset: 11, line: 2, column: 2 },
      { section: 'c', inList: false, text: '{"d": 3}', offset: 30, line: 3, column: 6 },
      { section: 'e', inList: false, text: '4', offset: 44, line: 3, column: 20 },
    ]);
  });

  test('parse to what the whole document parses to', async () => {
    const found: Record<string, unknown> = { none: [] };
    for (const { section, inList, text } of await elementsOf(DOCUMENT)) {
      if (!inList) found[section] = JSON.parse(text);
      else found[section] = [...((found[section] as unknown[] | undefined) ?? []), JSON.parse(text)];
    }
    expect(found).toEqual(JSON.parse(DOCUMENT));
  });

  test('are the same however the bytes are cut', async () => {
    const whole = await elementsOf(DOCUMENT);
    for (let size = 1; size <= DOCUMENT.length; size++) expect(await elementsOf(DOCUMENT, { size })).toEqual(whole);
  });

  test('of a document that is a list are the section without a name', async () => {
    expect(await textsOf(' [{"a": 1}, 2 ]\n')).toEqual([
      ['', '{"a": 1}'],
      ['', '2'],
    ]);
    expect(await textsOf('[]')).toEqual([]);
    expect(await textsOf('[1, [2]] ', { wants: () => false })).toEqual([]);
  });

  test('that are not wanted are passed over', async () => {
    const asked: [string, number][] = [];
    const wants = (section: string, at: JsonPosition) => {
      asked.push([section, at.offset]);
      return section === 'b';
    };
    const document = '{"a": [1, "]"], "b": [2], "c": {"b": [3]}, "d": "b", "b": [4]}';
    for (const size of [1, 7, 100]) {
      asked.length = 0;
      expect(await textsOf(document, { wants, size })).toEqual([
        ['b', '2'],
        ['b', '4'],
      ]);
      expect(asked).toEqual([
        ['a', 6],
        ['b', 21],
        ['c', 31],
        ['d', 48],
        ['b', 58],
      ]);
    }
  });

  test('that are no valid JSON are handed over, and those behind them', async () => {
    expect(await textsOf('{"a": [NaN, {"x": Infinity}, {"x" 1}, [2}, -.5e, {"y": 1}]}')).toEqual(
      ['NaN', '{"x": Infinity}', '{"x" 1}', '[2}', '-.5e', '{"y": 1}'].map((text) => ['a', text]),
    );
  });

  test('a byte order mark is no part of the document', async () => {
    const document = Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), Buffer.from('{"a": [1]}')]);
    for (const size of [1, 2, 3, 100])
      expect(await elementsOf(document, { size })).toEqual([
        { section: 'a', inList: true, text: '1', offset: 10, line: 1, column: 8 },
      ]);
  });

  test('a name with the word __proto__ or with escapes is a name', async () => {
    expect(await textsOf('{"__proto__": [1], "\\u0061\\n": 2, "": [3]}')).toEqual([
      ['__proto__', '1'],
      ['a\n', '2'],
      ['', '3'],
    ]);
  });
});

describe('going on', () => {
  test('from every position gives what the whole reading gives behind it', async () => {
    for (const size of [1, 5, 64]) {
      const batches = await batchesOf(DOCUMENT, { size });
      const all = await elementsOf(DOCUMENT, { size });
      let count = 0;
      for (const { elements, position } of batches) {
        count += elements.length;
        const from = JSON.parse(JSON.stringify(position)) as JsonPosition;
        expect(await elementsOf(DOCUMENT, { size, from })).toEqual(all.slice(count));
      }
    }
  });

  test('works in a list that is the document, behind a byte order mark', async () => {
    const document = '\ufeff[{"a": 1},\n2, [3] ,"4"]\n';
    const all = await elementsOf(document, { size: 4 });
    let count = 0;
    for (const { elements, position } of await batchesOf(document, { size: 4 })) {
      count += elements.length;
      // Before the mark is read, nothing is known that could go on.
      if (position.state === 'document') continue;
      expect(await elementsOf(document, { from: position })).toEqual(all.slice(count));
    }
    expect(count).toBe(4);
  });

  test('a batch has a thousand elements at most', async () => {
    const batches = await batchesOf(`{"a": [${Array.from({ length: 2500 }, (_, n) => n).join()}]}`);
    expect(batches.map(({ elements }) => elements.length)).toEqual([1000, 1000, 500]);
  });
});

describe('a broken document', () => {
  test('that is cut anywhere is found out', async () => {
    const bytes = Buffer.from(DOCUMENT.trimEnd());
    for (let length = 0; length < bytes.length; length++)
      for (const wants of [() => true, () => false])
        expect(await whyBroken(bytes.subarray(0, length), { wants, size: 50 })).toMatchObject([
          'AnnotationsBroken',
          expect.stringMatching(/^\/a\.json: line \d, column \d+: the document ends too early\.$/),
        ]);
  });

  test.each<[string, string | Buffer, string, string]>([
    ['nothing', '', 'line 1, column 1', 'the document ends too early'],
    ['the place where it is cut', '{"a": [1,\n  {"b"', 'line 2, column 7', 'the document ends too early'],
    ['words', 'images: []', 'line 1, column 1', '{ or [ is expected, not "i"'],
    ['a number', '\n 12', 'line 2, column 2', '{ or [ is expected, not "1"'],
    ['a second document', '{"a": 1}\n{"a": 2}', 'line 2, column 1', 'something follows the end of the document'],
    ['something behind a list', '[1]]', 'line 1, column 4', 'something follows the end of the document'],
    ['UTF-16', Buffer.from('\ufeff{}', 'utf16le'), 'line 1, column 1', 'the text is UTF-16; save it as UTF-8'],
    [
      'UTF-16 without a mark',
      Buffer.from('{}', 'utf16le'),
      'line 1, column 2',
      'a name or } is expected, not the byte 0x00',
    ],
    [
      'half a byte order mark',
      Buffer.from([0xef, 0xbb, 0x7b, 0x7d]),
      'line 1, column 1',
      '{ or [ is expected, not "{"',
    ],
    ['a name without quotes', "{'a': 1}", 'line 1, column 2', 'a name or } is expected, not "\'"'],
    ['a name that is no JSON', '{"\\q": 1}', 'line 1, column 2', 'the name of a member is no valid JSON'],
    ['a long name', `{"${'x'.repeat(1023)}": 1}`, 'line 1, column 2', 'a name is larger than 1024 bytes'],
    ['no colon', '{"a" 1}', 'line 1, column 6', 'a colon is expected, not "1"'],
    ['no value', '{"a": }', 'line 1, column 7', 'a value is expected, not "}"'],
    ['no element', '{"a": [1,,2]}', 'line 1, column 10', 'a value is expected, not ","'],
    ['a comma before the end of a list', '{"a": [1,]}', 'line 1, column 10', 'a value is expected, not "]"'],
    ['a comma before the end', '{"a": [1],\n}', 'line 2, column 1', 'a name is expected, not "}"'],
    ['no comma in a list', '{"a": [{} {}]}', 'line 1, column 11', 'a comma or ] is expected, not "{"'],
    ['no comma', '{"a": 1 "b": 2}', 'line 1, column 9', 'a comma or } is expected, not """'],
    ['a bracket too many', '{"a": [{"b": 1}}]}', 'line 1, column 16', 'a comma or ] is expected, not "}"'],
    [
      'bytes that are not UTF-8',
      Buffer.from('{"a":\n ["\xe9"]}', 'latin1'),
      'line 2, column 3',
      'the text is not UTF-8',
    ],
    ['a line with breaks in a string', '{"a": ["x\n\ny"\n1]}', 'line 4, column 1', 'a comma or ] is expected, not "1"'],
  ])('%s', async (_, document, place, what) => {
    for (const size of [1, 3, 1000]) expect(await whyBroken(document, { size })).toEqual(broken(place, what));
  });

  test('an element above 64 MiB is refused, and one that is passed over is not', async () => {
    const large = async function* () {
      yield Buffer.from('{"a": ["');
      for (let n = 0; n < 65; n++) yield Buffer.alloc(1 << 20, 'x');
      yield Buffer.from('", 1]}');
    };
    const read = async (wants: () => boolean) => {
      const found: string[] = [];
      for await (const { elements } of jsonElements(large(), { path: '/a.json', wants }))
        for (const { bytes } of elements) found.push(bytes.toString());
      return found;
    };
    await expect(read(() => true)).rejects.toThrow(
      '/a.json: line 1, column 8: an element is larger than 67108864 bytes.',
    );
    expect(await read(() => false)).toEqual([]);
  });
});

describe('time and memory', () => {
  test('a hundred thousand brackets in one element are counted', async () => {
    const bomb = '['.repeat(100_000);
    const document = `{"a": [${bomb}${']'.repeat(100_000)}, 1], "b": ${bomb}${']'.repeat(100_000)}}`;
    const found = await elementsOf(document, { size: 100, wants: (section) => section === 'a' });
    expect(found.map(({ text }) => text.length)).toEqual([200_000, 1]);
    expect(await whyBroken(`{"a": [${bomb}`, { size: 100 })).toEqual(
      broken('line 1, column 100008', 'the document ends too early'),
    );
  });

  test('a string of backslashes and quotes takes linear time', async () => {
    const text = JSON.stringify('\\"'.repeat(500_000));
    const found = await elementsOf(`[${text}]`, { size: 1000 });
    expect(found.map(({ text }) => text.length)).toEqual([text.length]);
  });

  test('a million elements are read in bounded memory', async () => {
    const many = async function* () {
      yield Buffer.from('{"a": [0');
      const some = Buffer.from(`,{"x": "${'x'.repeat(200)}"}`.repeat(5000));
      for (let n = 0; n < 200; n++) yield Buffer.from(some);
      yield Buffer.from(']}');
    };
    let count = 0;
    let most = 0;
    // Other tests of this process may have left some.
    const before = process.memoryUsage().arrayBuffers;
    for await (const { elements } of jsonElements(many(), { path: '/a.json', wants: () => true })) {
      count += elements.length;
      most = Math.max(most, process.memoryUsage().arrayBuffers - before);
    }
    expect(count).toBe(1_000_001);
    // All of it has 210 MB.
    expect(most).toBeLessThan(120e6);
  });
});
