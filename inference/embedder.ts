import { basename, isAbsolute, resolve } from 'node:path';
import type { Embedder, EmbeddingModel } from '../core/models/embedder.ts';
import { ModelChangedError } from '../core/models/errors.ts';
import { findModel } from '../core/models/find-model.ts';
import type { LoadedModel } from './messages.ts';
import { createModelRunner, type ModelRunner } from './model-runner.ts';
import { deviceName, type InferenceSettings, settingsFromEnvironment } from './settings.ts';

export interface InferenceEmbedder extends Embedder {
  /** Process IDs of the inference processes that are alive: one for each model in use. */
  childPids(): number[];
}

/**
 * An embedder that decodes and computes in child processes, one a model, on the device of the settings. What `options` does not
 * give comes from the environment, see `settingsFromEnvironment`.
 *
 * @throws UserError InvalidSetting
 */
export function createEmbedder(options: Partial<InferenceSettings> = {}): InferenceEmbedder {
  const settings = { ...settingsFromEnvironment(), ...options };
  const runners = new Map<string, ModelRunner>();
  let closed = false;

  /** The runner of a model, a new one if the model's files were replaced. */
  async function runnerOf(name: string): Promise<ModelRunner> {
    assertOpen();
    const existing = runners.get(name);
    if (existing !== undefined && (await existing.isCurrent())) return existing;
    const files = await findModel(name, settings.modelFolders);
    assertOpen();
    // Another call may have been faster.
    const runner = runners.get(name);
    if (runner !== undefined && runner !== existing) return runner;
    const created = createModelRunner(files, settings);
    runners.set(name, created);
    void existing?.stop(new ModelChangedError(`The files of model "${name}" were replaced while it was in use.`));
    return created;
  }

  function assertOpen(): void {
    if (closed) throw new Error('The embedder is closed.');
  }

  async function loadedRunner(model: string): Promise<{ name: string; runner: ModelRunner; loaded: LoadedModel }> {
    const { name, revision } = parseModel(model);
    const runner = await runnerOf(name);
    const loaded = await runner.load().catch((error: unknown) => {
      // Whoever mends the model's folder needs no restart of the worker.
      if (runners.get(name) === runner) runners.delete(name);
      throw error;
    });
    if (revision !== undefined && revision !== loaded.revision)
      throw new ModelChangedError(`Model "${name}" is at revision ${loaded.revision}, not ${revision} as asked for.`);
    return { name, runner, loaded };
  }

  return {
    async open(model) {
      const { name, loaded } = await loadedRunner(model);
      return describe(name, loaded, deviceName(settings.device));
    },
    async embed(model, images, signal, onSignOfLife) {
      const { runner } = await unlessAborted(loadedRunner(model), signal);
      return runner.embed(images, signal, onSignOfLife);
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

/** The promise's outcome, or the signal's reason if that comes first. */
async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  const aborted = Promise.withResolvers<never>();
  const abort = () => aborted.reject(signal.reason);
  if (signal.aborted) abort();
  signal.addEventListener('abort', abort);
  return Promise.race([promise, aborted.promise]).finally(() => signal.removeEventListener('abort', abort));
}

function describe(asked: string, { revision, dim, batchSize }: LoadedModel, device: string): EmbeddingModel {
  // A key is the same wherever the model's folder lies.
  const name = isAbsolute(asked) ? basename(asked) : asked;
  return { name, revision, key: `${name}@${revision}`, dim, batchSize, device };
}

function parseModel(model: string): { name: string; revision: string | undefined } {
  const match = /^(.+)@([0-9a-f]{12})$/.exec(model);
  const name = match?.[1] ?? model;
  return { name: isAbsolute(name) ? resolve(name) : name, revision: match?.[2] };
}
