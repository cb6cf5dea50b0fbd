import type { Command, Option } from 'commander';
import { BackupError } from '../errors.ts';
import { type FileOption, readOptionFiles } from './option-files.ts';

/** Groups of the server's own tools from which only what we know is taken. */
const sharedGroups = ['client', 'client-server', 'client-mariadb'];
/** Our own group: what no command knows is an error. */
const ownGroup = 'xbpipe';

/** What a command is to do this time. In a file, where it is always, nobody can mean it. */
const notInFiles: ReadonlySet<string> = new Set([
  'yes',
  'preview',
  'chain',
  'orphans',
  'min-age',
  // There, no backup would be full and no directory prepared.
  'incremental-base',
  'incremental-basedir',
  'backup-incremental-base',
  'incremental-lsn',
  'incremental-dir',
  'prepare-incremental-from-dir',
  'apply-log-only',
  'apply-redo-only',
]);

interface Choice {
  defaultsFile?: string;
  defaultsExtraFile?: string;
  defaults?: boolean;
}

/** Gives a parsed command the options of the option files that its command line did not name. */
export function applyOptionFiles(command: Command): void {
  const { defaultsFile, defaultsExtraFile, defaults } = command.opts<Choice>();
  const choice = { defaultsFile, defaultsExtraFile, noDefaults: defaults === false };
  for (const found of readOptionFiles(choice, [...sharedGroups, ownGroup])) {
    const option = optionNamed(command, found.name);
    if (option) applyOne(command, option, found);
    else if (found.group === ownGroup && !isKnownElsewhere(command, found.name)) {
      throw new BackupError(
        'usage',
        `${found.file}: unknown option ${found.name} in [${ownGroup}]`,
      );
    }
  }
}

function applyOne(command: Command, option: Option, { value, file, name }: FileOption): void {
  const key = option.attributeName();
  const source = command.getOptionValueSource(key);
  if (source === 'cli' || source === 'env') return;
  if (notInFiles.has(name)) {
    throw new BackupError('usage', `${file}: --${name} is for the command line`);
  }
  if (value === undefined && option.required) {
    throw new BackupError('usage', `${file}: option ${name} needs a value`);
  }
  if (value !== undefined && option.argChoices && !option.argChoices.includes(value)) {
    throw new BackupError('usage', `${file}: ${name} is one of ${option.argChoices.join(', ')}`);
  }
  // Of an option that may be repeated every line counts; a default is not added to.
  const before: unknown = source === 'config' ? command.getOptionValue(key) : undefined;
  try {
    const parsed: unknown =
      value !== undefined && option.parseArg ? option.parseArg(value, before) : (value ?? true);
    command.setOptionValueWithSource(key, parsed, 'config');
  } catch (error) {
    throw new BackupError(
      'usage',
      `${file}: ${name}: ${error instanceof Error ? error.message : ''}`,
    );
  }
}

function optionNamed(command: Command, name: string): Option | undefined {
  return command.options.find((option) => option.long === `--${name}`);
}

function isKnownElsewhere(command: Command, name: string): boolean {
  return command.parent?.commands.some((other) => optionNamed(other, name) !== undefined) ?? false;
}
