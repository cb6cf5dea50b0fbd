/** Rejects with the reason of `signal` once it is aborted, at once if it was before; never resolves. */
export function aborted(signal: AbortSignal): Promise<never> {
  const promise = new Promise<never>((_, reject) => {
    const give = (): void => {
      reject(signal.reason as Error);
    };
    if (signal.aborted) give();
    else signal.addEventListener('abort', give);
  });
  // Whoever waits sees it.
  promise.catch(() => undefined);
  return promise;
}
