import type { Command } from 'commander';
import { BackupError } from '../errors.ts';

export interface ConfirmValues {
  yes?: boolean;
}

/** Of commands that only say what they would delete unless they are told to. */
export function addConfirmOption(command: Command): void {
  command.option('--yes', 'do it; without, it is only shown');
}

/** An option file, which is always there, can not mean it. */
export function isConfirmed(command: Command): boolean {
  if (command.opts<ConfirmValues>().yes !== true) return false;
  if (command.getOptionValueSource('yes') === 'cli') return true;
  throw new BackupError('usage', '--yes is for the command line, not for option files');
}
