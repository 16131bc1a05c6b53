import { createHash } from 'node:crypto';
import { unlessAborted } from '../core/concurrency/abort.ts';
import type { Embedder, EmbeddingModel, EmbedOutcome } from '../core/embedding/embedder.ts';
import type { Medium, ModelSide } from '../core/media/medium.ts';
import { ModelChangedError, ModelHasNoTextError } from '../core/models/errors.ts';
import { findModel, findSide, hasSide, type ModelFiles } from '../core/models/find-model.ts';
import { nameInKey, parseModel } from '../core/models/model-names.ts';
import { type EmbedWords, keepLastWords, type Words } from './last-words.ts';
import type { LoadedModel } from './messages.ts';
import { createModelRunner, type ModelRunner } from './model-runner.ts';
import { requireOneSpace } from './one-space.ts';
import { deviceName, type InferenceSettings, settingsFromEnvironment } from './settings.ts';
import type { SideItem } from './task.ts';

/** An embedder that runs models in child processes. */
export interface InferenceEmbedder extends Embedder {
  /** Process IDs of the live encoder processes, one for each side of a model in use. */
  childPids(): number[];
  /** Process IDs of the live decoder processes. */
  decoderPids(): number[];
}

/**
 * Creates an embedder that decodes and computes in child processes: one encoder per side of a model, on the configured
 * device, and decoders where its items are files. So words never wait for the batches of a load, and a worker without searches loads no text side. Settings missing from
 * `options` come from the environment: see `settingsFromEnvironment`.
 *
 * @throws UserError InvalidSetting
 */
export function createEmbedder(options: Partial<InferenceSettings> = {}): InferenceEmbedder {
  const settings = { ...settingsFromEnvironment(), ...options };
  const runners = new Map<string, ModelRunner>();
  /** The embedding of words by each runner of a text side. */
  const embedsWords = new WeakMap<ModelRunner, EmbedWords>();
  let closed = false;

  /** The runner of a side of a model. Replaced model files get a new runner. */
  async function runnerOf(key: string, side: ModelSide, findFiles: () => Promise<ModelFiles>): Promise<ModelRunner> {
    assertOpen();
    const existing = runners.get(key);
    if (existing !== undefined && (await existing.isCurrent())) return existing;
    const files = await findFiles();
    assertOpen();
    // A concurrent call may have created it first.
    const runner = runners.get(key);
    if (runner !== undefined && runner !== existing) return runner;
    const created = createModelRunner(files, side, settings);
    runners.set(key, created);
    void existing?.stop(new ModelChangedError(`The files of model "${files.name}" were replaced while it was in use.`));
    return created;
  }

  function assertOpen(): void {
    if (closed) throw new Error('The embedder is closed.');
  }

  async function load(key: string, runner: ModelRunner): Promise<LoadedModel> {
    return runner.load().catch((error: unknown) => {
      // A repaired model folder must work without a restart of the worker.
      if (runners.get(key) === runner) runners.delete(key);
      throw error;
    });
  }

  const ownRunner = (name: string, medium: Medium) =>
    runnerOf(keyOf(name, medium), medium, () => findModel(name, medium.models, settings.modelFolders));

  /** The runner of the side that encodes samples. */
  async function loadedRunner(model: string, medium: Medium): Promise<{ runner: ModelRunner; loaded: LoadedModel }> {
    const { name, revision } = parseModel(model, medium.models);
    const runner = await ownRunner(name, medium);
    const loaded = await load(keyOf(name, medium), runner);
    requireRevision(name, revision, loaded);
    return { runner, loaded };
  }

  /** The runner of the text side. Its files are not part of the revision, because vectors of samples don't need them. */
  async function loadedTextRunner(model: string, medium: Medium): Promise<ModelRunner> {
    const { name, revision } = parseModel(model, medium.models);
    if (medium.text === 'own') {
      // A process of its own: words never wait for the batches of a load.
      const key = `text of ${keyOf(name, medium)}`;
      const runner = await runnerOf(key, medium, () => findModel(name, medium.models, settings.modelFolders));
      requireRevision(name, revision, await load(key, runner));
      return runner;
    }
    const own = await ownRunner(name, medium);
    // Its process may have ended since, and is not needed.
    const loaded = own.first ?? (await load(keyOf(name, medium), own));
    requireRevision(name, revision, loaded);
    if (medium.text === undefined || !(await hasText(own, medium))) throw noText(name, medium);
    const { text } = medium;
    const key = `text of ${keyOf(name, medium)}`;
    const runner = await runnerOf(key, text, () => findSide(own.files, text.models));
    requireOneSpace({ ...own.files, ...loaded }, { ...runner.files, ...(await load(key, runner)) });
    return runner;
  }

  function wordsOf(runner: ModelRunner): EmbedWords {
    const embedWords = embedsWords.get(runner) ?? keepLastWords(runner);
    embedsWords.set(runner, embedWords);
    return embedWords;
  }

  return {
    async open(model, medium) {
      const { runner, loaded } = await loadedRunner(model, medium);
      return describe(runner.files.name, loaded, deviceName(settings.device), await hasText(runner, medium));
    },
    async embed(model, medium, items, options = {}) {
      const opened = (runner: Promise<ModelRunner>) => unlessAborted(runner, options.signal);
      const texts = items.filter((item) => 'text' in item);
      const samples = items.filter((item): item is SideItem => !('text' in item));
      const ofSamples = async () =>
        (await opened(loadedRunner(model, medium).then(({ runner }) => runner))).embed(samples, options);
      const ofTexts = async () => wordsOf(await opened(loadedTextRunner(model, medium)))(texts.map(asWords), options);
      if (texts.length === 0) return ofSamples();
      const [textOutcomes, sampleOutcomes] = await Promise.all([ofTexts(), samples.length === 0 ? [] : ofSamples()]);
      return items.map((item) => ('text' in item ? textOutcomes : sampleOutcomes).shift() as EmbedOutcome);
    },
    async close() {
      closed = true;
      const reason = new Error('The embedder was closed.');
      await Promise.all([...runners.values()].map((runner) => runner.stop(reason)));
      runners.clear();
    },
    childPids: () => [...runners.values()].map(({ pid }) => pid).filter((pid) => pid !== undefined),
    decoderPids: () => [...runners.values()].flatMap((runner) => runner.decoderPids()),
  };
}

function requireRevision(name: string, asked: string | undefined, { revision }: LoadedModel): void {
  if (asked !== undefined && asked !== revision)
    throw new ModelChangedError(`Model "${name}" is at revision ${revision}, not ${asked} as asked for.`);
}

const hasText = async ({ files }: ModelRunner, { text }: Medium) =>
  text === 'own' || (text !== undefined && (await hasSide(files, text.models)));

const noText = (name: string, { words }: Medium) =>
  new ModelHasNoTextError(
    `Model "${name}" has no text side, so words can't be compared with its vectors. Use one of the ${words.many} ` +
      'instead of words, or a model with a text side: docs/models.md says which files that takes.',
  );

function asWords({ text }: { text: string }): Words {
  return { value: text, content: createHash('sha256').update(text).digest('hex') };
}

function describe(
  asked: string,
  { revision, dim, batchSize }: LoadedModel,
  device: string,
  text: boolean,
): EmbeddingModel {
  const name = nameInKey(asked);
  return { name, revision, key: `${name}@${revision}`, dim, batchSize, device, text };
}

/** Models of two media may have the same name. */
const keyOf = (name: string, medium: Medium) => `${medium.name}:${name}`;
