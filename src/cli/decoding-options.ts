import { type Command, Option } from 'commander';
import type { ArchiveSummary } from '../archive/archive-checker.ts';
import { BackupError } from '../errors.ts';
import type { Reporter } from '../reporter.ts';
import type { Decoding } from '../transform/member-decoder.ts';
import { type KeyValues, givenKey } from './encryption-key.ts';
import { addKeyOptions } from './key-options.ts';

export interface DecodingValues extends KeyValues {
  decompress?: boolean;
  decrypt?: string | true;
}

/** What is undone, and the key that was given for that or to check who wrote an archive. */
export interface Unlocking {
  decoding: Decoding;
  key: Uint8Array | undefined;
}

/** Options of `extract`, named as xbstream names them. */
export function addDecodingOptions(command: Command): void {
  command
    .optionsGroup('Compression and encryption:')
    .option('--decompress', 'decompress members (.zst, .lz4, .qp)')
    .addOption(
      new Option('--decrypt [algorithm]', 'decrypt members (.xbcrypt)').choices([
        'AES128',
        'AES192',
        'AES256',
      ]),
    );
  addKeyOptions(command);
}

/** What `extract` is to undo. A key alone decrypts nothing: it checks who wrote the archive. */
export function decodingOf(values: DecodingValues, reporter: Reporter): Unlocking {
  const { decompress = false, decrypt } = values;
  const key = keyOf(values, reporter);
  if (decrypt !== undefined && !key) {
    throw new BackupError('usage', '--decrypt needs --encrypt-key-file');
  }
  return { decoding: { decompress, key: decrypt === undefined ? undefined : key }, key };
}

/** The key that was given, with its warnings told. */
export function keyOf(values: KeyValues, reporter: Reporter): Uint8Array | undefined {
  const given = givenKey(values);
  for (const warning of given?.warnings ?? []) reporter.warn(warning);
  return given?.key;
}

/** Says what is known of who wrote an archive; `key` is the one that was given. */
export function tellSeal(
  { seal }: Pick<ArchiveSummary, 'seal'>,
  key: Uint8Array | undefined,
  reporter: Reporter,
): void {
  if (seal === 'right') reporter.info('the archive was written by somebody who has the key');
  if (seal === 'unchecked') {
    reporter.warn(
      'whether the archive was written by somebody who has the key was not checked: no key is given',
    );
  }
  if (seal === 'none' && key) {
    reporter.warn('a key is given, but nothing in the archive tells that who wrote it had the key');
  }
}
