import { type FileHandle, open, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Writable } from 'node:stream';
import { crc32 } from '../../formats/crc.ts';
import { encodeEnd, encodePayloadHeader } from '../../formats/xbstream/index.ts';
import { safeMemberPath } from '../archive/member-path.ts';
import { BackupError, failures, toBackupError, type FailureCode } from '../errors.ts';
import type { Reporter } from '../reporter.ts';
import { extract } from '../restore/extract.ts';
import type { ByteSink } from '../sink/byte-sink.ts';
import { fillStage } from '../sink/fill-stage.ts';
import { openStdout } from '../sink/stdout.ts';
import { type ByteSource, openStdin } from '../source/byte-source.ts';
import { version } from '../version.ts';
import { describeOptions, parseMysqlOptions, type ParsedOptions } from './mysql-options.ts';
import { optionsToCome, refuseOptionsToCome } from './xbstream-options-to-come.ts';

// The xbstream program: the options of XtraBackup's and `-p` of MariaDB's mbstream,
// stricter where those are silent: a cut archive, a name that leads out of the
// directory, arguments that mean nothing.

const options = {
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
  verbose: { kind: 'flag', short: 'v', description: 'print the names of the files' },
  parallel: {
    kind: 'number',
    short: 'p',
    default: 1,
    min: 1,
    max: 2_147_483_647,
    description: 'accepted, changes nothing',
  },
  'absolute-names': {
    kind: 'flag',
    short: 'P',
    description: 'with -c, store names that lead out of the directory',
  },
  ...optionsToCome,
} as const;

type XbstreamOptions = ParsedOptions<typeof options>;

/** Payload of one chunk, as the stock programs cut files. */
const chunkBytes = 10 * 1024 * 1024;

/** What the program talks to: the process's own, or others in a test. */
export interface XbstreamStreams {
  openInput: () => ByteSource;
  openOutput: () => ByteSink;
  /** For the help text and the version. */
  stdout: Writable;
  stderr: Writable;
}

const processStreams = (): XbstreamStreams => ({
  openInput: openStdin,
  openOutput: openStdout,
  stdout: process.stdout,
  stderr: process.stderr,
});

/** Runs the program and gives its exit status; never throws. */
export async function xbstream(
  argv: readonly string[],
  streams: XbstreamStreams = processStreams(),
): Promise<number> {
  const say = (text: string): void => {
    streams.stderr.write(`xbstream: ${text}\n`);
  };
  streams.stderr.on('error', () => undefined);
  try {
    const parsed = parseMysqlOptions(options, argv);
    for (const warning of parsed.warnings) say(`warning: ${warning}`);
    if (parsed.values.help) streams.stdout.write(helpText());
    else if (parsed.values.version) streams.stdout.write(`xbstream ${version}\n`);
    else await run(parsed, streams, say);
    return 0;
  } catch (error) {
    const { message, hint, status } = toBackupError(error);
    say(message);
    if (hint !== undefined) streams.stderr.write(`HINT: ${hint}\n`);
    return status;
  }
}

async function run(
  parsed: XbstreamOptions,
  streams: XbstreamStreams,
  say: (text: string) => void,
): Promise<void> {
  const { values, args } = parsed;
  refuseOptionsToCome(parsed);
  if (values.create === values.extract) {
    throw usage(values.create ? 'both -c and -x are given' : 'neither -c nor -x is given');
  }
  const directory = values.directory ?? '.';
  await requireKind(directory, 'directory');
  if (values.create) {
    const files = await findFiles(args, directory, values['absolute-names'], say);
    await create(files, streams.openOutput(), values.verbose ? say : undefined);
    return;
  }
  if (args[0] !== undefined) {
    throw usage(`argument ${JSON.stringify(args[0])} is not wanted: -x takes all files out`);
  }
  if (values['absolute-names']) {
    throw usage('-P with -x: names that lead out of the directory are always refused');
  }
  const source = streams.openInput();
  await fillStage(directory, { empty: false }, reporterOf(say), (staged) =>
    extract(source, staged, { anyArchive: true, ...(values.verbose ? { onMember: say } : {}) }),
  );
}

function reporterOf(say: (text: string) => void): Reporter {
  const warn = (text: string): void => {
    say(`warning: ${text}`);
  };
  return { info: say, warn, progress: () => undefined };
}

