import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { Command } from 'commander';
import { addDecodingOptions, decodingOf, keyOf, tellSeal } from '../../src/cli/decoding-options.ts';
import type { DecodingValues } from '../../src/cli/decoding-options.ts';
import { addEncodingOptions, encodingOf, threadsOf } from '../../src/cli/encoding-options.ts';
import type { EncodingValues } from '../../src/cli/encoding-options.ts';
import { buildProgram } from '../../src/cli/main.ts';
import { applyOptionFiles } from '../../src/cli/option-file-values.ts';
import { BackupError } from '../../src/errors.ts';
import type { Reporter } from '../../src/reporter.ts';
import type { Encoding } from '../../src/transform/encoding.ts';
import { scratchDir } from '../support/scratch.ts';

const folder = scratchDir('keys');
let files = 0;

/** A file with these bytes. */
function keyFile(bytes: string | Uint8Array): string {
  files += 1;
  const path = join(folder, `key-${files}`);
  writeFileSync(path, bytes);
  return path;
}

const key32 = '0123456789abcdef0123456789abcdef';
const key24 = key32.slice(0, 24);
const key16 = key32.slice(0, 16);
const file32 = keyFile(key32);

/** Keeps what it is told, the warnings with a mark. */
class Heard {
  readonly lines: string[] = [];
  readonly reporter = {
    info: (line: string) => this.lines.push(line),
    warn: (line: string) => this.lines.push(`warning: ${line}`),
  } as unknown as Reporter;
}

/** The values that a command with these options takes from the arguments. */
function parse<T>(add: (command: Command) => void, args: readonly string[]): T {
  const command = new Command('x').exitOverride().configureOutput({ writeErr: () => undefined });
  add(command);
  command.parse(args, { from: 'user' });
  return command.opts() as T;
}

function encoding(...args: string[]): { encoding: Encoding; said: string[] } {
  const heard = new Heard();
  const values = parse<EncodingValues>(addEncodingOptions, args);
  return { encoding: encodingOf(values, heard.reporter), said: heard.lines };
}

function decoding(...args: string[]): ReturnType<typeof decodingOf> & { said: string[] } {
  const heard = new Heard();
  const values = parse<DecodingValues>(addDecodingOptions, args);
  return { ...decodingOf(values, heard.reporter), said: heard.lines };
}

/** Message and hint of the usage error that `run` ends in. */
function refusal(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    assert.ok(error instanceof BackupError, String(error));
    assert.equal(error.code, 'usage');
    return `${error.message}; ${error.hint ?? ''}`;
  }
  return assert.fail('it was accepted');
}

describe('the options of compression', () => {
  it('are none unless asked for', () => {
    const { encoding: none, said } = encoding();
    assert.deepEqual(none, { compression: undefined, encryption: undefined, digests: false });
    assert.deepEqual(said, []);
    assert.equal(encoding('--digest').encoding.digests, true);
  });

  it('mean zstd at level 1 unless they say otherwise', () => {
    const compressionOf = (...args: string[]): unknown => encoding(...args).encoding.compression;
    const zstd = { algorithm: 'zstd', level: 1 };
    assert.deepEqual(compressionOf('--compress'), zstd);
    assert.deepEqual(compressionOf('--compress=zstd', '--compress-chunk-size=1'), zstd);
    const small = compressionOf('--compress=zstd', '--compress-zstd-level=19');
    assert.deepEqual(small, { algorithm: 'zstd', level: 19 });
    assert.deepEqual(compressionOf('--compress=lz4'), { algorithm: 'lz4', blockBytes: 65536 });
    const large = compressionOf('--compress=lz4', '--compress-chunk-size=4M');
    assert.deepEqual(large, { algorithm: 'lz4', blockBytes: 4 * 1024 * 1024 });
  });

  it('are refused beyond what the algorithms take', () => {
    for (const [args, message] of [
      [['--compress', '--compress-zstd-level=20'], /--compress-zstd-level is at most 19/],
      [['--compress=lz4', '--compress-chunk-size=5M'], /-chunk-size is 1024 to 4194304 bytes/],
      [['--compress=lz4', '--compress-chunk-size=1023'], /-chunk-size is 1024 to 4194304 bytes/],
    ] as const) {
      assert.match(
        refusal(() => encoding(...args)),
        message,
      );
    }
    for (const arg of ['--compress=quicklz', '--compress-zstd-level=0', '--compress-threads=x']) {
      assert.throws(() => encoding(arg), /is invalid/, arg);
    }
  });

  it('name threads that are those of the copy', () => {
    const values = parse<EncodingValues>(addEncodingOptions, ['--compress-threads=3']);
    assert.equal(threadsOf({ ...values, parallel: 2 }), 3);
    assert.equal(threadsOf({ ...values, parallel: 4 }), 4);
    assert.equal(threadsOf({ ...values, parallel: 4, encryptThreads: 6 }), 6);
    assert.throws(() => threadsOf({ ...values, parallel: 129 }), /129 copy threads: at most 128/);
  });
});

