import { BackupError } from '../errors.ts';
import type { ParsedOptions } from './mysql-options.ts';

// The options of XtraBackup's xbstream, `-p` of MariaDB's mbstream, and `--lenient` of ours.

const threads = { kind: 'number', default: 1, min: 1, description: 'accepted, changes nothing' };

export const xbstreamOptions = {
  help: { kind: 'flag', short: '?', description: 'show this text' },
  version: { kind: 'flag', short: 'V', description: 'show the version' },
  create: { kind: 'flag', short: 'c', description: 'write the named files to stdout' },
  extract: { kind: 'flag', short: 'x', description: 'take the files out of stdin' },
  directory: {
    kind: 'text',
    short: 'C',
    value: 'DIR',
    description: 'work there, not in the current directory',
  },
  verbose: { kind: 'flag', short: 'v', description: 'print the names of the files to stderr' },
  parallel: { ...threads, kind: 'number', short: 'p', max: 2_147_483_647 },
  decompress: { kind: 'flag', description: 'with -x, decompress .zst, .lz4 and .qp files' },
  'decompress-threads': { ...threads, kind: 'number', max: 1024 },
  decrypt: {
    kind: 'choice',
    short: 'd',
    choices: ['NONE', 'AES128', 'AES192', 'AES256'],
    default: 'NONE',
    description: 'with -x, decrypt .xbcrypt files',
  },
  'encrypt-key': {
    kind: 'text',
    short: 'k',
    value: 'KEY',
    description: 'the key, as it is; better use --encrypt-key-file',
  },
  'encrypt-key-file': {
    kind: 'text',
    value: 'FILE',
    description: 'file that holds the key and not one byte more',
  },
  'encrypt-threads': { ...threads, kind: 'number', max: 1024 },
  'fifo-streams': {
    kind: 'number',
    short: 'f',
    default: 1,
    min: 1,
    max: 1024,
    description: 'with -x, read so many named pipes of --fifo-dir, if more than 1',
  },
  'fifo-dir': {
    kind: 'text',
    value: 'DIR',
    description: 'where the pipes thread_0, thread_1, ... are; they are removed at the end',
  },
  'fifo-timeout': {
    kind: 'number',
    default: 60,
    min: 1,
    max: 1_000_000,
    description: 'seconds to wait until a pipe is there and has a writer',
  },
  'absolute-names': {
    kind: 'flag',
    short: 'P',
    description: 'with -c, store names that lead out of the directory; with -x, refused',
  },
  lenient: {
    kind: 'flag',
    description: 'with -x, only warn of what stops too early, as the stock programs',
  },
} as const;

export type XbstreamOptions = ParsedOptions<typeof xbstreamOptions>;

type Name = keyof typeof xbstreamOptions;

/** What means nothing without -x, unless it has the value beside it. */
const forExtraction: readonly (readonly [Name, unknown])[] = [
  ['decompress', false],
  ['decrypt', 'NONE'],
  ['encrypt-key', undefined],
  ['encrypt-key-file', undefined],
  ['fifo-streams', 1],
  ['lenient', false],
];

/** @throws BackupError usage for options and arguments that do not go together. */
export function refuseContradictions({ values, given, args }: XbstreamOptions): void {
  if (values.create === values.extract) {
    throw usage(
      values.create
        ? 'both -c and -x are specified, one of them must be'
        : 'either -c or -x must be specified',
    );
  }
  if (values.create) {
    const found = forExtraction.find(([name, nothing]) => values[name] !== nothing);
    if (found) throw usage(`--${found[0]} goes with -x: -c stores files as they are`);
    return;
  }
  if (args[0] !== undefined && !values.lenient) {
    throw usage(`argument ${JSON.stringify(args[0])} is not wanted: -x takes all files out`);
  }
  if (values['absolute-names']) {
    throw new BackupError('usage', '-P with -x: an archive could then write any file there is', {
      hint: 'leave it out: all files come out below the directory, whatever wrote the archive',
    });
  }
  if (values['fifo-streams'] > 1 && values['fifo-dir'] === undefined) {
    throw usage('--fifo-streams needs --fifo-dir');
  }
  if (values.decrypt === 'NONE' || given.has('encrypt-key') || given.has('encrypt-key-file'))
    return;
  throw usage(`--decrypt=${values.decrypt} needs --encrypt-key-file or --encrypt-key`);
}

function usage(message: string): BackupError {
  return new BackupError('usage', message, { hint: 'see --help' });
}
