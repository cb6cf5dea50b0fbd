/** What `step` comes to, or the reason of `signal`, whatever is there first. Leaves no listener behind. */
export async function unlessAborted<T>(step: Promise<T>, signal: AbortSignal): Promise<T> {
  return await new Promise<T>((resolve, reject) => {
    const stop = (): void => {
      reject(signal.reason as Error);
    };
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop);
    void step.then(resolve, reject).finally(() => {
      signal.removeEventListener('abort', stop);
    });
  });
}
