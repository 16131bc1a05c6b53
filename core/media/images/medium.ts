import type { MediaKind } from '../medium.ts';
import { isImageName } from './formats.ts';
import { readHeaders } from './header.ts';

/** Images: a sample is a file, its metadata is in the file's header. */
export const images: MediaKind = { mediaType: 'image', accepts: isImageName, readMetadata: readHeaders };
