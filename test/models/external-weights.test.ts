import { mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { externalWeightFiles } from '../../core/models/external-weights.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plimsoll-onnx-'));
});
afterAll(() => rm(folder, { recursive: true }));

// Protobuf by its wire types: a number, eight bytes, a length and what is so long, four bytes.
const tag = (field: number, wireType: number) => varint(field * 8 + wireType);
const number = (field: number, value: number) => Buffer.concat([tag(field, 0), varint(value)]);
const fixed64 = (field: number) => Buffer.concat([tag(field, 1), Buffer.alloc(8, 0xff)]);
const fixed32 = (field: number) => Buffer.concat([tag(field, 5), Buffer.alloc(4, 0xff)]);
const message = (field: number, ...parts: (Buffer | string)[]) => {
  const body = Buffer.concat(parts.map((part) => Buffer.from(part)));
  return Buffer.concat([tag(field, 2), varint(body.length), body]);
};

function varint(value: number): Buffer {
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return Buffer.from([...bytes, rest]);
    bytes.push((rest % 128) + 128);
  }
}

// The fields of onnx.proto3, by their numbers.
const model = (...parts: Buffer[]) => message(7, ...parts);
const node = (...parts: Buffer[]) => message(1, ...parts);
const initializer = (...parts: Buffer[]) => message(5, ...parts);
const attribute = (...parts: Buffer[]) => message(5, ...parts);
const tensor = (...parts: Buffer[]) => message(5, ...parts);
const tensors = (...parts: Buffer[]) => message(10, ...parts);
const subgraph = (...parts: Buffer[]) => message(6, ...parts);
const externalData = (key: string, value: string) => message(13, message(1, key), message(2, value));
const at = (location: string) => externalData('location', location);

async function filesOf(...parts: Buffer[]): Promise<string[]> {
  const path = join(folder, 'model.onnx');
  await writeFile(path, Buffer.concat(parts));
  return (await externalWeightFiles(path)).map((file) => file.slice(folder.length + 1));
}

describe('the files that hold weights of a model', () => {
  it('are none if the model names none', async () => {
    expect(await filesOf()).toEqual([]);
    expect(await filesOf(number(1, 8), model(node(), initializer(number(1, 3))))).toEqual([]);
  });

  it('are named by tensors of the graph, of its nodes and of the graphs in those', async () => {
    const inner = subgraph(initializer(at('c')), node(attribute(tensor(at('d')))));
    expect(
      await filesOf(
        model(initializer(at('b')), node(attribute(tensor(at('a'))), attribute(tensors(at('e'))), attribute(inner))),
      ),
    ).toEqual(['a', 'b', 'c', 'd', 'e']);
  });

  it('are named once each, in their order', async () => {
    expect(await filesOf(model(initializer(at('b')), initializer(at('a')), initializer(at('b'))))).toEqual(['a', 'b']);
  });

  it('are named by no other entry, and in no other field', async () => {
    const others = [externalData('offset', '4096'), externalData('checksum', 'x'), externalData('', 'y')];
    expect(await filesOf(model(initializer(...others, at('a'), ...others)))).toEqual(['a']);
    expect(await filesOf(message(8, initializer(at('a'))), model(message(2, at('a'))), initializer(at('a')))).toEqual(
      [],
    );
    expect(await filesOf(model(message(13, at('a')), initializer(message(12, message(1, 'location')))))).toEqual([]);
  });

  it('are found behind fields of any kind', async () => {
    const before = [
      number(1, 300),
      fixed64(2),
      fixed32(3),
      message(4, 'x'.repeat(300)),
      number(15, 2 ** 40),
      message(99),
    ];
    expect(
      await filesOf(...before, model(...before, initializer(...before.filter((_, i) => i !== 0), at('a')))),
    ).toEqual(['a']);
  });

  it('are not where a number stands in the place of a message', async () => {
    expect(await filesOf(number(7, 3), model(number(5, 3), number(1, 3), initializer(at('a'))))).toEqual(['a']);
  });

  it('are found behind weights of more than 4 GiB', async () => {
    const path = join(folder, 'large.onnx');
    const size = 5 * 2 ** 30;
    const head = Buffer.concat([tag(4, 2), varint(size)]);
    const file = await open(path, 'w');
    await file.write(head);
    const tail = model(initializer(at('a')));
    // The weights are a hole, which takes no space.
    await file.write(tail, 0, tail.length, head.length + size);
    await file.close();
    expect(await externalWeightFiles(path)).toEqual([join(folder, 'a')]);
  });
});

describe('a file that is no ONNX file', () => {
  it.each<[string, Buffer[]]>([
    ['has a field 0', [tag(0, 2), varint(0)]],
    ['begins a group', [tag(1, 3)]],
    ['ends a group', [tag(1, 4)]],
    ['has wire type 6', [tag(1, 6)]],
    ['has wire type 7', [tag(1, 7)]],
    ['ends in a field', [tag(1, 2), varint(3), Buffer.from('ab')]],
    ['ends in eight bytes', [fixed64(1).subarray(0, 8)]],
    ['ends in four bytes', [fixed32(1).subarray(0, 4)]],
    ['ends in a number', [tag(1, 0), Buffer.of(0x80)]],
    ['has a number of more than ten bytes', [tag(1, 0), Buffer.alloc(10, 0x80), Buffer.of(0)]],
    ['has a field that goes on behind its message', [model(Buffer.concat([tag(9, 2), varint(1)])), Buffer.of(0)]],
    ['is text', [Buffer.from('version https://git-lfs.github.com/spec/v1')]],
  ])('is refused if it %s', async (_, parts) => {
    await expect(filesOf(...parts)).rejects.toThrow(RangeError);
  });

  it('may have a number of ten bytes', async () => {
    expect(await filesOf(tag(1, 0), Buffer.alloc(9, 0x80), Buffer.of(1))).toEqual([]);
  });
});
