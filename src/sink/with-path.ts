import { toBackupError } from '../errors.ts';

/** Runs a step on a file; what fails of it is told with its path, which an open handle does not know. */
export async function withPath<T>(path: string, step: () => Promise<T>): Promise<T> {
  try {
    return await step();
  } catch (error) {
    if (error instanceof Error && !('path' in error)) Object.assign(error, { path });
    throw toBackupError(error, 'storage');
  }
}
