import type { Command } from 'commander';
import { BackupError, type FailureCode, toBackupError } from '../errors.ts';
import type { Reporter } from '../reporter.ts';
import { consoleReporter } from './console-reporter.ts';
import { applyOptionFiles } from './option-file-values.ts';
import { shownLines } from '../shown.ts';
import { timestamp } from './timestamp.ts';

/** What a command's action works with. */
export interface RunContext {
  reporter: Reporter;
  /** Aborted by SIGINT and SIGTERM, with a BackupError as its reason. */
  signal: AbortSignal;
  /** Positional arguments. */
  args: string[];
}

export interface CommandContext {
  /** Gives a command the options that all have, and its action. */
  register<V>(command: Command, action: (values: V, run: RunContext) => Promise<void>): void;
}

export interface GeneralValues {
  json?: boolean;
  quiet?: boolean;
}

const signals: [NodeJS.Signals, FailureCode, string][] = [
  ['SIGINT', 'interrupted', 'interrupted'],
  ['SIGTERM', 'terminated', 'terminated'],
  ['SIGHUP', 'terminated', 'terminated: the terminal is gone'],
];

/** The one place where an action starts and where its end becomes output and exit status. */
export function commandContext(): CommandContext {
  return {
    register<V>(command: Command, action: (values: V, run: RunContext) => Promise<void>) {
      command
        .optionsGroup('General:')
        .option('--json', 'answers and messages as JSON, one object a line')
        .option('--quiet', 'no progress')
        .option('--defaults-file <file>', 'read only this option file')
        .option('--defaults-extra-file <file>', 'read this option file after the usual ones')
        .option('--no-defaults', 'read no option file')
        .action(async () => {
          const general = command.opts<GeneralValues>();
          const reporter = consoleReporter({
            json: general.json === true,
            quiet: general.quiet === true,
          });
          const controller = new AbortController();
          for (const [signal, code, message] of signals) {
            process.once(signal, () => {
              controller.abort(new BackupError(code, message));
            });
          }
          try {
            applyOptionFiles(command);
            const run = { reporter, signal: controller.signal, args: command.args };
            await action(command.opts() as V, run);
          } catch (error) {
            fail(error, general.json === true);
          }
          succeed(general.json === true);
        });
    },
  };
}

function succeed(json: boolean): never {
  const message = 'completed OK!';
  const time = timestamp();
  process.stderr.write(
    json ? `${JSON.stringify({ type: 'result', time, status: 0, message })}\n` : endLine(message),
  );
  process.exit(0);
}

/** Prints what failed and ends the process with the failure's status. */
export function fail(thrown: unknown, json: boolean): never {
  const error = toBackupError(thrown);
  const { code, status, message, hint, where } = error;
  const time = timestamp();
  process.stderr.write(
    json
      ? `${JSON.stringify({ type: 'error', time, status, code, message, hint, where })}\n`
      : endLine(`FAILED: ${shownLines(message)} [${code}, exit status ${status}]`) +
          (hint === undefined ? '' : `HINT: ${shownLines(hint)}\n`),
  );
  process.exit(status);
}

function endLine(text: string): string {
  const clear = process.stderr.isTTY ? '\r\x1b[K' : '';
  return `${clear}${timestamp()} ${text}\n`;
}
