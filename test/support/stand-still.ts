/** Blocks the event loop, as a stopped process or a sleeping machine does. Timers come due before what has arrived. */
export function standStill(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
