/** The highest limit that can be set, in images a second. */
export const FASTEST = 1_000_000;
