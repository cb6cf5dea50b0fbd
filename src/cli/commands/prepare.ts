import type { Command } from 'commander';
import { prepare } from '../../restore/prepare.ts';
import { addServerOptions, serverOptionsOf, type ServerValues } from '../server-options.ts';
import type { CommandContext } from '../run-command.ts';

export function prepareCommand(program: Command, context: CommandContext): void {
  const command = program
    .command('prepare')
    .description(
      'Makes an extracted backup a data directory: checks it, lets the server recover it',
    )
    .argument('<dir>', 'directory of the extracted backup; it is changed in place');
  addServerOptions(command);
  context.register(command, async (values: ServerValues, { reporter, signal, args }) => {
    const directory = args[0] ?? '';
    await prepare(directory, serverOptionsOf(values), reporter, signal);
    noteOwner(reporter, directory);
  });
}

/** Who runs as root makes files that belong to root, and a server must own its data. */
export function noteOwner(reporter: { info(message: string): void }, directory: string): void {
  if (process.getuid?.() !== 0) return;
  reporter.info(`the files belong to root: chown -R mysql:mysql ${directory} before the start`);
}