describe('the options of encryption', () => {
  it('take the bytes of the file for the key, whatever they are, and always have digests', () => {
    const bytes = Uint8Array.from({ length: 32 }, (_, i) => (i * 37) & 0xff);
    const { encoding: made, said } = encoding(
      '--encrypt=AES256',
      `--encrypt-key-file=${keyFile(bytes)}`,
    );
    assert.deepEqual(Uint8Array.from(made.encryption?.key ?? []), bytes);
    assert.deepEqual(
      [made.digests, made.encryption?.algorithm, made.encryption?.chunkBytes],
      [true, 'AES256', 65536],
    );
    assert.deepEqual(said, []);
  });

  it('warn of a key on the command line, and take it as it is', () => {
    const { encoding: made, said } = encoding('--encrypt=AES128', `--encrypt-key=${key16}`);
    assert.equal(Buffer.from(made.encryption?.key ?? []).toString(), key16);
    assert.equal(said.length, 1);
    assert.match(said[0] ?? '', /^warning: others can see a key on the command line/);
    assert.doesNotMatch(said.join(), new RegExp(key16));
  });

  it('go by the length of the key, and warn when another algorithm was asked for', () => {
    for (const [algorithm, key, wanted] of [
      ['AES256', key16, 'AES128'],
      ['AES128', key24, 'AES192'],
      ['AES192', key32, 'AES256'],
    ] as const) {
      const { encoding: made, said } = encoding(
        `--encrypt=${algorithm}`,
        `--encrypt-key-file=${keyFile(key)}`,
      );
      assert.equal(made.encryption?.algorithm, wanted);
      const message = `a key of ${key.length} bytes means ${wanted}, not ${algorithm}`;
      assert.deepEqual(said, [`warning: ${message}`]);
    }
  });

  it('are refused when only one of algorithm and key is there, or two keys are', () => {
    for (const [args, message] of [
      [
        [`--encrypt-key-file=${file32}`],
        /a.* key is given, but not --encrypt; add --encrypt=AES256/,
      ],
      [[`--encrypt-key=${key32}`, '--compress'], /key is given, but not --encrypt/],
      [['--encrypt=AES256'], /--encrypt=AES256 needs --encrypt-key-file; make a key with: openssl/],
      [
        ['--encrypt=AES256', `--encrypt-key-file=${file32}`, `--encrypt-key=${key32}`],
        /both --encrypt-key and --encrypt-key-file are given/,
      ],
    ] as const) {
      const said = refusal(() => encoding(...args));
      assert.match(said, message);
      assert.doesNotMatch(said, new RegExp(key32));
    }
  });

  it('are refused with a key that AES has no use for, and say why it may be so', () => {
    for (const [bytes, message] of [
      [`${key32}\n`, /has 33 bytes: AES takes 16, 24 or 32; the newline at the end of the file/],
      ['', /has 0 bytes: .*; keys are taken as they are, not as hex or base64/],
      [Buffer.from(key32).toString('hex'), /has 64 bytes: .*not as hex or base64/],
      [new Uint8Array(1_000_000), /has \d+ bytes: AES takes/],
    ] as const) {
      const path = keyFile(bytes);
      const said = refusal(() => encoding('--encrypt=AES256', `--encrypt-key-file=${path}`));
      assert.match(said, message);
      assert.ok(said.startsWith(`key file ${path} `), said);
    }
    const typed = refusal(() => encoding('--encrypt=AES256', '--encrypt-key=secret!'));
    assert.match(typed, /^the key has 7 bytes/);
    assert.doesNotMatch(typed, /secret/);
  });

  it('name a key file that cannot be read', () => {
    const path = join(folder, 'none');
    assert.throws(
      () => encoding('--encrypt=AES256', `--encrypt-key-file=${path}`),
      (error: BackupError) => error.code === 'storage' && error.message.includes(path),
    );
  });

  it('are refused with chunks that are too small or too large', () => {
    const sized = (size: string): Encoding =>
      encoding('--encrypt=AES256', `--encrypt-key-file=${file32}`, `--encrypt-chunk-size=${size}`)
        .encoding;
    assert.equal(sized('1K').encryption?.chunkBytes, 1024);
    assert.equal(sized('8M').encryption?.chunkBytes, 8 * 1024 * 1024);
    for (const size of ['1023', '8388609']) {
      const said = refusal(() => sized(size));
      assert.match(said, /--encrypt-chunk-size is 1024 to 8388608 bytes/);
    }
    assert.throws(() => encoding('--encrypt=AES512'), /is invalid/);
  });
});

