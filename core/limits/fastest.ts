/** The highest limit that can be set, in images a second. */
export const FASTEST = 1_000_000;
/** The lowest: an image in a thousand seconds. Below lies what no clock can count with. */
export const SLOWEST = 0.001;
