/** Rejects with the reason of `signal` once it is aborted; never resolves. */
export function aborted(signal: AbortSignal): Promise<never> {
  const promise = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => {
      reject(signal.reason as Error);
    });
  });
  // Whoever waits sees it.
  promise.catch(() => undefined);
  return promise;
}
