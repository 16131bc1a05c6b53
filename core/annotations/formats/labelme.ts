import { UserError } from '../../errors.ts';
import type { FileRef } from '../../sources/files.ts';
import { type AnnotationFiles, MAX_WHOLE_BYTES } from '../reading/annotation-files.ts';
import { InvalidValue } from '../reading/invalid-value.ts';
import { fieldOf, isObject } from '../reading/json-object.ts';
import { folderOf, joinPath, nameOf, pathsOf, withSlashes } from '../reading/paths.ts';
import { readListedFile } from '../reading/small-file.ts';
import { createStepBuilder, type StepBuilder } from '../reading/steps.ts';
import { sizeOf, textOf } from '../reading/values.ts';
import { parseJson } from '../reading/whole-json.ts';
import type { AnnotationFormat, ReadRequest, ReadStep } from './format.ts';
import { labelmeShape } from './labelme-shape.ts';

/**
 * LabelMe: a JSON file for each image, in a folder, or one such file. https://github.com/wkentaro/labelme. Flags of an
 * image that are set are its tags. `imageData`, the picture itself, is dropped at once. Shapes are described in
 * labelme-shape.ts.
 */
export const labelme: AnnotationFormat = { name: 'labelme', read };

/** The last file that was read. */
interface Cursor {
  after: string;
}

/**
 * A broken file of a folder is an invalid annotation. One that is named itself is an error.
 *
 * @throws UserError AnnotationsBroken
 */
async function* read({ path, files, from }: ReadRequest): AsyncGenerator<ReadStep> {
  const after = (from as Cursor | undefined)?.after;
  const step = createStepBuilder();
  if ((await files.kindOf(path)) !== 'folder') {
    if (after !== undefined) return;
    const bytes = await files.read(path);
    step.count(bytes.length);
    try {
      addFile(step, path, bytes);
    } catch (error) {
      if (!(error instanceof InvalidValue)) throw error;
      throw new UserError('AnnotationsBroken', `${path}: ${error.message}`);
    }
    yield step.take({ after: path } satisfies Cursor);
    return;
  }
  let last = '';
  for await (const listed of files.list(path, (name) => /\.json$/i.test(name), after)) {
    for (const file of listed) {
      last = file.path;
      await addFileOfFolder(files, step, file);
      if (step.isFull) yield step.take({ after: last } satisfies Cursor);
    }
  }
  if (!step.isEmpty) yield step.take({ after: last } satisfies Cursor);
}

async function addFileOfFolder(files: AnnotationFiles, step: StepBuilder, file: FileRef): Promise<void> {
  step.count(0);
  const bytes = await readListedFile(files, file, MAX_WHOLE_BYTES);
  if (bytes instanceof InvalidValue) return step.addInvalid({ ...bytes, file: file.path });
  step.countBytes(bytes.length);
  step.attempt({ file: file.path }, () => {
    addFile(step, file.path, bytes);
    return undefined;
  });
}

/** @throws InvalidValue if it is no file of LabelMe */
function addFile(step: StepBuilder, path: string, bytes: Buffer): void {
  const document = parseJson(bytes);
  const shapes = isObject(document) ? fieldOf(document, 'shapes') : undefined;
  if (!isObject(document) || !Array.isArray(shapes))
    throw new InvalidValue('malformed', 'line 1, column 1: it is no file of LabelMe: it has no list `shapes`.');
  const name = textOf(fieldOf(document, 'imagePath'), '`imagePath`');
  if (name === undefined) throw new InvalidValue('malformed', 'line 1, column 1: `imagePath` is missing.');

  const width = sizeOf(fieldOf(document, 'imageWidth'));
  const height = sizeOf(fieldOf(document, 'imageHeight'));
  const flags = fieldOf(document, 'flags');
  const tags = isObject(flags) ? Object.keys(flags).filter((flag) => flags[flag] === true) : [];
  const folder = folderOf(path);
  // Folders are often moved, and images with their files.
  const beside = joinPath(folder, nameOf(withSlashes(name)));
  step.add({
    key: path,
    image: {
      name,
      paths: [...new Set([...pathsOf(folder, name), beside])],
      ...(width !== undefined && height !== undefined && { width, height }),
    },
    ...(tags.length > 0 && { tags }),
    unit: 'pixels',
  });
  for (const [index, shape] of shapes.entries()) {
    const place = { file: path };
    const part = `shapes[${index}]`;
    step.attempt(place, () => ({ key: path, annotations: [labelmeShape(shape)], unit: 'pixels' }), part);
    if (isObject(shape) && fieldOf(shape, 'shape_type') === 'mask')
      step.addInvalid({
        reason: 'unsupported',
        file: path,
        message: `${part}: The pixels of a mask are not read, but its box.`,
      });
  }
}
