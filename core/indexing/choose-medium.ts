import type { LoadDatasetInput } from '../../contract/inputs.ts';
import { UserError } from '../errors.ts';
import type { Media, Medium } from '../media/medium.ts';
import { createSelection } from '../sources/selection.ts';
import type { Source } from '../sources/source.ts';

/** Names that no medium reads are passed faster than others. */
const IGNORED_A_FILE = 10;

/** Files that are looked at. What a folder holds shows soon, and a folder may hold millions. */
const LOOKED_AT = 2000;

/**
 * The medium of a new dataset: the one whose files the source holds. If it holds files of several, the one that some of
 * them speak for. If it holds none, the default, whose load then says so.
 *
 * @throws UserError MediumUnclear when files of two media speak for theirs; the errors of `Source.list`
 */
export async function chooseMedium(
  media: Media,
  source: Source,
  root: string,
  rules: Pick<LoadDatasetInput, 'include' | 'exclude' | 'hidden' | 'reread'>,
): Promise<Medium> {
  if (media.all.length === 1) return media.default;
  const found = new Map<Medium, string>();
  const spokenFor = new Map<Medium, string>();
  const accepts = (name: string) => media.all.some((medium) => medium.accepts(name));
  let looked = 0;
  for await (const { files, ignored } of source.list(root, createSelection(accepts, rules))) {
    for (const { path } of files) {
      const name = path.slice(path.lastIndexOf('/') + 1);
      for (const medium of media.all.filter((each) => each.accepts(name))) {
        if (!found.has(medium)) found.set(medium, path);
        if (!spokenFor.has(medium) && medium.suggests?.(name) !== false) spokenFor.set(medium, path);
      }
    }
    looked += files.length + ignored / IGNORED_A_FILE;
    if (looked >= LOOKED_AT || spokenFor.size === media.all.length) break;
  }
  const several = media.all.filter((medium) => (spokenFor.size > 0 ? spokenFor : found).has(medium));
  const [first = media.default, ...others] = several;
  if (others.length === 0 || spokenFor.size === 0) return first;
  const examples = several.map((medium) => `${medium.name} (${spokenFor.get(medium)})`).join(' and ');
  throw new UserError(
    'MediumUnclear',
    `${root} holds files of several media: ${examples}. Say which to load: ` +
      `${several.map(({ name }) => `--media ${name}`).join(' or ')} ("media" in a request).`,
  );
}

export const noChunks = ({ words }: Medium) =>
  new UserError('InvalidInput', `artifact: ${words.many} have no chunks to write. Leave it out, or load documents.`, {
    fields: ['artifact'],
  });
