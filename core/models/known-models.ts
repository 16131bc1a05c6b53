import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PACKAGED_MODELS } from './model-folders.ts';

/** A model that can be fetched by a short name. The hub states its revision and the hashes of its files. */
export interface KnownModel {
  name: string;
  /** Its repository on the hub, as `org/name`. */
  repository: string;
  /** Paths in the repository that the model can't do without. */
  files: readonly string[];
  /** A model of images that also embeds text can find images by words. */
  embeds: readonly Embedded[];
  /** Length of its vectors. */
  dimensions: number;
  /** SPDX identifier of the licence of its weights. */
  licence: string;
  good_for: string;
}

export type Embedded = 'images' | 'text';

let registry: readonly KnownModel[] | undefined;

/** The models of models/registry.json, in its order. */
export function knownModels(): readonly KnownModel[] {
  registry ??= (JSON.parse(readFileSync(join(PACKAGED_MODELS, 'registry.json'), 'utf8')) as { models: KnownModel[] })
    .models;
  return registry;
}

/** Whether a name has the form of a repository on the hub: `org/name`. */
export const isRepository = (name: string): boolean => /^\w[\w.-]*\/\w[\w.-]*$/.test(name);
