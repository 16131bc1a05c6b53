import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import {
  ANNOTATION_FORMATS,
  ANNOTATION_TASKS,
  type AnnotationFormatName,
  type AnnotationSource,
  type AnnotationTask,
  GROUND_TRUTH,
} from '../../contract/annotations.ts';
import { UsageError } from '../failure.ts';

/** Options of annotate, load and schedule create: how annotations are read. */
export interface AnnotationOptions {
  annotationFormat?: AnnotationFormatName;
  task?: AnnotationTask;
  field?: string;
  split?: string;
  columns?: string;
}

/** Adds the flags of AnnotationOptions. */
export const addAnnotationOptions = (command: Command): Command =>
  command
    .addOption(
      new Option('--annotation-format <format>', 'the format of the annotations (default: found)').choices([
        ...ANNOTATION_FORMATS,
      ]),
    )
    .addOption(
      new Option('--task <task>', 'what the lines of YOLO files mean (default: found where it is certain)').choices([
        ...ANNOTATION_TASKS,
      ]),
    )
    .option('--field <name>', `the field that annotations go to (default: ${GROUND_TRUTH})`)
    .option('--split <name>', 'the split of every sample that is named')
    .option('--columns <mapping>', 'which column of a table is what: image=path,label=class');

/** For the help of the commands with AnnotationOptions. */
export const ANNOTATIONS_HELP = `Annotations are COCO JSON, Ultralytics YOLO, Pascal VOC, a folder a class,
Hugging Face metadata.csv or .jsonl, CSV, JSON Lines, LabelMe, Label Studio or
CVAT. What is already the same is left as it is, so reading them again is cheap.`;

/** Makes the request's part of paths and options. */
export function annotationSourceOf(
  paths: readonly string[],
  { annotationFormat, task, field, split, columns }: AnnotationOptions,
  replace = false,
): Partial<AnnotationSource> & { paths: string[] } {
  return {
    paths: paths.map((path) => resolve(path)),
    ...(annotationFormat === undefined ? {} : { format: annotationFormat }),
    ...(task === undefined ? {} : { task }),
    ...(field === undefined ? {} : { field }),
    ...(split === undefined ? {} : { split }),
    ...(columns === undefined ? {} : { columns: columnsOf(columns) }),
    ...(replace ? { replace } : {}),
  };
}

/** @throws UsageError */
function columnsOf(mapping: string): Record<string, string> {
  const pairs = mapping.split(',').map((pair) => {
    const at = pair.indexOf('=');
    if (at < 1 || at === pair.length - 1)
      throw new UsageError(
        `--columns "${mapping}": write what=COLUMN, with commas between, as in image=path,label=class.`,
      );
    return [pair.slice(0, at).trim(), pair.slice(at + 1).trim()] as const;
  });
  return Object.fromEntries(pairs);
}
