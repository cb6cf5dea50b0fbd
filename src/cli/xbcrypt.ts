import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { Readable, Writable } from 'node:stream';
import {
  acceptedChunkBytesDefault,
  chunkBytesDefault,
  chunkBytesMax,
  chunkBytesMin,
  encodeChunks,
  WrongKeyError,
  XbcryptDecoder,
  type XbcryptKey,
} from '../../formats/xbcrypt/index.ts';
import { BackupError, toBackupError } from '../errors.ts';
import { version } from '../version.ts';
import { givenKey } from './encryption-key.ts';
import { ExclusiveFile } from './exclusive-file.ts';
import { stockExitStatusHelp } from './exit-status.ts';
import { describeOptions, type ParsedOptions } from './mysql-options.ts';
import { type Say, runStockProgram } from './stock-program.ts';

// The xbcrypt program: the options and defaults of XtraBackup's, stricter where
// that one is silent. It does not add or remove the `.xbcrypt` suffix.

const options = {
  help: { kind: 'flag', short: '?', description: 'show this text' },
  version: { kind: 'flag', short: 'V', description: 'show the version' },
  decrypt: { kind: 'flag', short: 'd', description: 'decrypt; without it, encrypt' },
  input: { kind: 'text', short: 'i', value: 'FILE', description: 'read this, not stdin' },
  output: {
    kind: 'text',
    short: 'o',
    value: 'FILE',
    description: 'write this new file, not stdout; it appears when it is whole',
  },
  'encrypt-algo': {
    kind: 'choice',
    short: 'a',
    choices: ['NONE', 'AES128', 'AES192', 'AES256'],
    default: 'NONE',
    description: 'algorithm',
  },
  'encrypt-key': {
    kind: 'text',
    short: 'k',
    value: 'KEY',
    description: 'the key, as it is; better use --encrypt-key-file',
  },
  'encrypt-key-file': {
    kind: 'text',
    short: 'f',
    value: 'FILE',
    description: 'file that holds the key and not one byte more',
  },
  'encrypt-chunk-size': {
    kind: 'number',
    short: 's',
    default: chunkBytesDefault,
    min: chunkBytesMin,
    max: chunkBytesMax,
    description: 'bytes per chunk; with --decrypt, raises the limit of 64M when greater',
  },
  'encrypt-threads': {
    kind: 'number',
    short: 't',
    default: 1,
    min: 1,
    max: 1024,
    description: 'accepted, changes nothing',
  },
  'read-buffer-size': {
    kind: 'number',
    short: 'r',
    default: 10 * 1024 * 1024,
    min: 1024,
    max: 1024 * 1024 * 1024,
    description: 'bytes per read of an input file',
  },
  verbose: { kind: 'flag', short: 'v', description: 'say what was done' },
} as const;

type XbcryptOptions = ParsedOptions<typeof options>;

/** The streams of the program: those of the process, or others in a test. */
export interface XbcryptStreams {
  stdin: Readable;
  stdout: Writable;
  stderr: Writable;
}

interface Output {
  write(bytes: Uint8Array): Promise<void>;
  commit(): Promise<void>;
  abort(): Promise<void>;
}

/** Runs the program and gives its exit status; never throws. */
export async function xbcrypt(
  argv: readonly string[],
  streams: XbcryptStreams = process,
): Promise<number> {
  // Failures of a write are seen where the write is; without a listener they would end the process.
  streams.stdout.on('error', () => undefined);
  const program = { name: 'xbcrypt', options, stderr: streams.stderr };
  return await runStockProgram(program, argv, async (parsed, say) => {
    if (parsed.values.help) await writeAll(streams.stdout, helpText());
    else if (parsed.values.version) await writeAll(streams.stdout, `xbcrypt ${version}\n`);
    else await run(parsed, streams, say);
  });
}

async function run(parsed: XbcryptOptions, streams: XbcryptStreams, say: Say): Promise<void> {
  const { values, args } = parsed;
  if (args[0] !== undefined) {
    throw new BackupError('usage', `argument ${JSON.stringify(args[0])} is not wanted`, {
      hint: 'name files with --input and --output',
    });
  }
  const key = chooseKey(parsed, say);
  const opening = openOutput(values.output, streams.stdout);
  const release = values.output === undefined ? undefined : removeOnSignal(opening);
  try {
    await transfer(parsed, key, await opening, streams.stdin, say);
  } finally {
    release?.();
  }
}

async function transfer(
  { values }: XbcryptOptions,
  key: XbcryptKey,
  output: Output,
  stdin: Readable,
  say: Say,
): Promise<void> {
  try {
    const input = await openInput(values.input, values['read-buffer-size'], stdin);
    const pieces = values.decrypt
      ? decrypt(input, key, values['encrypt-chunk-size'], say)
      : encrypt(input, key, values['encrypt-chunk-size']);
    let bytes = 0;
    let chunks = 0;
    for await (const piece of pieces) {
      await output.write(piece);
      bytes += piece.length;
      chunks += 1;
    }
    await output.commit();
    if (values.verbose) say(`${chunks} chunks, ${bytes} bytes written`);
  } catch (error) {
    await output.abort();
    throw withHint(error);
  }
}

