/** The promise's outcome, or the signal's own reason if that comes first or explains why the promise failed. */
export async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  const aborted = Promise.withResolvers<never>();
  const abort = () => aborted.reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  try {
    // Not before the race: a promise that nobody awaits ends the process where it fails.
    if (signal.aborted) abort();
    const outcome = await Promise.race([promise, aborted.promise]);
    signal.throwIfAborted();
    return outcome;
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
