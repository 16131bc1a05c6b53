import { createHash } from 'node:crypto';
import { unlessAborted } from '../core/concurrency/abort.ts';
import type { Embedder, EmbeddingModel, EmbedOutcome } from '../core/embedding/embedder.ts';
import { UserError } from '../core/errors.ts';
import type { Medium, ModelSide } from '../core/media/medium.ts';
import { ModelChangedError, ModelHasNoTextError } from '../core/models/errors.ts';
import { findModel, findSide, hasSide, type ModelFiles } from '../core/models/find-model.ts';
import { nameInKey, parseModel } from '../core/models/model-names.ts';
import type { Tried } from './choose-devices.ts';
import { type EmbedWords, keepLastWords, type Words } from './last-words.ts';
import type { LoadedModel } from './messages.ts';
import { requireOneSpace } from './one-space.ts';
import { type Device, devicesName, type InferenceSettings, settingsFromEnvironment } from './settings.ts';
import { createSharedRunner, type SharedRunner } from './shared-runner.ts';
import type { SideItem } from './task.ts';

/** An embedder that runs models in child processes. */
export interface InferenceEmbedder extends Embedder {
  /** Process IDs of the live encoder processes: one for each side of a model in use, and for each device. */
  childPids(): number[];
  /** Process IDs of the live decoder processes. */
  decoderPids(): number[];
  /** How many devices share the work. */
  readonly deviceCount: number;
}

/**
 * Creates an embedder that decodes and computes in child processes: one encoder per side of a model and per device, and
 * decoders where its items are files. So words never wait for the batches of a load, and a worker without searches loads
 * no text side. Words use the first device alone: a query is one item. Settings missing from `options` come from the
 * environment: see `settingsFromEnvironment`.
 *
 * @throws UserError InvalidSetting
 */
export function createEmbedder(options: Partial<InferenceSettings> = {}): InferenceEmbedder {
  const settings = { ...settingsFromEnvironment(), ...options };
  const { devices: configured } = settings;
  if (configured.length === 0) throw new UserError('InvalidSetting', 'devices: name one at least.');
  const runners = new Map<string, SharedRunner>();
  /** The embedding of words by each runner of a text side. */
  const embedsWords = new WeakMap<SharedRunner, EmbedWords>();
  let chosen: Promise<readonly Device[]> | undefined;
  let closed = false;

  /** The devices. `auto` tries them with the model that is used first. */
  async function devicesFor(files: ModelFiles, side: ModelSide): Promise<readonly Device[]> {
    if (configured !== 'auto') return configured;
    chosen ??= choose({ files, side }, settings).catch((error: unknown) => {
      // The fault is the model's. The next model decides.
      chosen = undefined;
      throw error;
    });
    return chosen;
  }

  /** The runner of a side of a model. Replaced model files get a new runner. */
  async function runnerOf(
    key: string,
    side: ModelSide,
    findFiles: () => Promise<ModelFiles>,
    use: (all: readonly Device[]) => readonly Device[] = (all) => all,
  ): Promise<SharedRunner> {
    assertOpen();
    const existing = runners.get(key);
    if (existing !== undefined && (await existing.isCurrent())) return existing;
    const files = await findFiles();
    const all = await devicesFor(files, side);
    assertOpen();
    // A concurrent call may have created it first.
    const runner = runners.get(key);
    if (runner !== undefined && runner !== existing) return runner;
    const created = createSharedRunner(files, side, { ...settings, devices: use(all) });
    runners.set(key, created);
    void existing?.stop(new ModelChangedError(`The files of model "${files.name}" were replaced while it was in use.`));
    return created;
  }

  function assertOpen(): void {
    if (closed) throw new Error('The embedder is closed.');
  }

  async function load(key: string, runner: SharedRunner): Promise<LoadedModel> {
    return runner.load().catch((error: unknown) => {
      // A repaired model folder must work without a restart of the worker.
      if (runners.get(key) === runner) runners.delete(key);
      throw error;
    });
  }

  const ownRunner = (name: string, medium: Medium) =>
    runnerOf(keyOf(name, medium), medium, () => findModel(name, medium.models, settings.modelFolders));

  /** The runner of the side that encodes samples. */
  async function loadedRunner(model: string, medium: Medium): Promise<{ runner: SharedRunner; loaded: LoadedModel }> {
    const { name, revision } = parseModel(model, medium.models);
    const runner = await ownRunner(name, medium);
    const loaded = await load(keyOf(name, medium), runner);
    requireRevision(name, revision, loaded);
    return { runner, loaded };
  }

  /** The runner of the text side. Its files are not part of the revision, because vectors of samples don't need them. */
  async function loadedTextRunner(model: string, medium: Medium): Promise<SharedRunner> {
    const { name, revision } = parseModel(model, medium.models);
    if (medium.text === 'own') {
      // A process of its own: words never wait for the batches of a load.
      const key = `text of ${keyOf(name, medium)}`;
      const runner = await runnerOf(key, medium, () => findModel(name, medium.models, settings.modelFolders), firstOf);
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
    const runner = await runnerOf(key, text, () => findSide(own.files, text.models), firstOf);
    requireOneSpace({ ...own.files, ...loaded }, { ...runner.files, ...(await load(key, runner)) });
    return runner;
  }

  function wordsOf(runner: SharedRunner): EmbedWords {
    const embedWords = embedsWords.get(runner) ?? keepLastWords(runner);
    embedsWords.set(runner, embedWords);
    return embedWords;
  }

  return {
    async open(model, medium) {
      const { runner, loaded } = await loadedRunner(model, medium);
      const devices = await devicesFor(runner.files, medium);
      return describe(runner.files.name, loaded, devices, await hasText(runner, medium));
    },
    async embed(model, medium, items, options = {}) {
      const opened = (runner: Promise<SharedRunner>) => unlessAborted(runner, options.signal);
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
    childPids: () => [...runners.values()].flatMap(({ pids }) => pids),
    decoderPids: () => [...runners.values()].flatMap((runner) => runner.decoderPids()),
    deviceCount: configured === 'auto' ? 1 : configured.length,
  };
}

const firstOf = (devices: readonly Device[]) => devices.slice(0, 1);

/** Chooses the device and says which one, so that nobody runs on the CPU without knowing why. */
async function choose(tried: Tried, settings: InferenceSettings): Promise<readonly Device[]> {
  const { chooseDevices, describePassedOver } = await import('./choose-devices.ts');
  const { devices, passedOver } = await chooseDevices(tried, settings);
  const reasons = passedOver.length === 0 ? '' : ` (${describePassedOver(passedOver)})`;
  process.stderr.write(`PLIMSOLL_DEVICE=auto takes ${devicesName(devices)}${reasons}.\n`);
  return devices;
}

function requireRevision(name: string, asked: string | undefined, { revision }: LoadedModel): void {
  if (asked !== undefined && asked !== revision)
    throw new ModelChangedError(`Model "${name}" is at revision ${revision}, not ${asked} as asked for.`);
}

const hasText = async ({ files }: SharedRunner, { text }: Medium) =>
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
  devices: readonly Device[],
  text: boolean,
): EmbeddingModel {
  const name = nameInKey(asked);
  const key = `${name}@${revision}`;
  return { name, revision, key, dim, batchSize, device: devicesName(devices), devices: devices.length, text };
}

/** Models of two media may have the same name. */
const keyOf = (name: string, medium: Medium) => `${medium.name}:${name}`;
