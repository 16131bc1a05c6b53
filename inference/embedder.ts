import { basename, isAbsolute, resolve } from 'node:path';
import { unlessAborted } from '../core/concurrency/abort.ts';
import type { Embedder, EmbeddingModel } from '../core/embedding/embedder.ts';
import type { Medium } from '../core/media/medium.ts';
import { ModelChangedError } from '../core/models/errors.ts';
import { findModel } from '../core/models/find-model.ts';
import type { LoadedModel } from './messages.ts';
import { createModelRunner, type ModelRunner } from './model-runner.ts';
import { deviceName, type InferenceSettings, settingsFromEnvironment } from './settings.ts';

/** An embedder that runs models in child processes. */
export interface InferenceEmbedder extends Embedder {
  /** Process IDs of the live encoder processes, one for each model in use. */
  childPids(): number[];
}

/**
 * Creates an embedder that prepares and computes in child processes, one per model, on the configured device. Settings
 * missing from `options` come from the environment: see `settingsFromEnvironment`.
 *
 * @throws UserError InvalidSetting
 */
export function createEmbedder(options: Partial<InferenceSettings> = {}): InferenceEmbedder {
  const settings = { ...settingsFromEnvironment(), ...options };
  const runners = new Map<string, ModelRunner>();
  let closed = false;

  /** The runner of a model. Replaced model files get a new runner. */
  async function runnerOf(name: string, medium: Medium): Promise<ModelRunner> {
    assertOpen();
    const key = keyOf(name, medium);
    const existing = runners.get(key);
    if (existing !== undefined && (await existing.isCurrent())) return existing;
    const files = await findModel(name, medium.models, settings.modelFolders);
    assertOpen();
    // A concurrent call may have created it first.
    const runner = runners.get(key);
    if (runner !== undefined && runner !== existing) return runner;
    const created = createModelRunner(files, medium, settings);
    runners.set(key, created);
    void existing?.stop(new ModelChangedError(`The files of model "${name}" were replaced while it was in use.`));
    return created;
  }

  function assertOpen(): void {
    if (closed) throw new Error('The embedder is closed.');
  }

  async function loadedRunner(
    model: string,
    medium: Medium,
  ): Promise<{ name: string; runner: ModelRunner; loaded: LoadedModel }> {
    const { name, revision } = parseModel(model);
    const runner = await runnerOf(name, medium);
    const loaded = await runner.load().catch((error: unknown) => {
      // A repaired model folder must work without a restart of the worker.
      const key = keyOf(name, medium);
      if (runners.get(key) === runner) runners.delete(key);
      throw error;
    });
    if (revision !== undefined && revision !== loaded.revision)
      throw new ModelChangedError(`Model "${name}" is at revision ${loaded.revision}, not ${revision} as asked for.`);
    return { name, runner, loaded };
  }

  return {
    async open(model, medium) {
      const { name, loaded } = await loadedRunner(model, medium);
      return describe(name, loaded, deviceName(settings.device));
    },
    async embed(model, medium, items, options = {}) {
      const { runner } = await unlessAborted(loadedRunner(model, medium), options.signal);
      return runner.embed(items, options);
    },
    async close() {
      closed = true;
      const reason = new Error('The embedder was closed.');
      await Promise.all([...runners.values()].map((runner) => runner.stop(reason)));
      runners.clear();
    },
    childPids: () => [...runners.values()].map(({ pid }) => pid).filter((pid) => pid !== undefined),
  };
}

function describe(asked: string, { revision, dim, batchSize }: LoadedModel, device: string): EmbeddingModel {
  // The key does not depend on the location of the model's folder.
  const name = isAbsolute(asked) ? basename(asked) : asked;
  return { name, revision, key: `${name}@${revision}`, dim, batchSize, device };
}

/** Models of two media may have the same name. */
const keyOf = (name: string, medium: Medium) => `${medium.name}:${name}`;

function parseModel(model: string): { name: string; revision: string | undefined } {
  const match = /^(.+)@([0-9a-f]{12})$/.exec(model);
  const name = match?.[1] ?? model;
  return { name: isAbsolute(name) ? resolve(name) : name, revision: match?.[2] };
}
