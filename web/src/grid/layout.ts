/** Minimum width of a tile in pixels, by the chosen size. */
export const TILE_SIZES = { small: 96, medium: 148, large: 232 } as const;
export type TileSize = keyof typeof TILE_SIZES;

const GAP_PX = 4;

/** Number of columns on a phone, by the chosen size. */
const FEWEST_COLUMNS = { small: 4, medium: 3, large: 2 } as const;

/** The layout of equal tiles in rows that fill the width. */
export interface GridLayout {
  columns: number;
  /** Height of a tile. */
  tilePx: number;
  /** Width of a tile. Tiles share the remaining width. */
  tileWidthPx: number;
  /** Height of a row and the gap below it. */
  rowPx: number;
  /** The gap between tiles. */
  gapPx: number;
}

/** Minimum width and height of a card of text in pixels, by the chosen size. The smallest are rows of a list. */
const CARDS = {
  small: { widthPx: Number.POSITIVE_INFINITY, heightPx: 74 },
  medium: { widthPx: 370, heightPx: 168 },
  large: { widthPx: 540, heightPx: 268 },
} as const;

const CARD_GAP_PX = 10;

/** Cards of text, wide enough to read, in rows that fill the width. */
export function layoutCards(widthPx: number, size: TileSize): GridLayout {
  const { widthPx: least, heightPx } = CARDS[size];
  const gapPx = size === 'small' ? GAP_PX : CARD_GAP_PX;
  const columns = Math.max(1, Math.floor((widthPx + gapPx) / (least + gapPx)));
  const tileWidthPx = Math.max(16, (widthPx - gapPx * (columns - 1)) / columns);
  return { columns, tilePx: heightPx, tileWidthPx, rowPx: heightPx + gapPx, gapPx };
}

/** Pictures: nearly square tiles. */
export function layoutGrid(widthPx: number, size: TileSize): GridLayout {
  const fitting = Math.floor((widthPx + GAP_PX) / (TILE_SIZES[size] + GAP_PX));
  const columns = Math.max(FEWEST_COLUMNS[size], fitting);
  const tileWidthPx = Math.max(16, (widthPx - GAP_PX * (columns - 1)) / columns);
  const tilePx = Math.floor(tileWidthPx);
  return { columns, tilePx, tileWidthPx, rowPx: tilePx + GAP_PX, gapPx: GAP_PX };
}

/** The items to render: those in the window and some rows above and below. */
export function itemsAt(
  layout: GridLayout,
  contentTop: number,
  windowPx: number,
  itemCount: number,
  spareRows = 2,
): { first: number; end: number } {
  const firstRow = Math.max(0, Math.floor(contentTop / layout.rowPx) - spareRows);
  const endRow = Math.ceil((contentTop + windowPx) / layout.rowPx) + spareRows;
  return {
    first: Math.min(firstRow * layout.columns, itemCount),
    end: Math.min(endRow * layout.columns, itemCount),
  };
}

/** The smallest thumbnail size of the server that looks sharp in a tile. */
export function thumbnailSize(tilePx: number, pixelRatio: number): number {
  const wanted = tilePx * Math.min(2, pixelRatio);
  return THUMBNAIL_SIZES.find((size) => size >= wanted * 0.9) ?? THUMBNAIL_SIZES.at(-1) ?? 256;
}
export const THUMBNAIL_SIZES: readonly number[] = [128, 256, 512];
