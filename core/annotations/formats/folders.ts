/** A folder a class: torchvision's ImageFolder, Ultralytics' classification, Hugging Face's imagefolder. */
import { type DraftStep, emptyDraft, isEmpty, isFull } from './draft-step.ts';
import type { AnnotationFormat, Piece, ReadRequest, ReadStep } from './format.ts';
import { isPictureName } from './image-extensions.ts';
import { relativeTo } from './paths.ts';
import { splitNamed } from './splits.ts';

/** The last path that was read. */
interface Cursor {
  after: string;
}

export const folders: AnnotationFormat = { name: 'folders', read };

/** Reads the listing alone. A class is declared where its folder begins, once for each split. */
async function* read({ path: root, files, from }: ReadRequest): AsyncGenerator<ReadStep> {
  const after = (from as Cursor | undefined)?.after;
  let draft: DraftStep = emptyDraft();
  let last = after === undefined ? undefined : placeOf(relativeTo(root, after));
  let cursor = after;
  for await (const listed of files.list(root, isPictureName, after)) {
    for (const { path } of listed) {
      const name = relativeTo(root, path);
      const { label, split } = placeOf(name);
      if (label !== undefined && (label !== last?.label || split !== last.split)) draft.classes.push({ name: label });
      last = { label, split };
      const piece: Piece = { key: name, image: { name, paths: [path] } };
      if (split !== undefined) piece.split = split;
      if (label !== undefined) piece.annotations = [{ label }];
      draft.pieces.push(piece);
      cursor = path;
      if (!isFull(draft)) continue;
      yield { ...draft, cursor: { after: cursor } };
      draft = emptyDraft();
    }
  }
  if (!isEmpty(draft)) yield { ...draft, cursor: { after: cursor } };
}

/** The class and the split of a picture by its folders. One beside the folders has none. */
function placeOf(name: string): { label: string | undefined; split: string | undefined } {
  const parents = name.split('/').slice(0, -1);
  const split = parents[0] === undefined ? undefined : splitNamed(parents[0]);
  return { label: parents[split === undefined ? 0 : 1], split };
}
