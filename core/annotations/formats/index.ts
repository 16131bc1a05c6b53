import { UserError } from '../../errors.ts';
import { FileUnavailableError } from '../../sources/source.ts';
import { coco } from './coco.ts';
import { csv } from './csv.ts';
import { cvat } from './cvat.ts';
import { folders } from './folders.ts';
import type { AnnotationFormat, AnnotationFormatName } from './format.ts';
import { huggingface } from './huggingface.ts';
import { jsonl } from './jsonl.ts';
import { labelme } from './labelme.ts';
import { labelstudio } from './labelstudio.ts';
import { voc } from './voc.ts';
import { yolo } from './yolo.ts';

const FORMATS: Readonly<Record<AnnotationFormatName, AnnotationFormat>> = {
  coco,
  yolo,
  voc,
  folders,
  huggingface,
  csv,
  jsonl,
  labelme,
  labelstudio,
  cvat,
};

/** The format of a name. What was named and can't be read is the caller's mistake: AnnotationsNotFound or -Broken. */
export const formatOf = (name: AnnotationFormatName): AnnotationFormat => ({
  name,
  async *read(request) {
    try {
      yield* FORMATS[name].read(request);
    } catch (error) {
      if (!(error instanceof FileUnavailableError)) throw error;
      const code = error.code === 'file_not_found' ? 'AnnotationsNotFound' : 'AnnotationsBroken';
      throw new UserError(code, `${request.path}: ${error.message}`, { cause: error });
    }
  },
});
