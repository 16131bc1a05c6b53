/** The words on stderr, V8's and the watchdog's, of a process that ends because it needs too much memory. */
export const OUT_OF_MEMORY = 'out of memory';