describe('the options of extract', () => {
  it('undo nothing unless asked to; a key alone only checks', () => {
    assert.deepEqual(decoding().decoding, { decompress: false, key: undefined });
    const checked = decoding(`--encrypt-key-file=${file32}`);
    assert.deepEqual(checked.decoding, { decompress: false, key: undefined });
    assert.equal(checked.key?.length, 32);
  });

  it('decompress, decrypt, or both', () => {
    assert.deepEqual(decoding('--decompress').decoding, { decompress: true, key: undefined });
    for (const args of [['--decrypt'], ['--decrypt=AES256']]) {
      const { decoding: made } = decoding(...args, `--encrypt-key-file=${file32}`);
      assert.equal(made.decompress, false);
      assert.equal(Buffer.from(made.key ?? []).toString(), key32);
    }
  });

  it('are refused without a key to decrypt with, or with two', () => {
    assert.match(
      refusal(() => decoding('--decrypt')),
      /--decrypt needs --encrypt-key-file/,
    );
    const two = [`--encrypt-key-file=${file32}`, `--encrypt-key=${key32}`];
    assert.match(
      refusal(() => decoding('--decrypt', ...two)),
      /both --encrypt-key and/,
    );
  });

  it('warn of a key on the command line', () => {
    const { said } = decoding('--decrypt', `--encrypt-key=${key32}`);
    assert.match(said.join(), /^warning: others can see a key on the command line/);
    const heard = new Heard();
    assert.equal(keyOf({ encryptKey: key16 }, heard.reporter)?.length, 16);
    assert.equal(heard.lines.length, 1);
    assert.equal(keyOf({}, heard.reporter), undefined);
  });

  it('lead to a word on who wrote the archive, where there is one', () => {
    const toldOf = (seal: 'none' | 'unchecked' | 'right', key?: Uint8Array): string[] => {
      const heard = new Heard();
      tellSeal({ seal }, key, heard.reporter);
      return heard.lines;
    };
    assert.match(toldOf('right').join(), /^the archive was written by somebody who has the key/);
    assert.match(toldOf('unchecked').join(), /^warning: .* was not checked: no key is given/);
    assert.deepEqual(toldOf('none'), []);
    // Whoever drops the encryption writes an archive that is whole.
    assert.match(toldOf('none', new Uint8Array(32)).join(), /^warning: a key is given, but/);
  });
});

describe('the key file', () => {
  /** What `xbpipe backup ARGS` would be run with. */
  function valuesOf(text: string, env: string | undefined, ...args: string[]): EncodingValues {
    const before = process.env['XBPIPE_ENCRYPT_KEY_FILE'];
    if (env !== undefined) process.env['XBPIPE_ENCRYPT_KEY_FILE'] = env;
    try {
      const program = buildProgram();
      const command = program.commands.find((one) => one.name() === 'backup');
      assert.ok(command);
      command.action(() => undefined);
      const path = keyFile(text);
      program.parse(['backup', `--defaults-file=${path}`, ...args], { from: 'user' });
      applyOptionFiles(command);
      return command.opts();
    } finally {
      delete process.env['XBPIPE_ENCRYPT_KEY_FILE'];
      if (before !== undefined) process.env['XBPIPE_ENCRYPT_KEY_FILE'] = before;
    }
  }

  it('comes from the environment or from [xbpipe], and from the command line before both', () => {
    const option = '[xbpipe]\nencrypt-key-file=/from/file\n';
    assert.equal(valuesOf(option, undefined).encryptKeyFile, '/from/file');
    assert.equal(valuesOf('', '/from/env').encryptKeyFile, '/from/env');
    assert.equal(valuesOf(option, '/from/env').encryptKeyFile, '/from/env');
    const named = valuesOf(option, '/from/env', '--encrypt-key-file=/named');
    assert.equal(named.encryptKeyFile, '/named');
  });

  it('gives way to the key itself where that is named more strongly, and the other way round', () => {
    const file = '[xbpipe]\nencrypt-key-file=/from/file\n';
    const key = `[xbpipe]\nencrypt-key=${key16}\n`;
    for (const [text, env, args, wanted] of [
      ['', '/from/env', [`--encrypt-key=${key32}`], [key32, undefined]],
      [file, undefined, [`--encrypt-key=${key32}`], [key32, undefined]],
      [file, '/from/env', [`--encrypt-key=${key32}`], [key32, undefined]],
      [key, undefined, ['--encrypt-key-file=/named'], [undefined, '/named']],
      [key, '/from/env', [], [undefined, '/from/env']],
    ] as const) {
      const { encryptKey, encryptKeyFile } = valuesOf(text, env, ...args);
      assert.deepEqual([encryptKey, encryptKeyFile], wanted);
    }
  });

  it('is refused beside the key itself where both come from the same place', () => {
    const both = ['--encrypt=AES256', '--encrypt-key-file=/named', `--encrypt-key=${key32}`];
    const text = `[xbpipe]\nencrypt=AES256\nencrypt-key-file=/file\nencrypt-key=${key32}\n`;
    for (const values of [valuesOf('', '/from/env', ...both), valuesOf(text, undefined)]) {
      const made = refusal(() => encodingOf(values, new Heard().reporter));
      assert.match(made, /both --encrypt-key and --encrypt-key-file are given/);
    }
  });

  it('comes from the underlined spelling and with its algorithm too', () => {
    const text = `[xbpipe]\nencrypt=AES256\nencrypt_key_file=${file32}\ncompress\n`;
    const made = encodingOf(valuesOf(text, undefined), new Heard().reporter);
    assert.deepEqual([made.encryption?.key.length, made.compression?.algorithm], [32, 'zstd']);
  });
});
