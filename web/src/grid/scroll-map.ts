/**
 * Maps scroll positions to content positions. Browsers limit the height of an element (Chromium to 33.5 million pixels,
 * Firefox to 17.9 million), but a million samples may need 90 million. The scrollable element is therefore at most
 * `TALLEST_PX` high. The map is one to one near both ends, where people scroll by wheel, and stretched in between.
 */
export const TALLEST_PX = 8_000_000;
const EXACT_PX = 1_000_000;

export interface ScrollMap {
  /** Height of the scrollable element. */
  heightPx: number;
  /** The content position at the top of the window for a scroll position. */
  contentAt(scrollTop: number): number;
  /** The scroll position that brings a content position to the top. */
  scrollFor(contentTop: number): number;
}

export function createScrollMap(contentPx: number, windowPx: number): ScrollMap {
  const contentEnd = Math.max(0, contentPx - windowPx);
  const heightPx = Math.min(contentPx, TALLEST_PX);
  const scrollEnd = Math.max(0, heightPx - windowPx);
  if (contentPx <= TALLEST_PX) {
    const keep = (px: number) => Math.min(Math.max(0, px), contentEnd);
    return { heightPx, contentAt: keep, scrollFor: keep };
  }
  const stretch = (contentEnd - 2 * EXACT_PX) / (scrollEnd - 2 * EXACT_PX);
  return {
    heightPx,
    contentAt(scrollTop) {
      if (scrollTop <= EXACT_PX) return Math.max(0, scrollTop);
      if (scrollTop >= scrollEnd - EXACT_PX) return Math.min(contentEnd, contentEnd - (scrollEnd - scrollTop));
      return EXACT_PX + (scrollTop - EXACT_PX) * stretch;
    },
    scrollFor(contentTop) {
      if (contentTop <= EXACT_PX) return Math.max(0, contentTop);
      if (contentTop >= contentEnd - EXACT_PX) return Math.min(scrollEnd, scrollEnd - (contentEnd - contentTop));
      return EXACT_PX + (contentTop - EXACT_PX) / stretch;
    },
  };
}

/**
 * The content position after the element was scrolled. A step (wheel, touch, key) moves the content by the same number
 * of pixels; a leap (the scroll bar's thumb) goes to the mapped position.
 */
export function contentAfterScroll(
  map: ScrollMap,
  before: { scrollTop: number; contentTop: number },
  scrollTop: number,
  windowPx: number,
): number {
  const step = scrollTop - before.scrollTop;
  if (Math.abs(step) > windowPx * LEAP_WINDOWS) return map.contentAt(scrollTop);
  const end = map.contentAt(map.heightPx - windowPx);
  return Math.min(Math.max(0, before.contentTop + step), end);
}

/** Windows per frame: a page key or a flick of the wheel moves by less, a leap by more. */
const LEAP_WINDOWS = 4;
