/**
 * Browsers cap how tall an element may be (Chromium at 33.5 million pixels, Firefox at 17.9 million), and a million samples
 * may want 90 million. So the scrollable element is at most `TALLEST_PX`, and a position in it maps onto one in the content:
 * one to one near both ends, where people arrive by the wheel and expect the end to be the end, and stretched in between.
 */
export const TALLEST_PX = 8_000_000;
const EXACT_PX = 1_000_000;

export interface ScrollMap {
  /** Height of the scrollable element. */
  heightPx: number;
  /** What is at the top of the window when the element is scrolled so. */
  contentAt(scrollTop: number): number;
  /** Where the element is scrolled to when that is at the top. */
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
 * Where the content is after the element was scrolled. A step (wheel, touch, key) moves the content by as many pixels;
 * a leap (the scroll bar's thumb) goes where the map says.
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

/** A page key or a flick of the wheel moves by less than this many windows in one frame. */
const LEAP_WINDOWS = 4;
