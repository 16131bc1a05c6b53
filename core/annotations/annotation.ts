export type * from '../../contract/annotation.ts';
