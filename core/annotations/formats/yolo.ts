/**
 * Ultralytics' YOLO: a text file for each image, with an object a line.
 *
 * Source: https://docs.ultralytics.com/datasets/
 */
import { UserError } from '../../errors.ts';
import { folderOf, relativeTo } from '../reading/paths.ts';
import { createStepBuilder } from '../reading/steps.ts';
import { folders } from './folders.ts';
import type { AnnotationFormat, Piece, ReadRequest, ReadStep } from './format.ts';
import { type Dataset, openDataset } from './yolo/dataset.ts';
import { addLabelFile, loadLabelFile } from './yolo/label-file.ts';
import type { LineRules } from './yolo/label-line.ts';
import { type Cursor, filesOf, type Labelled, listedOf } from './yolo/labelled.ts';

export const yolo: AnnotationFormat = { name: 'yolo', read };

async function* read(request: ReadRequest): AsyncGenerator<ReadStep> {
  const { files, path, task } = request;
  // Pictures are sorted into folders. There are no label files.
  if (task === 'classify') {
    const folder = (await files.kindOf(path)) === 'file' ? folderOf(path) : path;
    yield* folders.read({ ...request, path: folder });
    return;
  }
  const dataset = await openDataset(files, path);
  if (task === 'pose' && dataset.keypoints === undefined)
    throw new UserError(
      'AnnotationsUnclear',
      `${path}: the number of keypoints is not known. Name a data.yaml with "kpt_shape", such as [17, 3].`,
    );
  const { names } = dataset;
  const rules: LineRules = {
    task: task ?? (dataset.keypoints === undefined ? undefined : 'pose'),
    keypoints: dataset.keypoints,
    labelOf: (index) => (names === undefined ? (index < 0 ? undefined : String(index)) : names.get(index)),
  };

  const from = request.from as Cursor | undefined;
  const step = createStepBuilder();
  if (from === undefined) {
    step.addClasses(dataset.classes);
    for (const invalid of dataset.invalid) step.addInvalid(invalid);
  }
  let cursor: Cursor = from ?? { place: 0 };
  for (const [index, place] of dataset.places.entries()) {
    if (index < cursor.place) continue;
    if (index > cursor.place) cursor = { place: index };
    const pages = place.kind === 'folder' ? filesOf(dataset, place, cursor, files) : listedOf(dataset, place, cursor);
    for await (const page of pages) {
      // An image of a list needs no label file. One that was listed itself can't be opened by its name.
      const loaded = await Promise.all(page.map(({ labels }) => loadLabelFile(files, labels, place.kind === 'folder')));
      for (const [at, { next, ...image }] of page.entries()) {
        const piece = pieceOf(dataset, image);
        // One by one, since annotations take many times the memory of their text.
        const file = loaded[at];
        const annotations = file === undefined ? [] : addLabelFile(step, file, rules);
        // What a file says that can't be read is unknown, and its image keeps what it has.
        if (annotations !== undefined) step.add(file === undefined ? piece : { ...piece, annotations });
        step.count(0);
        cursor = next;
        if (step.isFull) yield step.take(cursor);
      }
    }
  }
  if (!step.isEmpty) yield step.take(cursor);
}

function pieceOf({ root }: Dataset, { base, split }: Pick<Labelled, 'base' | 'split'>): Piece {
  const name = relativeTo(root, base[0] ?? '');
  // The images may lie in a folder of another name.
  const below = /^(?:.*\/)?images\/(.+)$/s.exec(name)?.[1];
  const image = { name, paths: base, anyExtension: true as const, ...(below && { otherNames: [below] }) };
  const piece: Piece = { key: name, image, unit: 'relative' };
  if (split !== undefined) piece.split = split;
  return piece;
}
