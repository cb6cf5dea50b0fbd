import type { Command } from 'commander';
import { guard } from '../../archive/guard.ts';
import { openStdout } from '../../sink/stdout.ts';
import { openStdin } from '../../source/byte-source.ts';
import type { CommandContext } from '../run-command.ts';

export function guardCommand(program: Command, context: CommandContext): void {
  const command = program
    .command('guard')
    .description('Passes an archive through and spoils it on purpose if it is not whole')
    .option('--any-archive', 'also pass archives that are no backup');
  context.register(command, async (values: { anyArchive?: boolean }, { reporter, signal }) => {
    const anyArchive = values.anyArchive === true;
    const summary = await guard(openStdin(signal), openStdout(), { anyArchive, signal });
    reporter.info(`the archive is whole: ${summary.members} files`);
  });
}
