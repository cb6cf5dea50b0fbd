import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { BackupError } from '../errors.ts';
import { replaceFile } from '../store/replace-file.ts';

/** Lies in a directory while an increment is laid over it. */
export const overlayStateName = 'xbpipe_overlay_state';

export interface OverlayState {
  /** The increment. */
  backupId: string;
  /** Files get their names and lose what DDL left behind; or they have them, and pages are written. */
  step: 'matching' | 'laying';
}

export function readState(directory: string): OverlayState | undefined {
  const path = join(directory, overlayStateName);
  if (!existsSync(path)) return undefined;
  const [step = '', backupId = ''] = readFileSync(path, 'utf8').trimEnd().split(' ');
  if (step === 'matching' || step === 'laying') return { step, backupId };
  throw new BackupError('corrupt', `${path} is not one of ours`, { where: { path } });
}

export function writeState(directory: string, { step, backupId }: OverlayState): void {
  replaceFile(join(directory, overlayStateName), Buffer.from(`${step} ${backupId}\n`));
}

export function removeState(directory: string): void {
  rmSync(join(directory, overlayStateName));
}
