import sharp from 'sharp';

/** The loaders of our formats. Drawings are never opened as files, because librsvg would follow their links. */
const LOADERS = ['Jpeg', 'Png', 'Webp', 'Nsgif', 'Tiff', 'Heif', 'SvgBuffer'];

/**
 * Lets sharp open nothing but our formats in this process. A file may become something else while it is read. Images are
 * decoded side by side, each in one thread. The cache is off, so a replaced file is read again.
 */
export function restrictLoaders(): void {
  sharp.concurrency(1);
  sharp.cache(false);
  sharp.block({ operation: ['VipsForeignLoad'] });
  sharp.unblock({ operation: LOADERS.map((name) => `VipsForeignLoad${name}`) });
}
