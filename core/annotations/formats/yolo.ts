/**
 * Ultralytics' YOLO: a text file for each image, with an object a line.
 *
 * Source: https://docs.ultralytics.com/datasets/
 */
import { UserError } from '../../errors.ts';
import type { AnnotationFiles } from '../reading/annotation-files.ts';
import { type DraftStep, emptyDraft, isEmpty, isFull } from './draft-step.ts';
import { folders } from './folders.ts';
import type { AnnotationFormat, Piece, ReadRequest, ReadStep } from './format.ts';
import { withImageExtensions } from './image-extensions.ts';
import { type Flaw, isFlaw } from './invalid.ts';
import { folderOf, relativeTo } from './paths.ts';
import { type Dataset, openDataset } from './yolo/dataset.ts';
import { type LabelFile, loadLabelFile, parseLabelFile } from './yolo/label-file.ts';
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
  let draft = emptyDraft();
  if (from === undefined) {
    draft.classes = dataset.classes;
    draft.invalid = dataset.invalid;
  }
  let cursor: Cursor = from ?? { place: 0 };
  for (const [index, place] of dataset.places.entries()) {
    if (index < cursor.place) continue;
    if (index > cursor.place) cursor = { place: index };
    const pages = place.kind === 'folder' ? filesOf(dataset, place, cursor, files) : listedOf(dataset, place, cursor);
    for await (const page of pages) {
      const loaded = await Promise.all(page.map(({ labels }) => loadFirst(files, labels)));
      for (const [at, { next, ...image }] of page.entries()) {
        const content = loaded[at];
        // One by one, since annotations take many times the memory of their text.
        const file = content === undefined ? undefined : labelFileOf(content, rules);
        // An image of a list needs no label file. One that was listed itself can't be opened by its name.
        add(draft, dataset, image, file ?? (place.kind === 'folder' ? goneFile(image) : undefined));
        cursor = next;
        if (!isFull(draft)) continue;
        yield { ...draft, cursor };
        draft = emptyDraft();
      }
    }
  }
  if (!isEmpty(draft)) yield { ...draft, cursor };
}

interface Loaded {
  path: string;
  content: Buffer | Flaw;
}

/** The first of some label files that is there. */
async function loadFirst(files: AnnotationFiles, paths: string[]): Promise<Loaded | undefined> {
  for (const path of paths) {
    const content = await loadLabelFile(files, path);
    if (content !== undefined) return { path, content };
  }
  return undefined;
}

const labelFileOf = ({ path, content }: Loaded, rules: LineRules): LabelFile =>
  isFlaw(content)
    ? { annotations: [], invalid: [{ ...content, file: path }], bytes: 0 }
    : parseLabelFile(path, content, rules);

const goneFile = ({ labels: [path = ''] }: Pick<Labelled, 'labels'>): LabelFile => ({
  annotations: [],
  invalid: [{ reason: 'unreadable_file', file: path, message: 'There is no file of this name any more.' }],
  bytes: 0,
});

function add(
  draft: DraftStep,
  { root }: Dataset,
  { base, split }: Pick<Labelled, 'base' | 'split'>,
  file: LabelFile | undefined,
): void {
  const key = relativeTo(root, base[0] ?? '');
  const [name = key] = withImageExtensions(key);
  const piece: Piece = { key, image: { name, paths: base.flatMap(withImageExtensions) }, unit: 'relative' };
  if (split !== undefined) piece.split = split;
  if (file !== undefined) {
    piece.annotations = file.annotations;
    for (const invalid of file.invalid) draft.invalid.push(invalid);
    draft.bytes += file.bytes;
  }
  draft.pieces.push(piece);
}
