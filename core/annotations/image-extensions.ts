const EXTENSIONS = ['jpg', 'jpeg', 'png', 'webp', 'bmp', 'tif', 'tiff', 'gif', 'heic', 'avif'];
const NAME = new RegExp(`\\.(?:${EXTENSIONS.join('|')})$`, 'i');

/** Whether a file name is that of a picture, in any case. */
export const isPictureName = (name: string): boolean => NAME.test(name);
