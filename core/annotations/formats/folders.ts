/** A folder a class: torchvision's ImageFolder, Ultralytics' classification, Hugging Face's imagefolder. */
import { isPictureName } from '../image-extensions.ts';
import { relativeTo } from '../reading/paths.ts';
import { splitNamed } from '../reading/splits.ts';
import { createStepBuilder } from '../reading/steps.ts';
import type { AnnotationFormat, Piece, ReadRequest, ReadStep } from './format.ts';

/** The last path that was read. */
interface Cursor {
  after: string;
}

export const folders: AnnotationFormat = { name: 'folders', read };

/** Reads the listing alone. A class is declared where its folder begins, once for each split. */
async function* read({ path: root, files, from }: ReadRequest): AsyncGenerator<ReadStep> {
  const after = (from as Cursor | undefined)?.after;
  const step = createStepBuilder();
  let last = after === undefined ? undefined : placeOf(relativeTo(root, after));
  let cursor = after;
  for await (const listed of files.list(root, isPictureName, after)) {
    for (const { path } of listed) {
      const name = relativeTo(root, path);
      const { label, split } = placeOf(name);
      if (label !== undefined && (label !== last?.label || split !== last.split)) step.addClasses([{ name: label }]);
      last = { label, split };
      const piece: Piece = { key: name, image: { name, paths: [path] } };
      if (split !== undefined) piece.split = split;
      if (label !== undefined) piece.annotations = [{ label }];
      step.add(piece);
      step.count(0);
      cursor = path;
      if (step.isFull) yield step.take({ after: cursor });
    }
  }
  if (!step.isEmpty) yield step.take({ after: cursor });
}

/** The class and the split of a picture by its folders. One beside the folders has none. */
function placeOf(name: string): { label: string | undefined; split: string | undefined } {
  const parents = name.split('/').slice(0, -1);
  const split = parents[0] === undefined ? undefined : splitNamed(parents[0]);
  return { label: parents[split === undefined ? 0 : 1], split };
}
