import type { Media } from '../core/media/medium.ts';
import { findModel, hasSide } from '../core/models/find-model.ts';
import type { SearchModel } from '../core/search/model-to-search.ts';
import { namesOf } from './encode-query.ts';

/** The means of this machine to encode queries. */
export interface ModelsHere {
  media: Media;
  /** The folders that are searched for a model's name. */
  modelFolders: readonly string[];
}

/**
 * Whether this machine can search a model's vectors by words: it has the model's files, and they have a text side. Their
 * revision is not looked at, because that reads the files; a search of another revision is refused.
 */
export async function knowsWords(
  model: Pick<SearchModel, 'name' | 'asked'>,
  mediaType: string,
  { media, modelFolders }: ModelsHere,
): Promise<boolean> {
  const medium = media.find(mediaType);
  const text = medium?.text;
  if (medium === undefined || text === undefined) return false;
  for (const name of namesOf(model)) {
    const files = await findModel(name, medium.models, modelFolders).catch(() => undefined);
    if (files !== undefined && (text === 'own' || (await hasSide(files, text.models)))) return true;
  }
  return false;
}
