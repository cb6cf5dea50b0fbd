import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { BackupError, toBackupError } from '../errors.ts';

/** Where the server's own tools look. */
const usualFiles = ['/etc/my.cnf', '/etc/mysql/my.cnf', join(homedir(), '.my.cnf')];
const includeDepthMax = 10;

/** One line of an option file. */
export interface FileOption {
  group: string;
  /** Dashes instead of underscores. */
  name: string;
  /** Undefined for a bare option. */
  value: string | undefined;
  file: string;
}

export interface OptionFileChoice {
  /** Read only this file. */
  defaultsFile?: string | undefined;
  /** Read this file after the usual ones. */
  defaultsExtraFile?: string | undefined;
  noDefaults?: boolean | undefined;
}

/** The options of these groups out of the option files, in reading order: the later wins. */
export function readOptionFiles(choice: OptionFileChoice, groups: readonly string[]): FileOption[] {
  const files = choice.noDefaults ? [] : filesOf(choice);
  return files.flatMap((file) => parseFile(file, 0)).filter(({ group }) => groups.includes(group));
}

function filesOf({ defaultsFile, defaultsExtraFile }: OptionFileChoice): string[] {
  if (defaultsFile !== undefined) return [defaultsFile];
  const extra = defaultsExtraFile === undefined ? [] : [defaultsExtraFile];
  return [...usualFiles.filter((file) => existsSync(file)), ...extra];
}

function parseFile(file: string, depth: number): FileOption[] {
  if (depth > includeDepthMax) {
    throw new BackupError('usage', `${file}: option files include each other too deeply`);
  }
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw toBackupError(error, 'usage');
  }
  const options: FileOption[] = [];
  let group = '';
  for (const line of text.split('\n').map((part) => part.trim())) {
    const include = /^!(include|includedir)\s+(.+)$/.exec(line);
    const header = /^\[([^\]]+)\]$/.exec(line);
    if (include) options.push(...parseIncluded(include[1] ?? '', include[2] ?? '', depth));
    else if (header) group = header[1] ?? '';
    else if (line !== '' && !/^[#;!]/.test(line))
      options.push({ group, file, ...parseOption(line) });
  }
  return options;
}

function parseIncluded(kind: string, path: string, depth: number): FileOption[] {
  if (kind === 'include') return parseFile(path, depth + 1);
  if (!existsSync(path)) return [];
  const names = readdirSync(path).filter((name) => name.endsWith('.cnf'));
  return names.sort().flatMap((name) => parseFile(join(path, name), depth + 1));
}

function parseOption(line: string): { name: string; value: string | undefined } {
  const equals = line.indexOf('=');
  const name = (equals < 0 ? line : line.slice(0, equals)).trim().replaceAll('_', '-');
  return { name, value: equals < 0 ? undefined : unquoted(line.slice(equals + 1).trim()) };
}

function unquoted(value: string): string {
  const quoted = /^(["'])(.*)\1\s*(?:#.*)?$/.exec(value);
  return quoted ? (quoted[2] ?? '') : value.replace(/\s+#.*$/, '');
}
