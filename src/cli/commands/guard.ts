import type { Command } from 'commander';
import { guard } from '../../archive/guard.ts';
import { openStdout } from '../../sink/stdout.ts';
import { openStdin } from '../../source/byte-source.ts';
import { keyOf, tellSeal } from '../decoding-options.ts';
import type { KeyValues } from '../encryption-key.ts';
import { addKeyOptions } from '../key-options.ts';
import type { CommandContext } from '../run-command.ts';

interface GuardValues extends KeyValues {
  anyArchive?: boolean;
}

export function guardCommand(program: Command, context: CommandContext): void {
  const command = program
    .command('guard')
    .description('Passes an archive through and spoils it on purpose if it is not whole')
    .option('--any-archive', 'also pass archives that are no backup');
  addKeyOptions(command);
  context.register(command, async (values: GuardValues, { reporter, signal }) => {
    const anyArchive = values.anyArchive === true;
    const options = { anyArchive, key: keyOf(values, reporter), signal };
    const summary = await guard(openStdin(signal), openStdout(), options);
    tellSeal(summary, options.key, reporter);
    reporter.info(`the archive is whole: ${summary.members} files`);
  });
}
