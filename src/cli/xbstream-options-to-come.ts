import { BackupError } from '../errors.ts';

// Options of XtraBackup's xbstream that this version does not have yet. They are
// known, so that they are refused by what they mean and never passed over: a
// script that asks for decryption must not get encrypted files and status 0.

const text = 'not in this version';

export const optionsToCome = {
  decompress: { kind: 'flag', description: text },
  'decompress-threads': { kind: 'number', default: 1, min: 1, max: 1024, description: text },
  decrypt: {
    kind: 'choice',
    short: 'd',
    choices: ['NONE', 'AES128', 'AES192', 'AES256'],
    default: 'NONE',
    description: text,
  },
  'encrypt-key': { kind: 'text', short: 'k', value: 'KEY', description: text },
  'encrypt-key-file': { kind: 'text', value: 'FILE', description: text },
  'encrypt-threads': { kind: 'number', default: 1, min: 1, max: 1024, description: text },
  'fifo-streams': {
    kind: 'number',
    short: 'f',
    default: 1,
    min: 1,
    max: 1024,
    description: text,
  },
  'fifo-dir': { kind: 'text', value: 'DIR', description: text },
  'fifo-timeout': { kind: 'number', default: 60, min: 1, max: 1_000_000, description: text },
} as const;

type Name = keyof typeof optionsToCome;

/** A value that asks for nothing is no reason to fail. */
const asksNothing: Partial<Record<Name, unknown>> = {
  decompress: false,
  decrypt: 'NONE',
  'fifo-streams': 1,
};

/** @throws BackupError usage that names the first option of the table that was given. */
export function refuseOptionsToCome(parsed: {
  given: ReadonlyMap<string, number>;
  values: Readonly<Partial<Record<Name, unknown>>>;
}): void {
  const names = Object.keys(optionsToCome) as Name[];
  const found = names.find(
    (name) =>
      parsed.given.has(name) && !(name in asksNothing && asksNothing[name] === parsed.values[name]),
  );
  if (found === undefined) return;
  throw new BackupError('usage', `--${found} is not supported by this version of xbstream`, {
    hint: found.startsWith('fifo')
      ? 'stream through one pipe'
      : 'extract first; then decrypt with xbcrypt -d, decompress with zstd -d or lz4 -d',
  });
}
