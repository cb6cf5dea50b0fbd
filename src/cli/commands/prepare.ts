import type { Command } from 'commander';
import { layIncrements } from '../../chain/directory/prepare-chain.ts';
import { BackupError } from '../../errors.ts';
import { checkUnprepared } from '../../restore/check-unprepared.ts';
import { holdDirectory } from '../../restore/hold-directory.ts';
import { prepare } from '../../restore/prepare.ts';
import { optionOf } from '../option-of.ts';
import { addServerOptions, serverOptionsOf, type ServerValues } from '../server-options.ts';
import { collect, parseCount } from '../parse-values.ts';
import type { CommandContext } from '../run-command.ts';

interface PrepareValues extends ServerValues {
  incrementalDir?: string[];
  prepareIncrementalFromDir?: string[];
  applyLogOnly?: boolean;
  applyRedoOnly?: boolean;
  useMemory?: string;
  parallel?: number;
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
    .option(
      '--prepare-incremental-from-dir <dir>',
      'the same, as newer versions of XtraBackup call it',
      collect,
    )
    .option('--apply-log-only', 'leave it so that further increments can be laid over it')
    .option('--apply-redo-only', 'the same, as newer versions of XtraBackup call it')
    .option('--use-memory <size>', 'no effect: --server-arg sets up the server that recovers')
    .option('--parallel <n>', 'no effect: pages are laid by one thread', parseCount);
  addServerOptions(command);
  context.register(command, async (values: PrepareValues, { reporter, signal, args }) => {
    const directory = args[0] ?? '';
    const { increments, applyLogOnly } = choiceOf(values);
    // In an option file they are meant for another command.
    for (const name of ['useMemory', 'parallel']) {
      if (command.getOptionValueSource(name) === 'cli') {
        reporter.warn(`${optionOf(name)} has no effect on xbpipe prepare`);
      }
    }
    await holdDirectory(directory, async () => {
      if (increments.length > 0) await layIncrements(directory, increments, reporter, signal);
      if (!applyLogOnly) await prepare(directory, serverOptionsOf(values), reporter, signal);
      else await checkUnprepared(directory, reporter, signal);
    });
    if (!applyLogOnly) noteOwner(reporter, directory);
    else {
      reporter.info(
        `${directory} waits for further increments, or for xbpipe prepare without this option`,
      );
    }
  });
}

/** Either of the names that an option has had, and never both: as XtraBackup has it. */
function choiceOf(values: PrepareValues): { increments: string[]; applyLogOnly: boolean } {
  for (const names of [
    ['incrementalDir', 'prepareIncrementalFromDir'],
    ['applyLogOnly', 'applyRedoOnly'],
  ] as const) {
    if (names.some((name) => values[name] === undefined)) continue;
    const both = names.map(optionOf).join(' and ');
    throw new BackupError('usage', `${both} are the same option: name one of them`);
  }
  return {
    increments: values.incrementalDir ?? values.prepareIncrementalFromDir ?? [],
    applyLogOnly: values.applyLogOnly ?? values.applyRedoOnly ?? false,
  };
}

/** Who runs as root makes files that belong to root, and a server must own its data. */
export function noteOwner(reporter: { info(message: string): void }, directory: string): void {
  if (process.getuid?.() !== 0) return;
  reporter.info(`the files belong to root: chown -R mysql:mysql ${directory} before the start`);
}
