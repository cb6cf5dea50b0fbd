import type { Command } from 'commander';

export interface ConfirmValues {
  yes?: boolean;
}

/** Of commands that only say what they would delete unless they are told to. */
export function addConfirmOption(command: Command): void {
  command.option('--yes', 'do it; without, it is only shown');
}
