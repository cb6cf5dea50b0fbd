import type { Command } from 'commander';
import { layIncrements } from '../../chain/directory/prepare-chain.ts';
import { prepare } from '../../restore/prepare.ts';
import { addServerOptions, serverOptionsOf, type ServerValues } from '../server-options.ts';
import { collect } from '../parse-values.ts';
import type { CommandContext } from '../run-command.ts';

interface PrepareValues extends ServerValues {
  incrementalDir?: string[];
  applyLogOnly?: boolean;
}

export function prepareCommand(program: Command, context: CommandContext): void {
  const command = program
    .command('prepare')
    .description(
      'Makes an extracted backup a data directory: checks it, lets the server recover it',
    )
    .argument('<dir>', 'directory of the extracted backup; it is changed in place')
    .option(
      '--incremental-dir <dir>',
      'lay the increment extracted there over it first; may be repeated, the oldest first',
      collect,
    )
    .option('--apply-log-only', 'leave it so that further increments can be laid over it');
  addServerOptions(command);
  context.register(command, async (values: PrepareValues, { reporter, signal, args }) => {
    const directory = args[0] ?? '';
    const { incrementalDir = [] } = values;
    if (incrementalDir.length > 0) {
      await layIncrements(directory, incrementalDir, reporter, signal);
    }
    if (values.applyLogOnly === true) {
      reporter.info(
        `${directory} waits for further increments, or for xbpipe prepare without this option`,
      );
      return;
    }
    await prepare(directory, serverOptionsOf(values), reporter, signal);
    noteOwner(reporter, directory);
  });
}

/** Who runs as root makes files that belong to root, and a server must own its data. */
export function noteOwner(reporter: { info(message: string): void }, directory: string): void {
  if (process.getuid?.() !== 0) return;
  reporter.info(`the files belong to root: chown -R mysql:mysql ${directory} before the start`);
}