/** Chunk edges lie at multiples of the chunk size, however the input comes in. */
async function* encrypt(
  input: Readable,
  key: XbcryptKey,
  chunkBytes: number,
): AsyncGenerator<Uint8Array> {
  let held: Buffer[] = [];
  let heldBytes = 0;
  for await (const piece of input as AsyncIterable<Buffer>) {
    held.push(piece);
    heldBytes += piece.length;
    if (heldBytes < chunkBytes) continue;
    const bytes = Buffer.concat(held);
    const whole = bytes.length - (bytes.length % chunkBytes);
    yield* encodeChunks(bytes.subarray(0, whole), key, chunkBytes);
    held = [bytes.subarray(whole)];
    heldBytes = bytes.length - whole;
  }
  yield* encodeChunks(Buffer.concat(held), key, chunkBytes);
}

async function* decrypt(
  input: Readable,
  key: XbcryptKey,
  chunkBytes: number,
  say: Say,
): AsyncGenerator<Uint8Array> {
  const plainMax = Math.max(acceptedChunkBytesDefault, chunkBytes);
  const decoder = new XbcryptDecoder({ key, plainMax });
  let warned = false;
  for await (const piece of input as AsyncIterable<Buffer>) {
    decoder.push(piece);
    for (let chunk = decoder.next(); chunk !== undefined; chunk = decoder.next()) {
      if (!chunk.hashed && !warned) {
        const where = `the chunk at byte ${chunk.offset} is of version ${chunk.version}`;
        say(`warning: ${where}: with a wrong key it gives garbage, and nobody can tell`);
        warned = true;
      }
      yield chunk.plaintext;
    }
  }
  decoder.end();
}

/** The key by the options; algorithm NONE only when that is clearly meant. */
function chooseKey({ values, given }: XbcryptOptions, say: Say): XbcryptKey {
  const algorithm = values['encrypt-algo'];
  const text = values['encrypt-key'];
  const file = values['encrypt-key-file'];
  if (algorithm === 'NONE') {
    const named = given.has('encrypt-algo');
    const hasKey = text !== undefined || file !== undefined;
    if (!named && (values.decrypt || hasKey)) {
      throw new BackupError('usage', 'no --encrypt-algo is given', {
        hint: 'say --encrypt-algo=AES256 (or AES128, AES192), or NONE for data that is not encrypted',
      });
    }
    if (!values.decrypt) say('warning: algorithm NONE: the output is not encrypted');
    if (hasKey) say('warning: algorithm NONE does not use the key');
    return 'none';
  }
  const found = givenKey({ encryptKey: text, encryptKeyFile: file }, algorithm);
  if (!found) {
    throw new BackupError('usage', `${algorithm} needs --encrypt-key-file or --encrypt-key`);
  }
  for (const warning of found.warnings) say(`warning: ${warning}`);
  return found.key;
}

async function openInput(
  path: string | undefined,
  readBytes: number,
  stdin: Readable,
): Promise<Readable> {
  if (path === undefined) return stdin;
  try {
    const isDirectory = (await stat(path)).isDirectory();
    if (isDirectory)
      throw new BackupError('storage', `${path} is a directory`, { where: { path } });
  } catch (error) {
    throw toBackupError(error, 'storage');
  }
  return createReadStream(path, { highWaterMark: readBytes });
}

async function openOutput(path: string | undefined, stdout: Writable): Promise<Output> {
  if (path !== undefined) return await ExclusiveFile.create(path);
  const nothing = async (): Promise<void> => {};
  return {
    write: async (bytes) => {
      await writeAll(stdout, bytes);
    },
    commit: nothing,
    abort: nothing,
  };
}

/** Without this a signal would leave the unfinished file under its temporary name. */
function removeOnSignal(opening: Promise<Output>): () => void {
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  const release = (): void => {
    for (const signal of signals) process.off(signal, onSignal);
  };
  const remove = async (signal: NodeJS.Signals): Promise<void> => {
    release();
    try {
      await (await opening).abort();
    } catch {
      // There is no file to remove.
    }
    process.kill(process.pid, signal);
  };
  const onSignal = (signal: NodeJS.Signals): void => void remove(signal);
  for (const signal of signals) process.once(signal, onSignal);
  return release;
}

async function writeAll(stream: Writable, data: string | Uint8Array): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    stream.write(data, (error) => {
      if (error) reject(toBackupError(error, 'storage'));
      else resolve();
    });
  });
}

function withHint(error: unknown): unknown {
  if (!(error instanceof WrongKeyError)) return error;
  return new BackupError('wrong-key', error.message, {
    hint: 'or the first chunk is damaged; give the key that the backup was made with',
    cause: error,
  });
}

function helpText(): string {
  return `Usage: xbcrypt [options]

Encrypts or decrypts data in the chunk format of XtraBackup (*.xbcrypt), from
stdin or a file to stdout or a new file.

Options:
${describeOptions(options)}
${stockExitStatusHelp()}`;
}
