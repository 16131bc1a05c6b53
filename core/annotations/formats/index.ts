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

/** The format of a name. */
export const formatOf = (name: AnnotationFormatName): AnnotationFormat => FORMATS[name];
