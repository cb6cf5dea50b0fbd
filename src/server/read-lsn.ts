import { BackupError } from '../errors.ts';

/** An LSN that the server reports under a name of its status, as a number. */
export function readLsn(status: Map<string, string>, name: string): number {
  const value = Number(status.get(name));
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new BackupError('failed', `the server reports ${name} = ${status.get(name) ?? 'nothing'}`);
}