interface NamedFile {
  path: string;
  /** In the archive. */
  name: string;
}

/** Looks at all files first: a name that is wrong must not leave half an archive behind. */
async function findFiles(
  args: readonly string[],
  directory: string,
  absoluteNames: boolean,
  say: (text: string) => void,
): Promise<NamedFile[]> {
  if (args.length === 0) throw usage('-c needs the names of files');
  const files: NamedFile[] = [];
  const names = new Set<string>();
  for (const arg of args) {
    const name = absoluteNames ? arg : safeName(arg, say);
    // Also refuses a name that the format cannot hold.
    encodeName(name);
    if (names.has(name)) throw usage(`${name} would be in the archive twice`);
    names.add(name);
    const path = resolve(directory, arg);
    await requireKind(path, 'regular file');
    files.push({ path, name });
  }
  return files;
}

/** The path without the beginning that would lead out of the directory of an extraction. */
function safeName(path: string, say: (text: string) => void): string {
  const prefix = /^(?:.*(?:^|\/)\.\.(?=\/|$))?\/*/s.exec(path)?.[0] ?? '';
  if (prefix !== '') say(`removing leading '${prefix}' of ${path}`);
  const name = path.slice(prefix.length);
  try {
    safeMemberPath(name, 0);
  } catch (error) {
    const reason = toBackupError(error).message.replace(/^member .* at byte 0: /s, '');
    throw usage(`${JSON.stringify(path)} cannot be stored: ${reason}`);
  }
  return name;
}

function encodeName(name: string): void {
  try {
    encodeEnd(name);
  } catch (error) {
    throw usage(`${JSON.stringify(name)} cannot be stored: ${toBackupError(error).message}`);
  }
}

async function requireKind(path: string, kind: 'regular file' | 'directory'): Promise<void> {
  try {
    const found = await stat(path);
    if (kind === 'directory' ? found.isDirectory() : found.isFile()) return;
  } catch (error) {
    throw toBackupError(error, 'storage');
  }
  throw new BackupError('storage', `${path} is not a ${kind}`, { where: { path } });
}

async function create(
  files: readonly NamedFile[],
  sink: ByteSink,
  say: ((text: string) => void) | undefined,
): Promise<void> {
  const buffer = new Uint8Array(chunkBytes);
  try {
    for (const file of files) {
      say?.(file.name);
      await writeFile(file, sink, buffer);
    }
    await sink.close();
  } catch (error) {
    await sink.abort();
    throw toBackupError(error, 'storage');
  }
}

/** One file as full chunks, a shorter one for what is left, and its end. */
async function writeFile(
  { path, name }: NamedFile,
  sink: ByteSink,
  buffer: Uint8Array,
): Promise<void> {
  const handle = await open(path, 'r');
  try {
    for (let offset = 0, read = chunkBytes; read === chunkBytes; offset += read) {
      read = await fill(handle, buffer);
      if (read === 0) break;
      const payload = buffer.subarray(0, read);
      await sink.write([encodePayloadHeader(name, offset, read, crc32(payload)), payload]);
    }
  } finally {
    await handle.close();
  }
  await sink.write([encodeEnd(name)]);
}

/** Reads on until the buffer is full or the file is at its end. */
async function fill(handle: FileHandle, buffer: Uint8Array): Promise<number> {
  let filled = 0;
  for (let read = 1; read > 0 && filled < buffer.length; filled += read) {
    read = (await handle.read(buffer, filled, buffer.length - filled, null)).bytesRead;
  }
  return filled;
}

function usage(message: string): BackupError {
  return new BackupError('usage', message, { hint: 'see --help' });
}

function helpText(): string {
  const codes: FailureCode[] = ['failed', 'usage', 'storage', 'incomplete', 'corrupt'];
  const statuses = codes.map((code) => {
    const { status, meaning } = failures[code];
    return `  ${String(status).padStart(2)}  ${meaning}\n`;
  });
  return `Usage: xbstream -c [options] FILE...
       xbstream -x [options]

Puts files into an xbstream archive on stdout, or takes those of an archive on
stdin out. Files appear under their names when the archive is whole; nothing is
ever overwritten.

Options:
${describeOptions(options)}
Exit status:
   0  done
${statuses.join('')}`;
}
