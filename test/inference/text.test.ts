import { createHash } from 'node:crypto';
import { cp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { BUILT_IN_MODEL } from '../../contract/built-in-model.ts';
import type { EmbedItem, EmbedOutcome } from '../../core/embedding/embedder.ts';
import { imagesMedium } from '../../core/media/images/medium.ts';
import { createEmbedder, type InferenceEmbedder } from '../../inference/embedder.ts';
import { createGraph, type GraphBuilder, type ValueName } from '../../scripts/onnx.ts';
import { COLOURS, COLOURS_DIM, makeColourWordsModel } from '../support/colour-words.ts';
import { linesMedium, writeLinesModel } from '../support/lines-medium.ts';
import { codeOf, isAlive, onlyPid, withEmbedder } from './embedders.ts';
import { temporaryFolder } from './tiny-models.ts';

const medium = imagesMedium();

let folder: string;
let model: string;
let embedder: InferenceEmbedder;

beforeAll(async () => {
  folder = await temporaryFolder();
  model = await makeColourWordsModel(join(folder, 'colours'));
  embedder = createEmbedder({ threads: 1, batchSize: 4 });
});
afterAll(async () => {
  await embedder.close();
  await rm(folder, { recursive: true });
});

async function pictureOf(name: string): Promise<EmbedItem> {
  const [r, g, b] = COLOURS[name] as readonly [number, number, number];
  const path = join(folder, `${name}.png`);
  await sharp({ create: { width: 40, height: 30, channels: 3, background: { r, g, b } } })
    .png()
    .toFile(path);
  return { path };
}

function vectorOf(outcome: EmbedOutcome | undefined): Float32Array {
  if (outcome === undefined || !('vector' in outcome)) throw new Error(`no vector: ${JSON.stringify(outcome)}`);
  return outcome.vector;
}

const wordsIn = async (of: InferenceEmbedder, text: string, asked = model) =>
  vectorOf((await of.embed(asked, medium, [{ text }]))[0]);

const cosine = (a: Float32Array, b: Float32Array) => a.reduce((sum, value, i) => sum + value * (b[i] as number), 0);

test.each<[text: string, name: string]>([
  ...Object.keys(COLOURS).map((name): [string, string] => [name, name]),
  ['RED', 'red'],
  ['a blue one', 'blue'],
  ['A picture of something blue.', 'blue'],
])('%j is nearest to the picture in %s', async (text, name) => {
  const names = Object.keys(COLOURS);
  const outcomes = await embedder.embed(model, medium, [{ text }, ...(await Promise.all(names.map(pictureOf)))]);
  const [words, ...pictures] = outcomes.map(vectorOf) as [Float32Array, ...Float32Array[]];
  const similarity = (of: string) => cosine(words, pictures[names.indexOf(of)] as Float32Array);
  expect(names.toSorted((a, b) => similarity(b) - similarity(a))[0]).toBe(name);
  expect(words).toHaveLength(COLOURS_DIM);
  expect(Math.hypot(...words)).toBeCloseTo(1, 6);
});

test('the content of words is the hash of their text in UTF-8', async () => {
  const text = 'größer, 赤い, red';
  const [outcome] = await embedder.embed(model, medium, [{ text }]);
  expect(outcome).toMatchObject({ content: createHash('sha256').update(Buffer.from(text, 'utf8')).digest('hex') });
});

test('words and pictures of one call keep their order', async () => {
  const names = Object.keys(COLOURS);
  const items = await Promise.all(names.flatMap((name) => [{ text: name }, pictureOf(name)]));
  const vectors = (await embedder.embed(model, medium, items)).map(vectorOf);
  for (const [i] of names.entries())
    expect(cosine(vectors[2 * i] as Float32Array, vectors[2 * i + 1] as Float32Array)).toBeGreaterThan(0.999);
});

test('words of all lengths share a batch', async () => {
  const texts = ['red', 'a picture of a red thing and of a red one', 'red red'];
  const vectors = (
    await embedder.embed(
      model,
      medium,
      texts.map((text) => ({ text })),
    )
  ).map(vectorOf);
  for (const vector of vectors) expect(cosine(vector, vectors[0] as Float32Array)).toBeGreaterThan(0.9999);
});

test('the same words again have the same vector without another run', async () => {
  expect(await wordsIn(embedder, 'a black one')).toBe(await wordsIn(embedder, 'a black one'));
});

test('words behind what the model reads are cut off', async () => {
  // It reads 32 tokens, of which two are special.
  const long = await wordsIn(embedder, `${'red '.repeat(30)}${'blue '.repeat(30)}`);
  expect(cosine(long, await wordsIn(embedder, 'red'))).toBeGreaterThan(0.9999);
});

test.each(['', ' \n\t '])('the text %j is empty, and fails alone', async (text) => {
  const outcomes = await embedder.embed(model, medium, [{ text: 'red' }, { text }]);
  expect(outcomes.map(codeOf)).toEqual(['vector', 'empty_text']);
});

test('words that weigh nothing fail alone', async () => {
  const outcomes = await embedder.embed(model, medium, [{ text: 'a zebra' }, { text: 'a red zebra' }]);
  expect(outcomes.map(codeOf)).toEqual(['vector_not_finite', 'vector']);
});

test('`findKnown` is asked for words as for pictures', async () => {
  const asked: string[][] = [];
  const findKnown = async (contents: readonly string[]) => {
    asked.push([...contents]);
    return new Set(contents);
  };
  const content = createHash('sha256').update('red').digest('hex');
  expect(await embedder.embed(model, medium, [{ text: 'red' }], { findKnown })).toEqual([{ known: true, content }]);
  expect(asked).toEqual([[content]]);
});

test('a model says whether it takes words', async () => {
  expect(await embedder.open(model, medium)).toMatchObject({ text: true });
  expect(await embedder.open(BUILT_IN_MODEL, medium)).toMatchObject({ text: false });
});

test('words for a model without a text side are an error that says what to do', async () => {
  const error = await embedder.embed(BUILT_IN_MODEL, medium, [{ text: 'red' }]).catch((error: unknown) => error);
  expect(error).toMatchObject({
    code: 'ModelHasNoText',
    message: expect.stringMatching(/"color-gradient-grid" has no text side.*one of the images.*docs\/models\.md/),
  });
});

test('words for a medium without text sides are the same error', async () => {
  const lines = await writeLinesModel(join(folder, 'lines'));
  expect(await embedder.open(lines, linesMedium())).toMatchObject({ text: false });
  const embedded = embedder.embed(lines, linesMedium(), [{ text: 'red' }]);
  await expect(embedded).rejects.toMatchObject({ code: 'ModelHasNoText' });
});

test('the text side is no part of the revision', async () => {
  const bare = join(folder, 'bare');
  await cp(model, bare, { recursive: true });
  for (const file of ['onnx/text_model.onnx', 'tokenizer.json', 'tokenizer_config.json']) await rm(join(bare, file));
  const { revision } = await embedder.open(model, medium);
  expect(await embedder.open(bare, medium)).toMatchObject({ revision, text: false });
});

/** A copy of the model with another text graph. */
async function withTextGraph(name: string, graph: Uint8Array | string): Promise<string> {
  const copy = join(folder, name);
  await cp(model, copy, { recursive: true });
  await writeFile(join(copy, 'onnx', 'text_model.onnx'), graph);
  return copy;
}

/** A text graph whose vectors `body` makes of the tokens as floats, [batch, tokens]. */
function textGraph(
  body: (graph: GraphBuilder, floats: ValueName) => ValueName,
  { output = 'text_embeds', shape = ['batch', 'dim'] }: { output?: string; shape?: string[] } = {},
): Uint8Array {
  const graph = createGraph({ name: 'words' });
  const ids = graph.input('input_ids', 'int64', ['batch', 'tokens']);
  graph.input('attention_mask', 'int64', ['batch', 'tokens']);
  graph.apply('Identity', [body(graph, graph.apply('Cast', [ids], { to: 1 }))], {}, output);
  graph.output(output, 'float32', shape);
  return graph.encode();
}

/** As many times the sum of the tokens. */
const sums = (times: number) => (graph: GraphBuilder, floats: ValueName) => {
  const sum = graph.apply('ReduceSum', [floats, graph.constant('int64', [1], [1])], { keepdims: 1 });
  return graph.apply('Concat', new Array(times).fill(sum), { axis: 1 });
};

test('pictures need no text side: it is loaded for the first words, and its faults are theirs', () =>
  withEmbedder({}, async (embedder) => {
    const broken = await withTextGraph('broken', 'no graph');
    expect(await embedder.open(broken, medium)).toMatchObject({ text: true });
    expect((await embedder.embed(broken, medium, [await pictureOf('red')])).map(codeOf)).toEqual(['vector']);
    expect(embedder.childPids()).toHaveLength(1);
    await expect(embedder.embed(broken, medium, [{ text: 'red' }])).rejects.toMatchObject({
      code: 'ModelInvalid',
      message: expect.stringContaining('text_model.onnx'),
    });
    expect((await embedder.embed(broken, medium, [await pictureOf('red')])).map(codeOf)).toEqual(['vector']);
  }));

test.each(['tokenizer.json', 'tokenizer_config.json'])('words need %s', async (file) => {
  const copy = join(folder, `without-${file}`);
  await cp(model, copy, { recursive: true });
  await rm(join(copy, file));
  expect(await embedder.open(copy, medium)).toMatchObject({ text: true });
  const words = () => embedder.embed(copy, medium, [{ text: 'red' }]);
  await expect(words()).rejects.toMatchObject({ code: 'ModelInvalid', message: expect.stringContaining(file) });
  await cp(join(model, file), join(copy, file));
  expect((await words()).map(codeOf)).toEqual(['vector']);
});

test('a text side of another name is found beside a vision side of another name', async () => {
  const copy = join(folder, 'halves');
  await cp(model, copy, { recursive: true });
  for (const side of ['vision', 'text']) {
    await cp(join(copy, 'onnx', `${side}_model.onnx`), join(copy, 'onnx', `${side}_model_fp16.onnx`));
    await rm(join(copy, 'onnx', `${side}_model.onnx`));
  }
  expect(await embedder.open(copy, medium)).toMatchObject({ text: true });
  expect(await wordsIn(embedder, 'red', copy)).toEqual(await wordsIn(embedder, 'red'));

  await cp(join(copy, 'onnx', 'text_model_fp16.onnx'), join(copy, 'onnx', 'text_model_int8.onnx'));
  expect(await embedder.open(copy, medium)).toMatchObject({ text: true });
});

test('two text sides of other names are an error that lists them', async () => {
  const copy = await withTextGraph('ambiguous', '');
  await rm(join(copy, 'onnx', 'text_model.onnx'));
  for (const kind of ['fp16', 'int8']) await writeFile(join(copy, 'onnx', `text_model_${kind}.onnx`), '');
  await expect(embedder.embed(copy, medium, [{ text: 'red' }])).rejects.toMatchObject({
    code: 'ModelInvalid',
    message: expect.stringMatching(/text_model_fp16\.onnx.*text_model_int8\.onnx.*Name it text_model\.onnx/),
  });
});

test('a text graph that was replaced is used for the next words, and the pictures keep their process', () =>
  withEmbedder({}, async (embedder) => {
    const copy = await withTextGraph('replaced', textGraph(sums(COLOURS_DIM)));
    const { revision } = await embedder.open(copy, medium);
    const pid = onlyPid(embedder);
    const words = () => wordsIn(embedder, 'red', `${copy}@${revision}`);
    expect(await words()).toEqual(new Float32Array(COLOURS_DIM).fill(COLOURS_DIM ** -0.5));
    await cp(join(model, 'onnx', 'text_model.onnx'), join(copy, 'onnx', 'text_model.onnx'));
    expect(await words()).toEqual(await wordsIn(embedder, 'red'));
    expect(embedder.childPids()).toContain(pid);
  }));

test('words are held to the revision of the pictures', async () => {
  const copy = await withTextGraph('pinned', await readFile(join(model, 'onnx', 'text_model.onnx')));
  const { revision } = await embedder.open(copy, medium);
  const words = () => wordsIn(embedder, 'red', `${copy}@${revision}`);
  await words();
  const preprocessing = join(copy, 'preprocessor_config.json');
  await writeFile(preprocessing, `${await readFile(preprocessing, 'utf8')} `);
  await expect(words()).rejects.toMatchObject({ code: 'ModelChanged' });
});

test.each([
  { what: 'vectors of another length', graph: textGraph(sums(7)), says: /vectors of 7 numbers.*vision_model.*of 4/ },
  {
    what: 'vectors before their projection',
    graph: textGraph(sums(COLOURS_DIM), { output: 'pooler_output' }),
    says: /"image_embeds".*"pooler_output".*projection/,
  },
  {
    what: 'a vector for each token',
    graph: textGraph((graph, floats) => graph.apply('Unsqueeze', [floats, graph.constant('int64', [1], [2])]), {
      output: 'last_hidden_state',
      shape: ['batch', 'tokens', 'dim'],
    }),
    says: /text_model\.onnx.*"last_hidden_state".*pooling/,
  },
])('a text side with $what is an invalid model', async ({ what, graph, says }) => {
  const copy = await withTextGraph(what, graph);
  await expect(embedder.embed(copy, medium, [{ text: 'red' }])).rejects.toMatchObject({
    code: 'ModelInvalid',
    message: expect.stringMatching(says),
  });
});

test('words do not start the process of the pictures again', () =>
  withEmbedder({}, async (embedder) => {
    await embedder.open(model, medium);
    const pid = onlyPid(embedder);
    process.kill(pid, 'SIGKILL');
    await expect.poll(() => embedder.childPids()).toEqual([]);
    await wordsIn(embedder, 'red');
    expect(embedder.childPids()).toHaveLength(1);
    expect(isAlive(pid)).toBe(false);
  }));

test('a process of words that is killed is started anew', () =>
  withEmbedder({}, async (embedder) => {
    await embedder.open(model, medium);
    const pictures = onlyPid(embedder);
    const words = embedder.embed(model, medium, [{ text: 'red' }]);
    await expect.poll(() => embedder.childPids(), { interval: 1 }).toHaveLength(2);
    const killed = embedder.childPids().find((pid) => pid !== pictures) as number;
    process.kill(killed, 'SIGKILL');
    expect((await words).map(codeOf)).toEqual(['vector']);
    expect(embedder.childPids()).toContain(pictures);
    expect(embedder.childPids()).not.toContain(killed);
  }));

test('a process of words that stands still is replaced, and the pictures keep theirs', () =>
  withEmbedder({ silenceTimeoutMs: 2000 }, async (embedder) => {
    await embedder.open(model, medium);
    const pictures = onlyPid(embedder);
    await wordsIn(embedder, 'red');
    const still = embedder.childPids().find((pid) => pid !== pictures) as number;
    process.kill(still, 'SIGSTOP');
    expect(cosine(await wordsIn(embedder, 'blue'), await wordsIn(embedder, 'BLUE'))).toBeGreaterThan(0.9999);
    expect(isAlive(still)).toBe(false);
    expect(embedder.childPids()).toContain(pictures);
  }));

test.runIf(process.arch === 'x64')('words that crash the process fail alone, and no picture is in it', () =>
  withEmbedder({}, async (embedder) => {
    const copy = await withTextGraph('lethal', textGraph(lethalFor('black')));
    await embedder.open(copy, medium);
    const pictures = onlyPid(embedder);
    const outcomes = await embedder.embed(copy, medium, [{ text: 'red' }, { text: 'black' }, { text: 'blue' }]);
    expect(outcomes.map(codeOf)).toEqual(['vector', 'inference_crashed', 'vector']);
    expect(outcomes[1]).toMatchObject({ error: { message: expect.stringContaining('died of this text') } });
    expect(isAlive(pictures)).toBe(true);
  }),
);

test('an aborted call for words ends with its reason', async () => {
  const controller = new AbortController();
  const reason = new Error('enough');
  const embedded = embedder.embed(model, medium, [{ text: 'red' }], { signal: controller.signal });
  controller.abort(reason);
  await expect(embedded).rejects.toBe(reason);
});

/** Divides the least int32 by -1 where a row is the word, which no processor of x86 survives: see lethalGraph. */
function lethalFor(word: string) {
  // The special tokens come before the colours in the vocabulary: [CLS], the word, [SEP].
  const tokens = 2 + (4 + Object.keys(COLOURS).indexOf(word)) + 3;
  return (graph: GraphBuilder, floats: ValueName) => {
    const sum = graph.apply('ReduceSum', [floats, graph.constant('int64', [1], [1])], { keepdims: 1 });
    const distance = graph.apply('Abs', [graph.apply('Sub', [sum, graph.constant('float32', [1], [tokens])])]);
    const divisor = graph.apply('Sub', [graph.apply('Cast', [distance], { to: 6 }), graph.constant('int32', [1], [1])]);
    // Any other divisor is 0 or more, and 0 is refused.
    const safe = graph.apply('Where', [
      graph.apply('Equal', [divisor, graph.constant('int32', [1], [0])]),
      graph.constant('int32', [1], [1]),
      divisor,
    ]);
    const quotient = graph.apply('Div', [graph.constant('int32', [1], [-(2 ** 31)]), safe]);
    return graph.apply('Concat', new Array(COLOURS_DIM).fill(graph.apply('Cast', [quotient], { to: 1 })), { axis: 1 });
  };
}
