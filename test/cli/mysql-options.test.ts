import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { describeOptions, parseMysqlOptions } from '../../src/cli/mysql-options.ts';
import { BackupError } from '../../src/errors.ts';

const table = {
  extract: { kind: 'flag', short: 'x', description: 'extract' },
  verbose: { kind: 'flag', short: 'v', description: 'talk' },
  directory: { kind: 'text', short: 'C', value: 'DIR', description: 'go there' },
  parallel: { kind: 'number', short: 'p', default: 1, min: 1, max: 4096, description: 'workers' },
  decrypt: {
    kind: 'choice',
    short: 'd',
    choices: ['NONE', 'AES256'],
    default: 'NONE',
    description: 'algorithm',
  },
  'encrypt-key': { kind: 'text', value: 'KEY', description: 'key' },
  'encrypt-key-file': { kind: 'text', short: 'd', value: 'FILE', description: 'key file' },
} as const;

const parse = (line: string): ReturnType<typeof parseMysqlOptions<typeof table>> =>
  parseMysqlOptions(table, line === '' ? [] : line.split(' '));

const refusal = (line: string): string => {
  try {
    parse(line);
  } catch (error) {
    assert.ok(error instanceof BackupError);
    assert.equal(error.code, 'usage');
    return error.message;
  }
  return assert.fail(`${line} was taken`);
};

describe('MySQL-style options', () => {
  it('gives defaults for options that are not there', () => {
    const parsed = parse('');
    assert.deepEqual(parsed.values, {
      extract: false,
      verbose: false,
      directory: undefined,
      parallel: 1,
      decrypt: 'NONE',
      'encrypt-key': undefined,
      'encrypt-key-file': undefined,
    });
    assert.equal(parsed.given.size, 0);
  });

  it('takes values behind = and as the next word', () => {
    assert.equal(parse('--directory=a=b').values.directory, 'a=b');
    assert.equal(parse('--directory a').values.directory, 'a');
    assert.equal(parse('--directory=').values.directory, '');
    assert.equal(parse('--directory --extract').values.directory, '--extract');
    assert.equal(parse('-C a').values.directory, 'a');
    assert.equal(parse('-Ca').values.directory, 'a');
  });

  it('takes clustered shorts, the last one with its value', () => {
    const { values } = parse('-xvC dir');
    assert.deepEqual([values.extract, values.verbose, values.directory], [true, true, 'dir']);
    assert.equal(parse('-xCv').values.directory, 'v');
    assert.equal(parse('-xp8').values.parallel, 8);
  });

  it('gives a short name to the first option that has it', () => {
    assert.equal(parse('-d aes256').values.decrypt, 'AES256');
  });

  it('takes any case, and dashes for underscores', () => {
    assert.equal(parse('--ENCRYPT_KEY=k').values['encrypt-key'], 'k');
    assert.equal(parse('--encrypt_key-file=k').values['encrypt-key-file'], 'k');
  });

  it('takes a unique beginning of a name with a warning, and the whole name before it', () => {
    const parsed = parse('--dir a --encrypt-key b');
    assert.equal(parsed.values.directory, 'a');
    assert.equal(parsed.values['encrypt-key'], 'b');
    assert.deepEqual(parsed.warnings, ['--dir is taken for --directory: write the whole name']);
    assert.match(refusal('--enc=a'), /ambiguous: --encrypt-key, --encrypt-key-file/u);
  });

  it('reads numbers with suffixes and clamps them with a warning', () => {
    assert.equal(parse('--parallel=4k').values.parallel, 4096);
    const low = parse('--parallel=0');
    assert.equal(low.values.parallel, 1);
    assert.deepEqual(low.warnings, ['option --parallel: 0 is out of range, 1 is taken']);
    assert.equal(parse('--parallel=-3').values.parallel, 1);
    assert.equal(parse('--parallel=9E').values.parallel, 4096);
    for (const bad of ['', 'x', '1x', '1.5', '0x10', '1kk']) refusal(`--parallel=${bad}`);
  });

  it('turns switches off and on', () => {
    assert.equal(parse('-x --skip-extract').values.extract, false);
    assert.equal(parse('-x --disable_extract').values.extract, false);
    assert.equal(parse('--enable-extract').values.extract, true);
    assert.equal(parse('--extract=0').values.extract, false);
    assert.equal(parse('--extract=ON').values.extract, true);
    refusal('--extract=yes');
    refusal('--skip-directory');
  });

  it('passes over unknown options behind --loose- only', () => {
    const parsed = parse('--loose-new=1 --loose-extract');
    assert.equal(parsed.values.extract, true);
    assert.deepEqual(parsed.warnings, [
      'unknown option --loose-new=1 passed over'.replace('=1', ''),
    ]);
    assert.equal(refusal('--new'), 'unknown option --new');
    assert.equal(refusal('-q'), 'unknown option -q');
    assert.equal(refusal('--=x'), 'unknown option --');
    refusal('--constructor');
  });

  it('counts how often an option was given', () => {
    assert.equal(parse('-x -x --extract').given.get('extract'), 3);
  });

  it('keeps other arguments in order, and everything behind --', () => {
    assert.deepEqual(parse('a -x - b -- -v --new').args, ['a', '-', 'b', '-v', '--new']);
  });

  it('refuses a missing value and a value that is none of the choices', () => {
    assert.equal(refusal('--directory'), 'option --directory needs a value');
    assert.equal(refusal('-xC'), 'option -C needs a value');
    assert.equal(refusal('--decrypt=AES'), 'option --decrypt: "AES" is none of NONE, AES256');
  });

  it('describes every option in a line', () => {
    const lines = describeOptions(table).trimEnd().split('\n');
    assert.equal(lines.length, Object.keys(table).length);
    assert.equal(lines[2], '  -C, --directory=DIR          go there');
    assert.equal(lines[3], '  -p, --parallel=N             workers (default 1)');
    assert.equal(lines[4], '  -d, --decrypt=NAME           algorithm: NONE, AES256 (default NONE)');
  });
});
