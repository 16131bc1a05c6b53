import type { AnnotationFormat, AnnotationFormatName } from './format.ts';

const FORMATS: Partial<Record<AnnotationFormatName, AnnotationFormat>> = {};

/** The format of a name. */
export const formatOf = (name: AnnotationFormatName): AnnotationFormat => FORMATS[name] as AnnotationFormat;
