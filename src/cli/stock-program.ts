import type { Writable } from 'node:stream';
import { toBackupError } from '../errors.ts';
import { type OptionTable, type ParsedOptions, parseMysqlOptions } from './mysql-options.ts';

/** One line on standard error, under the program's name. */
export type Say = (text: string) => void;

/**
 * Runs a program that stands in for one of XtraBackup's, from its arguments to its exit status;
 * never throws. What is odd about the arguments, and what failed, is told on `stderr`.
 */
export async function runStockProgram<T extends OptionTable>(
  program: { name: string; options: T; stderr: Writable },
  argv: readonly string[],
  action: (parsed: ParsedOptions<T>, say: Say) => Promise<void>,
): Promise<number> {
  const { name, options, stderr } = program;
  const say: Say = (text) => {
    stderr.write(`${name}: ${text}\n`);
  };
  // Without a listener, a standard error that nobody reads would end the process.
  stderr.on('error', () => undefined);
  try {
    const parsed = parseMysqlOptions(options, argv);
    for (const warning of parsed.warnings) say(`warning: ${warning}`);
    await action(parsed, say);
    return 0;
  } catch (error) {
    const { message, hint, status } = toBackupError(error);
    say(message);
    if (hint !== undefined) stderr.write(`HINT: ${hint}\n`);
    return status;
  }
}
