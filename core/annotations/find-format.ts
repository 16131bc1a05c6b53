import type { AnnotationFormatName } from './formats/format.ts';
import type { AnnotationFiles } from './reading/annotation-files.ts';

export declare function findFormat(files: AnnotationFiles, path: string, asked?: AnnotationFormatName): Promise<{ path: string; format: AnnotationFormatName }>;
export declare function findBesideImages(files: AnnotationFiles, root: string): Promise<{ path: string; format: AnnotationFormatName } | undefined>;
