import { type Command, Option } from 'commander';
import { lz4BlockBytesDefault, lz4BlockBytesMax } from '../../formats/lz4/index.ts';
import { chunkBytesDefault, chunkBytesMin } from '../../formats/xbcrypt/index.ts';
import { BackupError } from '../errors.ts';
import type { Reporter } from '../reporter.ts';
import type { Compression, Encoding, Encryption } from '../transform/encoding.ts';
import { type KeyValues, givenKey } from './encryption-key.ts';
import { addKeyOptions } from './key-options.ts';
import { parseCount, parseSize } from './parse-values.ts';

export interface EncodingValues extends KeyValues {
  compress?: 'zstd' | 'lz4' | true;
  compressZstdLevel: number;
  compressChunkSize: number;
  compressThreads?: number;
  encrypt?: string;
  encryptChunkSize: number;
  encryptThreads?: number;
  digest?: boolean;
}

/** Each has a member open, and readers take no more than 256 open ones. */
const threadsMax = 128;
const zstdLevelMax = 19;
/** XtraBackup's limit. With less, what is added to each block is more than what it saves. */
const lz4BlockBytesMin = 1024;
/** What the default read size of the stock tools makes of a chunk. */
const encryptChunkBytesMax = 8 * 1024 * 1024;

/** Options of what members go through, named as XtraBackup names them. */
export function addEncodingOptions(command: Command): void {
  command
    .optionsGroup('Compression and encryption:')
    .addOption(
      new Option(
        '--compress [algorithm]',
        'compress every member (default algorithm: zstd)',
      ).choices(['zstd', 'lz4']),
    )
    .option('--compress-zstd-level <n>', '1 (fast) to 19 (small)', parseCount, 1)
    .option(
      '--compress-chunk-size <size>',
      'lz4: bytes of a block',
      parseSize,
      lz4BlockBytesDefault,
    )
    .option(
      '--compress-threads <n>',
      'as --parallel: copy threads compress; the larger counts',
      parseCount,
    )
    .addOption(
      new Option('--encrypt <algorithm>', 'encrypt every member').choices([
        'AES128',
        'AES192',
        'AES256',
      ]),
    );
  addKeyOptions(command);
  command
    .option('--encrypt-chunk-size <size>', 'bytes of a chunk', parseSize, chunkBytesDefault)
    .option('--encrypt-threads <n>', 'as --compress-threads', parseCount)
    .option('--digest', 'SHA-256 of every chunk in the index; always with --encrypt');
}

/** What members go through. What is odd about it is told; what cannot be is refused. */
export function encodingOf(values: EncodingValues, reporter: Reporter): Encoding {
  const encryption = encryptionOf(values, reporter);
  return {
    compression: compressionOf(values),
    encryption,
    digests: encryption !== undefined || values.digest === true,
  };
}

/** Threads that copy, compress and encrypt are the same ones. */
export function threadsOf(values: EncodingValues & { parallel: number }): number {
  const { parallel, compressThreads = 1, encryptThreads = 1 } = values;
  const threads = Math.max(parallel, compressThreads, encryptThreads);
  if (threads <= threadsMax) return threads;
  throw new BackupError('usage', `${threads} copy threads: at most ${threadsMax} are started`);
}

function compressionOf(values: EncodingValues): Compression | undefined {
  const { compress, compressZstdLevel: level, compressChunkSize: blockBytes } = values;
  if (compress === undefined) return undefined;
  if (compress === 'lz4') {
    const fits = blockBytes >= lz4BlockBytesMin && blockBytes <= lz4BlockBytesMax;
    if (fits) return { algorithm: 'lz4', blockBytes };
    const limits = `${lz4BlockBytesMin} to ${lz4BlockBytesMax} bytes`;
    throw new BackupError('usage', `--compress-chunk-size is ${limits}`);
  }
  if (level <= zstdLevelMax) return { algorithm: 'zstd', level };
  throw new BackupError('usage', `--compress-zstd-level is at most ${zstdLevelMax}`);
}

function encryptionOf(values: EncodingValues, reporter: Reporter): Encryption | undefined {
  const { encrypt: algorithm, encryptChunkSize: chunkBytes } = values;
  const given = givenKey(values, algorithm);
  if (algorithm === undefined) {
    if (!given) return undefined;
    // Rather none than one that is plain although somebody named a key.
    throw new BackupError('usage', 'an encryption key is given, but not --encrypt', {
      hint: 'add --encrypt=AES256 (AES128 and AES192 for keys of 16 and 24 bytes)',
    });
  }
  if (!given) {
    throw new BackupError('usage', `--encrypt=${algorithm} needs --encrypt-key-file`, {
      hint: 'make a key with: openssl rand 32 > FILE; chmod 600 FILE; and keep a copy elsewhere',
    });
  }
  if (chunkBytes < chunkBytesMin || chunkBytes > encryptChunkBytesMax) {
    const limits = `${chunkBytesMin} to ${encryptChunkBytesMax} bytes`;
    throw new BackupError('usage', `--encrypt-chunk-size is ${limits}`);
  }
  for (const warning of given.warnings) reporter.warn(warning);
  return { algorithm: `AES${given.key.length * 8}`, key: given.key, chunkBytes };
}
