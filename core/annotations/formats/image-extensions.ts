/** The extensions that an image may have whose name is known without one, the likeliest first. */
const EXTENSIONS = ['jpg', 'jpeg', 'png', 'webp', 'bmp', 'tif', 'tiff', 'gif', 'heic', 'avif'];

const CANDIDATES = [...EXTENSIONS, ...EXTENSIONS.map((extension) => extension.toUpperCase())];

const NAME = new RegExp(`\\.(?:${EXTENSIONS.join('|')})$`, 'i');

/** Whether a file name is that of a picture, in any case. */
export const isPictureName = (name: string): boolean => NAME.test(name);

/** The names that a picture may have. @param base a path without an extension */
export const withImageExtensions = (base: string): string[] => CANDIDATES.map((extension) => `${base}.${extension}`);
