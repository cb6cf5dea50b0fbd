import { Command, CommanderError } from 'commander';
import { BackupError, failures } from '../errors.ts';
import { version } from '../version.ts';
import { backupCommand } from './commands/backup.ts';
import { deleteCommand } from './commands/delete.ts';
import { expireCommand } from './commands/expire.ts';
import { extractCommand } from './commands/extract.ts';
import { guardCommand } from './commands/guard.ts';
import { importCommand } from './commands/import.ts';
import { infoCommand } from './commands/info.ts';
import { listCommand } from './commands/list.ts';
import { mergeCommand } from './commands/merge.ts';
import { prepareCommand } from './commands/prepare.ts';
import { restoreCommand } from './commands/restore.ts';
import { verifyCommand } from './commands/verify.ts';
import { exitStatusHelp } from './exit-status.ts';
import { commandContext, fail } from './run-command.ts';
import { modernArguments } from './xtrabackup-arguments.ts';

const commands = [
  backupCommand,
  extractCommand,
  restoreCommand,
  prepareCommand,
  mergeCommand,
  verifyCommand,
  guardCommand,
  listCommand,
  infoCommand,
  deleteCommand,
  expireCommand,
  importCommand,
];

/** Every command of the tool; tests walk this tree. */
export function buildProgram(): Command {
  const program = new Command('xbpipe')
    .description(
      'Hot physical backups of MySQL and MariaDB, streamed, restored without a prepare step',
    )
    .version(`xbpipe version ${version}`, '-V, --version')
    .addHelpText('after', exitStatusHelp())
    .configureOutput({ writeOut: (text) => process.stdout.write(text) })
    .exitOverride();
  const context = commandContext();
  for (const add of commands) add(program, context);
  for (const command of program.commands) {
    // -h is the host, as in the server's own tools.
    command.helpOption('--help', 'show this help').addHelpText('after', exitStatusHelp());
    command.exitOverride();
  }
  return program;
}

/** Runs the tool; it ends the process. */
export async function main(argv: readonly string[]): Promise<void> {
  // Options may hold a password or a key: from here on a process listing shows none.
  process.title = 'xbpipe';
  const json = argv.includes('--json');
  const program = buildProgram();
  if (json) for (const command of [program, ...program.commands]) silence(command);
  try {
    await program.parseAsync(modernArguments(argv), { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (json && error.exitCode !== 0) fail(new BackupError('usage', error.message), true);
    process.exit(error.exitCode === 0 ? 0 : failures.usage.status);
  }
}

/** What is wrong with the arguments is said in JSON then. */
function silence(command: Command): void {
  command.configureOutput({ writeErr: () => undefined });
}
