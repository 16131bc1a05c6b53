/**
 * Settles with the promise. Rejects with the signal's reason if the signal aborts first, or if it explains the failure.
 */
export async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  const aborted = Promise.withResolvers<never>();
  const abort = () => aborted.reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  try {
    // Does not throw here: the race must handle the promise, or its rejection would end the process.
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
