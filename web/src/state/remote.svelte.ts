import { isAborted, mayPass } from '../api/request.ts';
import { live } from './live.svelte.ts';

/** The pause before the next attempt, in milliseconds, after a number of failures in a row. */
export const backOff = (failures: number): number => Math.min(60_000, 3000 * 2 ** failures);

/** A value that is read from the server, with its error and loading state. */
export class Remote<T> {
  value = $state.raw<T | undefined>(undefined);
  error = $state.raw<Error | undefined>(undefined);
  loading = $state(false);
  /** True if the last reading failed and an older value is shown. */
  stale = $state(false);
  #reading: AbortController | undefined;
  #again: ReturnType<typeof setTimeout> | undefined;
  #failures = 0;
  #over = false;
  readonly #read: (signal: AbortSignal) => Promise<T>;

  constructor(read: (signal: AbortSignal) => Promise<T>) {
    this.#read = read;
  }

  /** Reads the value. The old value stays until the new one arrives. Does nothing after `end`. */
  async load(): Promise<void> {
    this.stop();
    if (this.#over) return;
    const reading = new AbortController();
    this.#reading = reading;
    this.loading = true;
    try {
      const value = await this.#read(reading.signal);
      if (reading.signal.aborted) return;
      this.value = value;
      this.error = undefined;
      this.stale = false;
      this.#failures = 0;
    } catch (error) {
      if (reading.signal.aborted || isAborted(error)) return;
      this.stale = this.value !== undefined;
      // Keep showing the old value. The banner says that the connection is lost.
      if (this.value === undefined || !mayPass(error)) this.error = error as Error;
      if (mayPass(error)) this.#again = setTimeout(() => void this.load(), backOff(this.#failures++));
    } finally {
      if (this.#reading === reading) this.loading = false;
    }
  }

  stop() {
    clearTimeout(this.#again);
    this.#reading?.abort();
  }

  /** Nobody looks at the value any more. */
  end() {
    this.#over = true;
    this.stop();
  }
}

/** Reads a value now, when the state that `key` reads changes, and after each new connection. Call it during setup. */
export function remote<T>(read: (signal: AbortSignal) => Promise<T>, key: () => unknown = () => undefined): Remote<T> {
  const result = new Remote(read);
  $effect(() => {
    key();
    void live.generation;
    void result.load();
    return () => result.stop();
  });
  // An action that outlives its view may still ask for a reading.
  $effect(() => () => result.end());
  return result;
}
